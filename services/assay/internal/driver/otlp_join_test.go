package driver

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/story"
)

// What is exported together is what was exported by itself, in the same order.
func TestExportsJoin(t *testing.T) {
	t.Parallel()
	s := story.New(story.Options{Seed: 1, Size: story.Small})
	tellers := NewTellers(s)
	exports := map[string][]Delivery{}
	for e := range s.Events() {
		d, ok, err := tellers.Tell(e)
		require.NoError(t, err)
		if ok && d.Door.Vendor == otlp {
			exports[d.Door.Name] = append(exports[d.Door.Name], d)
		}
	}
	require.Len(t, exports, 2)
	for door, list := range exports {
		require.Equal(t, list[0], join(list[:1]))
		joined := join(list)
		require.Equal(t, len(list), joined.Events)
		lists := map[string][]json.RawMessage{}
		require.NoError(t, json.Unmarshal(joined.Body, &lists))
		require.Len(t, lists, 1, door)
		for _, records := range lists {
			require.Len(t, records, len(list))
			for i, record := range records {
				var alone map[string][]json.RawMessage
				require.NoError(t, json.Unmarshal(list[i].Body, &alone))
				for _, one := range alone {
					require.Len(t, one, 1)
					require.JSONEq(t, string(one[0]), string(record))
				}
			}
		}
	}
}
