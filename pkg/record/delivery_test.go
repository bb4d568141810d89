package record_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Other people's consumers read these: they change in a new version only.
func TestGoldenDelivery(t *testing.T) {
	d := record.Delivery{
		Schema: record.DeliverySchema, ID: "0198", Tenant: "default", Violations: []string{"default/CH-01/d-1#2"},
		Items: []string{"d-1"}, Revisions: []int{2}, Control: "CH-01", Route: "changes", Target: "oncall", Kind: "pagerduty",
		Action: record.Trigger, Group: "default/CH-01/d-1#2", Attempt: 3, Outcome: record.Retried, Status: 503,
		Error: "answered 503", DurationMS: 12, At: compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)),
	}
	raw, err := json.Marshal(d)
	require.NoError(t, err)
	require.JSONEq(t, `{"schema": "delivery/v1", "id": "0198", "tenant": "default", "violations": ["default/CH-01/d-1#2"],
		"items": ["d-1"], "revisions": [2], "control": "CH-01", "route": "changes", "target": "oncall", "kind": "pagerduty",
		"action": "trigger", "group": "default/CH-01/d-1#2", "attempt": 3, "outcome": "retry", "status": 503,
		"error": "answered 503", "duration_ms": 12, "at": "2026-07-01T00:00:00Z",
		"request_sha256": "0000000000000000000000000000000000000000000000000000000000000000"}`, string(raw))
	var got record.Delivery
	require.NoError(t, json.Unmarshal(raw, &got))
	require.Equal(t, d, got)
	require.Equal(t, "default/oncall", record.DeliveryKey("default", "oncall"))
}
