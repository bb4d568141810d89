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
func TestGoldenRejected(t *testing.T) {
	raw, err := json.Marshal(record.Rejected{
		Tenant: "default", At: compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)), By: "collector",
		Code: record.RejectedInvalidData, Reason: "r", Source: "/idp", ID: "e-1", Type: "access.login",
		Size: 2, Body: []byte("{}"),
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"tenant": "default", "at": "2026-07-01T00:00:00Z", "by": "collector", "code": "invalid_data",
		"reason": "r", "source": "/idp", "id": "e-1", "type": "access.login",
		"sha256": "0000000000000000000000000000000000000000000000000000000000000000", "size": 2, "body": "e30="}`, string(raw))
}

func TestRevisionsSurviveARoundTrip(t *testing.T) {
	at := compliance.InstantOf(time.Date(2026, 7, 1, 9, 30, 0, 0, time.UTC))
	want := compliance.Revision{
		Tenant: "default", Control: "CH-01", RuleHash: "r", Bundle: "b", Number: 2,
		Verdict: compliance.Verdict{
			Item: compliance.Item{ID: "d-1", Time: at}, Outcome: compliance.Deviation, Reason: "no_approval",
			Evidence: []compliance.Evidence{{Expectation: "item", Source: "/cd", ID: "e", Type: "deploy.completed", Time: at, Topic: "t", Offset: 9}},
			Due:      at,
		},
		KnownAt: at, FinalAt: at.Add(time.Hour),
		Previous: &compliance.Previous{Outcome: compliance.Pass, ItemTime: at},
	}
	raw, err := json.Marshal(want)
	require.NoError(t, err)
	got, err := record.DecodeRevision(raw)
	require.NoError(t, err)
	require.Equal(t, &want, got)

	_, err = record.DecodeRevision([]byte("{"))
	require.ErrorContains(t, err, "reading a verdict")
	require.Equal(t, "default/CH-01/d-1", record.ItemKey("default", "CH-01", "d-1"))
}
