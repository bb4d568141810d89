package report_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func TestControlRulesAndHistory(t *testing.T) {
	w := newWorld(t)
	first := said{control: "CH-01", item: "a", at: "2026-07-01", outcome: compliance.Deviation, reason: "no_approval"}
	right := first
	right.revision, right.before, right.outcome, right.reason = 2, &first, compliance.Pass, ""
	w.say(first, right,
		said{control: "CH-01", item: "b", at: "2026-07-03", outcome: compliance.Pass},
		said{control: "CH-01", item: "c", at: "2026-10-01", outcome: compliance.Pass},
		said{control: "AC-01", item: "a", at: "2026-07-03", outcome: compliance.Pass},
		said{tenant: "other", control: "CH-01", item: "a", at: "2026-07-03", outcome: compliance.Pass})
	rules, err := asker(w).ControlRules(t.Context(), "CH-01", q3(t))
	require.NoError(t, err)
	require.Equal(t, []report.Rule{{
		RuleHash: w.bundle.Control("CH-01").Hash, Bundle: w.bundle.Hash, Items: 2, First: at("2026-07-01"), Last: at("2026-07-03"),
	}}, rules.Rows)
	history, err := asker(w).History(t.Context(), "CH-01", "a")
	require.NoError(t, err)
	require.Len(t, history.Rows, 2)
	require.Equal(t, []compliance.Outcome{compliance.Deviation, compliance.Pass}, []compliance.Outcome{history.Rows[0].Outcome, history.Rows[1].Outcome})
	require.Equal(t, "history", history.Made.Query)
}

// An event leads to the delivery that it was mapped from, in its own tenant only.
func TestDeliveryBehind(t *testing.T) {
	w := newWorld(t)
	exec := func(sql string) { require.NoError(t, w.conn.Exec(t.Context(), sql)) }
	exec(`INSERT INTO events (tenant, type, source, id, time, topic, partition, offset, delivery) VALUES
		('default', 'change.approved', '/github', 'e1', '2026-07-01', 'assay.events.deployment', 0, 7, repeat('a', 32)),
		('default', 'change.approved', '/github', 'e2', '2026-07-01', 'assay.events.deployment', 0, 8, toFixedString('', 32))`)
	exec(`INSERT INTO received (tenant, source, kind, id, at, mapping, events, body, size, sha256) VALUES
		('default', '/github', 'github.push', 'g1', '2026-07-01', 'github@1', 2, 'secret', 6, repeat('a', 32)),
		('default', '/github', 'github.push', 'g1', '2026-07-02', 'github@1', 2, 'secret', 6, repeat('a', 32)),
		('default', '/github', 'github.push', 'g0', '2026-07-02', 'github@1', 0, 'secret', 6, toFixedString('', 32)),
		('other', '/github', 'github.push', 'g2', '2026-07-01', 'github@1', 2, 'secret', 6, repeat('a', 32))`)
	found, err := asker(w).DeliveryBehind(t.Context(), "assay.events.deployment", 0, 7, 10)
	require.NoError(t, err)
	require.Len(t, found.Rows, 2, "as often as it came")
	require.Equal(t, "g1", found.Rows[0].ID)
	require.Equal(t, uint32(6), found.Rows[0].Size)
	none, err := asker(w).DeliveryBehind(t.Context(), "assay.events.deployment", 0, 8, 10)
	require.NoError(t, err)
	require.Empty(t, none.Rows, "sent as it is")
	theirs, err := report.NewAsker(w.conn, "other", 0).DeliveryBehind(t.Context(), "assay.events.deployment", 0, 7, 10)
	require.NoError(t, err)
	require.Empty(t, theirs.Rows)
}

// Walking back through attempts meets each once, also those of one moment.
func TestDeliveries(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO deliveries (tenant, target, control, at, id, message, items, outcome, duration_ms)
		SELECT if(number = 7, 'other', 'default'), if(number < 4, 'slack', 'pager'), 'CH-01', toDateTime64('2026-07-01', 6, 'UTC') + intDiv(number, 3),
			toString(number), toString(number % 2), [if(number = 5, 'd5', 'd')], if(number = 6, 'refused', 'delivered'), number FROM numbers(8)`))
	f := report.Filter{From: at("2026-07-01"), To: at("2026-10-01"), Limit: 3}
	var ids strings.Builder
	for before := (report.Place{}); ; {
		got, err := asker(w).DeliveriesBefore(t.Context(), f, before)
		require.NoError(t, err)
		for _, d := range got.Rows {
			ids.WriteString(d.ID)
			before = report.Place{Time: d.At, ID: d.ID}
		}
		if len(got.Rows) < f.Limit {
			break
		}
		ids.WriteString("|")
	}
	require.Equal(t, "654|321|0", ids.String())
	f.Target = "slack"
	some, err := asker(w).DeliveriesBefore(t.Context(), f, report.Place{})
	require.NoError(t, err)
	require.Equal(t, "3", some.Rows[0].ID)

	of, err := asker(w).ItemDeliveries(t.Context(), "CH-01", "d5", 10)
	require.NoError(t, err)
	require.Len(t, of.Rows, 1)
	require.Equal(t, "5", of.Rows[0].ID)

	told, err := asker(w).DeliveryCounts(t.Context(), f.From, f.To)
	require.NoError(t, err)
	require.Equal(t, []report.Told{
		{Target: "pager", Outcome: "delivered", Attempts: 2, Messages: 2, Last: at("2026-07-01T00:00:01Z"), Median: 5},
		{Target: "pager", Outcome: "refused", Attempts: 1, Messages: 1, Last: at("2026-07-01T00:00:02Z"), Median: 6},
		{Target: "slack", Outcome: "delivered", Attempts: 4, Messages: 2, Last: at("2026-07-01T00:00:01Z"), Median: 2},
	}, told.Rows)
}
