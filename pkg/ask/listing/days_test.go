package listing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

func TestDaysAndQuarters(t *testing.T) {
	w := asktest.New(t)
	w.Say(
		asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "b", At: "2026-07-01T23:59:59Z", Outcome: compliance.Deviation, Reason: "no_mfa"},
		asktest.Said{Control: "CH-01", Item: "c", At: "2026-10-01", Outcome: compliance.Pass},
		asktest.Said{Tenant: "other", Control: "AC-01", Item: "d", At: "2026-07-01", Outcome: compliance.Pass},
	)
	days, err := listing.DayCounts(t.Context(), w.Asker(), "", asktest.Q3(t))
	require.NoError(t, err)
	first := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []listing.DayCount{
		{Control: "AC-01", Day: first, Outcome: compliance.Deviation, Reason: "no_mfa", Items: 1},
		{Control: "AC-01", Day: first, Outcome: compliance.Pass, Items: 1},
	}, days.Rows)
	require.Equal(t, "day_counts", days.Made.Query)
	require.Equal(t, 2, days.Made.Rows)
	require.Contains(t, days.Made.Parameters, ask.Parameter{Name: "tenant", Value: "default"})

	quarters, err := listing.Quarters(t.Context(), w.Asker())
	require.NoError(t, err)
	require.Equal(t, []listing.Quarter{
		{First: first, Items: 2}, {First: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Items: 1},
	}, quarters.Rows)
}

func TestChanges(t *testing.T) {
	w := asktest.New(t)
	opened := asktest.Said{Control: "IN-01", Item: "i", At: "2026-07-01", Outcome: compliance.Deviation, Known: asktest.At("2026-07-02")}
	remedied := opened
	remedied.Revision, remedied.Before, remedied.Remediated, remedied.Known = 2, &opened, "2026-07-03", asktest.At("2026-07-03")
	late := asktest.Said{Control: "IN-01", Item: "j", At: "2026-07-01", Outcome: compliance.Deviation, Known: asktest.At("2026-07-02")}
	right := late
	right.Revision, right.Before, right.Outcome, right.Known = 2, &late, compliance.Pass, asktest.At("2026-07-04")
	w.Say(opened, remedied, late, right,
		asktest.Said{Control: "AC-01", Item: "u", At: "2026-07-01", Outcome: compliance.Inconclusive, Known: asktest.At("2026-07-05")},
		asktest.Said{Control: "AC-01", Item: "p", At: "2026-07-01", Outcome: compliance.Pass, Known: asktest.At("2026-07-05")},
		asktest.Said{Tenant: "other", Control: "AC-01", Item: "o", At: "2026-07-01", Outcome: compliance.Deviation, Known: asktest.At("2026-07-05")})
	got, err := listing.Changes(t.Context(), w.Asker(), asktest.At("2026-07-01"), asktest.At("2026-07-06"), 10)
	require.NoError(t, err)
	var kinds []string
	for _, c := range got.Rows {
		kinds = append(kinds, c.Item.ID+" "+c.Kind)
	}
	require.Equal(t, []string{"u unknown", "j corrected", "i remediated", "i deviation", "j deviation"}, kinds)
	counts, err := listing.CountChanges(t.Context(), w.Asker(), asktest.At("2026-07-02"), asktest.At("2026-07-05"))
	require.NoError(t, err)
	require.Equal(t, []listing.ChangeCounts{{Deviations: 2, Corrected: 1, Remediated: 1, Revisions: 4}}, counts.Rows)
}

func TestPlaces(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		compliance.Event{Source: "/idp", ID: "e1", Type: "access.login", Time: asktest.At("2026-07-01"), Data: map[string]any{"user": "<b>"}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: "e2", Type: "access.login", Time: asktest.At("2026-07-01")},
	)
	w.Say(asktest.Said{Control: "AC-01", Item: "e1", At: "2026-07-01", Outcome: compliance.Pass, Evidence: []compliance.Evidence{compliance.EvidenceOf("item", &events[0])}})
	ref := events[0].Ref
	found, err := listing.EventAt(t.Context(), w.Asker(), ref.Topic, ref.Partition, ref.Offset)
	require.NoError(t, err)
	require.Len(t, found.Rows, 1)
	require.Equal(t, ref.SHA256.String(), found.Rows[0].SHA256)
	resting, err := listing.RestingOn(t.Context(), w.Asker(), ref.Topic, ref.Partition, ref.Offset, 10)
	require.NoError(t, err)
	require.Len(t, resting.Rows, 1)
	require.Equal(t, "e1", resting.Rows[0].Item.ID)
	theirs, err := listing.EventAt(t.Context(), w.Asker(), ref.Topic, ref.Partition, events[1].Ref.Offset)
	require.NoError(t, err)
	require.Empty(t, theirs.Rows, "an event of another tenant")
}
