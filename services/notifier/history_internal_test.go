package notifier

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/record"
)

// What a target was told counts until it is told of something earlier again.
func TestHistory(t *testing.T) {
	cfg := Default()
	cfg.Remember = 3
	h := newHistory(cfg, zerolog.Nop())
	tell := func(item string, revision int, action record.Action, outcome record.DeliveryOutcome) {
		value, err := json.Marshal(record.Delivery{
			Tenant: "default", Control: "CH-01", Target: "oncall", Items: []string{item}, Revisions: []int{revision}, Action: action, Outcome: outcome,
		})
		require.NoError(t, err)
		h.take(value)
	}
	has := func(target, item string, revision int, action record.Action) bool {
		v := &record.Violation{Episode: record.ItemKey("default", "CH-01", item)}
		v.Verdict.Number = revision
		return h.has(target, v, action)
	}
	tell("a", 1, record.Trigger, record.Refused)
	tell("a", 2, record.Resolve, record.Delivered)
	require.False(t, has("oncall", "a", 1, record.Trigger))
	require.True(t, has("oncall", "a", 2, record.Resolve))
	require.False(t, has("oncall", "a", 2, record.Trigger))
	require.False(t, has("chat", "a", 2, record.Resolve))
	tell("a", 1, record.Trigger, record.Delivered)
	require.True(t, has("oncall", "a", 1, record.Trigger))
	require.False(t, has("oncall", "a", 2, record.Resolve), "it has to be resolved again")

	for i := range 20 {
		tell(fmt.Sprintf("m%d", i), 1, record.Trigger, record.Delivered)
	}
	require.True(t, has("oncall", "m19", 1, record.Trigger))
	require.False(t, has("oncall", "a", 1, record.Trigger))
	require.LessOrEqual(t, len(h.targets["oncall"].episodes), 2*cfg.Remember)
	h.take([]byte("no JSON"))
}
