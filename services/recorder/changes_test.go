package recorder

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
)

// What is said of a change of rules is a row, word by word; the rest of the topic is none.
func TestChangesOfRulesAreRows(t *testing.T) {
	w := newWorld(t)
	said := func(c record.Control) *kgo.Record {
		value, err := json.Marshal(c)
		require.NoError(t, err)
		return &kgo.Record{Key: []byte(c.Kind), Value: value}
	}
	w.produce("control",
		said(record.Control{Kind: "topology", Topology: 1, Partitions: map[string]int32{"t": 1}}),
		said(record.Control{Kind: "activated", Activation: 1, Bundle: "b1"}),
		said(record.Control{
			Kind: "proposed", Proposal: "p1", Bundle: "b2", Files: []byte{1}, By: "ann", At: start, Reason: "It was meant so.", Restates: true,
			Differences: json.RawMessage(`[{"control":"IN-01"},{"control":"CH-01"},{"control":"IN-01"},{"control":""}]`),
			Replay:      json.RawMessage(`{"judged":13,"changed":1}`),
		}),
		said(record.Control{Kind: "approved", Proposal: "p1", By: "bob", At: start}),
		said(record.Control{Kind: "activating", Proposal: "p1", Activation: 2}),
		said(record.Control{Kind: "activated", Proposal: "p1", Activation: 2, Bundle: "b2", Markers: map[string]int64{"t/0": 7}, Watermark: start}))
	r := w.start(seams{})
	w.awaitCovered("control", 6)
	r.stop()
	require.Equal(t, uint64(4), one[uint64](w, "SELECT count() FROM rule_changes"))
	require.Equal(t, uint64(0), one[uint64](w, "SELECT sum(skipped) FROM coverage"))
	require.Equal(t, "['CH-01','IN-01']", one[string](w, "SELECT toString(controls) FROM rule_changes WHERE kind = 'proposed' AND restates = 1 AND by = 'ann'"))
	require.JSONEq(t, `{"judged":13,"changed":1}`, one[string](w, "SELECT replay FROM rule_changes WHERE kind = 'proposed'"))
	require.Equal(t, "bob", one[string](w, "SELECT by FROM rule_changes WHERE kind = 'approved'"))
	require.JSONEq(t, `{"t/0": 7}`, one[string](w, "SELECT markers FROM rule_changes WHERE kind = 'activated' AND activation = 2"))
}
