package recorder

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Every attempt is one row; the view tells what became of each violation.
func TestDeliveriesAreRows(t *testing.T) {
	w := newWorld(t)
	attempt := func(n int, outcome record.DeliveryOutcome, violations ...string) *kgo.Record {
		d := record.Delivery{
			Schema: record.DeliverySchema, ID: "a", Tenant: "default", Violations: violations, Control: "CH-01", Route: "all",
			Target: "hook", Kind: "webhook", Action: record.Notify, Group: "g", Attempt: n, Outcome: outcome, Status: 200 + n,
			Error: "answered", DurationMS: 7, RequestSHA256: compliance.Hash{1, 2}, At: start.Add(time.Duration(n) * time.Second),
		}
		for i := range violations {
			d.Items, d.Revisions = append(d.Items, "i"), append(d.Revisions, i+1)
		}
		raw, err := json.Marshal(d)
		require.NoError(t, err)
		return &kgo.Record{Key: []byte(record.DeliveryKey("default", "hook")), Value: raw}
	}
	w.produce("deliveries",
		attempt(1, record.Retried, "v#1", "v#2"), attempt(2, record.Retried, "v#1", "v#2"), attempt(3, record.Delivered, "v#1", "v#2"),
		attempt(1, record.Refused, "w#1"), attempt(4, record.Abandoned, "x#1"),
		&kgo.Record{Value: []byte("no JSON")}, attempt(0, record.Delivered, "y#1"), attempt(1, record.Delivered),
	)
	r := w.start(seams{})
	w.awaitCovered("deliveries", 8)
	r.stop()

	require.Equal(t, uint64(5), one[uint64](w, "SELECT count() FROM deliveries"))
	require.Equal(t, uint64(3), one[uint64](w, "SELECT sum(skipped) FROM coverage"))
	require.Equal(t, []uint32{1, 2}, one[[]uint32](w, "SELECT revisions FROM deliveries WHERE outcome = 'delivered'"))
	require.Equal(t, uint16(203), one[uint16](w, "SELECT status FROM deliveries WHERE outcome = 'delivered'"))
	require.Equal(t, string([]byte{1, 2}), one[string](w, "SELECT substring(request_sha256, 1, 2) FROM deliveries WHERE outcome = 'refused'"))
	require.Equal(t, uint64(1), one[uint64](w, "SELECT count() FROM deliveries WHERE has(violations, 'x#1')"))

	require.Equal(t, uint64(4), one[uint64](w, "SELECT count() FROM delivery_states WHERE tenant = 'default'"))
	for violation, want := range map[string]string{"v#1": "delivered", "v#2": "delivered", "w#1": "refused", "x#1": "abandoned"} {
		require.Equal(t, want, one[string](w, "SELECT outcome FROM delivery_states WHERE tenant = 'default' AND violation = ?", violation))
	}
	require.Equal(t, uint64(3), one[uint64](w, "SELECT attempts FROM delivery_states WHERE tenant = 'default' AND violation = 'v#2'"))
}
