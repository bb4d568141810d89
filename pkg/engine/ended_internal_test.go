package engine

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// What stays of an item is all that was said of it.
func TestWordOfAnEndedItemIsWhole(t *testing.T) {
	evidence := compliance.Evidence{
		Expectation: "e", Source: "/s", ID: "id", Type: "t.a", Time: -7, Topic: "events", Partition: 300, Offset: 1 << 60,
		SHA256: compliance.Hash{0, 1, 255},
	}
	whole := &published{Revision: 130, Free: true, Verdict: compliance.Verdict{
		Item: compliance.Item{ID: "p/v", Time: compliance.Never}, Outcome: compliance.Deviation, Reason: "late", Due: compliance.Ever, RemediatedAt: 5,
		Evidence: []compliance.Evidence{evidence, evidence},
	}}
	for _, v := range []any{*whole, whole.Verdict, evidence} { // else a field was forgotten here, or in what is packed
		for i := range reflect.ValueOf(v).NumField() {
			require.False(t, reflect.ValueOf(v).Field(i).IsZero(), "%T.%s", v, reflect.TypeOf(v).Field(i).Name)
		}
	}
	m := newMemory()
	key := itemKey{groupKey{"default", "TT-01", "k"}, "p"}
	m.end(key, whole)
	require.Equal(t, whole, m.ended(key))
	m.end(key, &published{})
	require.Equal(t, &published{}, m.ended(key), "its id is taken all the same")
	require.Nil(t, m.ended(itemKey{key.groupKey, "q"}))
	for k, last := range m.everyEnded() {
		require.Equal(t, key, k)
		require.Equal(t, &published{}, last)
	}
}
