package page_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/period"
)

// A seal is proven on the page, what changed since is named, and an auditor sees no
// more of it than the own period.
func TestThePageOfASealedPeriod(t *testing.T) {
	w := newWorld(t)
	w.Say(
		asktest.Said{Control: "CH-01", Item: "d1", At: "2026-07-02", Outcome: compliance.Pass},
		asktest.Said{Control: "CH-01", Item: "d2", At: "2026-07-03", Outcome: compliance.Pass},
	)
	opened := map[string]any{"period_id": "soc2", "from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "opened_by": "ann"}
	w.Event(
		compliance.Event{Source: "/assay/periods", ID: "p1", Type: period.Opened, Time: asktest.At("2026-06-01"), Data: opened},
		compliance.Event{Source: "/assay/periods", ID: "p2", Type: period.Closed, Time: asktest.At("2026-10-02"), Data: map[string]any{"period_id": "soc2", "closed_by": "ann"}},
	)
	require.Contains(t, w.body(engineer(), "/periods/soc2"), "It is not sealed")

	p := &period.Period{ID: "soc2", From: asktest.At("2026-07-01"), To: asktest.At("2026-10-01")}
	facts, err := period.FactsAt(t.Context(), w.Conn, "default", p, asktest.At("2026-10-08"), "b")
	require.NoError(t, err)
	w.Event(compliance.Event{Source: "/assay/periods", ID: "p3", Type: period.Sealed, Time: asktest.At("2026-10-09"), Data: map[string]any{
		"period_id": "soc2", "as_of": "2026-10-08T00:00:00Z", "bundle": "b", "facts_sha256": facts.SHA256, "sealed_by": "bob",
	}})
	body := w.body(engineer(), "/periods/soc2")
	checkPage(t, "/periods/soc2", body)
	require.Contains(t, body, "it is <strong>the same</strong>")
	require.Contains(t, body, facts.SHA256)
	require.Contains(t, body, "each verdict is what it was")

	w.exec(`INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, known_at) VALUES
		('default', 'CH-01', 'd1', '2026-07-02', 2, 'deviation', 'no_approval', '2026-10-20'),
		('default', 'CH-01', 'd2', '2026-06-30', 2, 'pass', '', '2026-10-21')`)
	body = w.body(engineer(), "/periods/soc2")
	require.Contains(t, body, "it is <strong>the same</strong>")
	require.Contains(t, body, "<td>pass</td><td>deviation: no_approval</td>")
	require.Contains(t, body, "/items/CH-01/d2")
	bound := w.body(auditor(t), "/periods/soc2")
	require.Contains(t, bound, "no longer in this period")
	require.NotContains(t, bound, "/items/CH-01/d2")
	require.Contains(t, w.body(auditor(t), "/reports"), `href="/periods/soc2"`)

	w.exec("INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, known_at) VALUES ('default', 'CH-01', 'd3', '2026-07-05', 1, 'pass', '2026-07-05')")
	require.Contains(t, w.body(engineer(), "/periods/soc2"), "is not what was sealed")
	require.Equal(t, http.StatusNotFound, w.get(t.Context(), engineer(), "/periods/none").Code)
}
