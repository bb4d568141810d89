package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func TestDaysAndQuarters(t *testing.T) {
	w := newWorld(t)
	w.say(
		said{control: "AC-01", item: "a", at: "2026-07-01", outcome: compliance.Pass},
		said{control: "AC-01", item: "b", at: "2026-07-01T23:59:59Z", outcome: compliance.Deviation, reason: "no_mfa"},
		said{control: "CH-01", item: "c", at: "2026-10-01", outcome: compliance.Pass},
		said{tenant: "other", control: "AC-01", item: "d", at: "2026-07-01", outcome: compliance.Pass},
	)
	days, err := asker(w).DayCounts(t.Context(), "", q3(t))
	require.NoError(t, err)
	first := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, []report.DayCount{
		{Control: "AC-01", Day: first, Outcome: compliance.Deviation, Reason: "no_mfa", Items: 1},
		{Control: "AC-01", Day: first, Outcome: compliance.Pass, Items: 1},
	}, days.Rows)
	require.Equal(t, "day_counts", days.Made.Query)
	require.Equal(t, 2, days.Made.Rows)
	require.Contains(t, days.Made.Parameters, report.Parameter{Name: "tenant", Value: "default"})

	quarters, err := asker(w).Quarters(t.Context())
	require.NoError(t, err)
	require.Equal(t, []report.Quarter{
		{First: first, Items: 2}, {First: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Items: 1},
	}, quarters.Rows)
}

// Pages of items meet without a gap or a repeat, also where items have one time.
func TestItemsAfter(t *testing.T) {
	w := newWorld(t)
	var revisions []said
	for id := range strings.SplitSeq("abcdefg", "") {
		revisions = append(revisions, said{control: "AC-01", item: id, at: "2026-07-0" + map[bool]string{true: "1", false: "2"}[id < "e"], outcome: compliance.Pass})
	}
	revisions = append(revisions, said{control: "AC-01", item: "x", at: "2026-07-01", outcome: compliance.Deviation, reason: "no_mfa"})
	w.say(revisions...)
	read := func(f report.Filter) string {
		f.Control, f.From, f.To, f.Limit = "AC-01", at("2026-07-01"), at("2026-10-01"), 3
		var ids strings.Builder
		place := report.Place{}
		for {
			page, err := asker(w).ItemsAfter(t.Context(), f, place)
			require.NoError(t, err)
			for _, v := range page.Rows {
				ids.WriteString(v.Item.ID)
				place = report.Place{Time: v.Item.Time, ID: v.Item.ID}
			}
			if len(page.Rows) < 3 {
				return ids.String()
			}
			ids.WriteString("|")
		}
	}
	require.Equal(t, "abc|dxe|fg", read(report.Filter{}))
	require.Equal(t, "x", read(report.Filter{Outcome: "deviation"}))
	require.Equal(t, "x", read(report.Filter{Reason: "no_mfa"}))
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	opened := said{control: "IN-01", item: "i", at: "2026-07-01", outcome: compliance.Deviation, known: at("2026-07-02")}
	remedied := opened
	remedied.revision, remedied.before, remedied.remediated, remedied.known = 2, &opened, "2026-07-03", at("2026-07-03")
	late := said{control: "IN-01", item: "j", at: "2026-07-01", outcome: compliance.Deviation, known: at("2026-07-02")}
	right := late
	right.revision, right.before, right.outcome, right.known = 2, &late, compliance.Pass, at("2026-07-04")
	w.say(opened, remedied, late, right,
		said{control: "AC-01", item: "u", at: "2026-07-01", outcome: compliance.Inconclusive, known: at("2026-07-05")},
		said{control: "AC-01", item: "p", at: "2026-07-01", outcome: compliance.Pass, known: at("2026-07-05")},
		said{tenant: "other", control: "AC-01", item: "o", at: "2026-07-01", outcome: compliance.Deviation, known: at("2026-07-05")})
	got, err := asker(w).Changes(t.Context(), at("2026-07-01"), at("2026-07-06"), 10)
	require.NoError(t, err)
	var kinds []string
	for _, c := range got.Rows {
		kinds = append(kinds, c.Item.ID+" "+c.Kind)
	}
	require.Equal(t, []string{"u unknown", "j corrected", "i remediated", "i deviation", "j deviation"}, kinds)
	counts, err := asker(w).ChangeCounts(t.Context(), at("2026-07-02"), at("2026-07-05"))
	require.NoError(t, err)
	require.Equal(t, []report.ChangeCounts{{Deviations: 2, Corrected: 1, Remediated: 1, Revisions: 4}}, counts.Rows)
}

func TestPlaces(t *testing.T) {
	w := newWorld(t)
	events := w.event(
		compliance.Event{Source: "/idp", ID: "e1", Type: "access.login", Time: at("2026-07-01"), Data: map[string]any{"user": "<b>"}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: "e2", Type: "access.login", Time: at("2026-07-01")},
	)
	w.say(said{control: "AC-01", item: "e1", at: "2026-07-01", outcome: compliance.Pass, evidence: []compliance.Evidence{compliance.EvidenceOf("item", &events[0])}})
	ref := events[0].Ref
	found, err := asker(w).EventAt(t.Context(), ref.Topic, ref.Partition, ref.Offset)
	require.NoError(t, err)
	require.Len(t, found.Rows, 1)
	require.Equal(t, ref.SHA256.String(), found.Rows[0].SHA256)
	resting, err := asker(w).RestingOn(t.Context(), ref.Topic, ref.Partition, ref.Offset, 10)
	require.NoError(t, err)
	require.Len(t, resting.Rows, 1)
	require.Equal(t, "e1", resting.Rows[0].Item.ID)
	theirs, err := asker(w).EventAt(t.Context(), ref.Topic, ref.Partition, events[1].Ref.Offset)
	require.NoError(t, err)
	require.Empty(t, theirs.Rows, "an event of another tenant")
}
