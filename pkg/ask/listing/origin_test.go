package listing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

func TestControlRulesAndHistory(t *testing.T) {
	w := asktest.New(t)
	first := asktest.Said{Control: "CH-01", Item: "a", At: "2026-07-01", Outcome: compliance.Deviation, Reason: "no_approval"}
	right := first
	right.Revision, right.Before, right.Outcome, right.Reason = 2, &first, compliance.Pass, ""
	w.Say(first, right,
		asktest.Said{Control: "CH-01", Item: "b", At: "2026-07-03", Outcome: compliance.Pass},
		asktest.Said{Control: "CH-01", Item: "c", At: "2026-10-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-03", Outcome: compliance.Pass},
		asktest.Said{Tenant: "other", Control: "CH-01", Item: "a", At: "2026-07-03", Outcome: compliance.Pass})
	rules, err := listing.ControlRules(t.Context(), w.Asker(), "CH-01", asktest.Q3(t))
	require.NoError(t, err)
	require.Equal(t, []listing.Rule{{
		RuleHash: w.Bundle.Control("CH-01").Hash, Bundle: w.Bundle.Hash, Items: 2, First: asktest.At("2026-07-01"), Last: asktest.At("2026-07-03"),
	}}, rules.Rows)
	history, err := listing.History(t.Context(), w.Asker(), "CH-01", "a")
	require.NoError(t, err)
	require.Len(t, history.Rows, 2)
	require.Equal(t, []compliance.Outcome{compliance.Deviation, compliance.Pass}, []compliance.Outcome{history.Rows[0].Outcome, history.Rows[1].Outcome})
	require.Equal(t, "history", history.Made.Query)
}

// An event leads to the delivery that it was mapped from, in its own tenant only.
func TestDeliveryBehind(t *testing.T) {
	w := asktest.New(t)
	exec := func(sql string) { require.NoError(t, w.Conn.Exec(t.Context(), sql)) }
	exec(`INSERT INTO events (tenant, type, source, id, time, topic, partition, offset, delivery) VALUES
		('default', 'change.approved', '/github', 'e1', '2026-07-01', 'assay.events.deployment', 0, 7, repeat('a', 32)),
		('default', 'change.approved', '/github', 'e2', '2026-07-01', 'assay.events.deployment', 0, 8, toFixedString('', 32))`)
	exec(`INSERT INTO received (tenant, source, kind, id, at, mapping, events, body, size, sha256) VALUES
		('default', '/github', 'github.push', 'g1', '2026-07-01', 'github@1', 2, 'secret', 6, repeat('a', 32)),
		('default', '/github', 'github.push', 'g1', '2026-07-02', 'github@1', 2, 'secret', 6, repeat('a', 32)),
		('default', '/github', 'github.push', 'g0', '2026-07-02', 'github@1', 0, 'secret', 6, toFixedString('', 32)),
		('other', '/github', 'github.push', 'g2', '2026-07-01', 'github@1', 2, 'secret', 6, repeat('a', 32))`)
	found, err := listing.DeliveryBehind(t.Context(), w.Asker(), "assay.events.deployment", 0, 7, 10)
	require.NoError(t, err)
	require.Len(t, found.Rows, 2, "as often as it came")
	require.Equal(t, "g1", found.Rows[0].ID)
	require.Equal(t, uint32(6), found.Rows[0].Size)
	none, err := listing.DeliveryBehind(t.Context(), w.Asker(), "assay.events.deployment", 0, 8, 10)
	require.NoError(t, err)
	require.Empty(t, none.Rows, "sent as it is")
	theirs, err := listing.DeliveryBehind(t.Context(), ask.New(w.Conn, "other", 0), "assay.events.deployment", 0, 7, 10)
	require.NoError(t, err)
	require.Empty(t, theirs.Rows)
}

// Walking back through attempts meets each once, also those of one moment.
func TestDeliveries(t *testing.T) {
	w := asktest.New(t)
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO deliveries (tenant, target, control, at, id, message, items, outcome, duration_ms)
		SELECT if(number = 7, 'other', 'default'), if(number < 4, 'slack', 'pager'), 'CH-01', toDateTime64('2026-07-01', 6, 'UTC') + intDiv(number, 3),
			toString(number), toString(number % 2), [if(number = 5, 'd5', 'd')], if(number = 6, 'refused', 'delivered'), number FROM numbers(8)`))
	f := listing.Filter{From: asktest.At("2026-07-01"), To: asktest.At("2026-10-01"), Limit: 3}
	var ids strings.Builder
	for before := (listing.Place{}); ; {
		got, err := listing.DeliveriesBefore(t.Context(), w.Asker(), f, before)
		require.NoError(t, err)
		for _, d := range got.Rows {
			ids.WriteString(d.ID)
			before = listing.Place{Time: d.At, ID: d.ID}
		}
		if len(got.Rows) < f.Limit {
			break
		}
		ids.WriteString("|")
	}
	require.Equal(t, "654|321|0", ids.String())
	f.Target = "slack"
	some, err := listing.DeliveriesBefore(t.Context(), w.Asker(), f, listing.Place{})
	require.NoError(t, err)
	require.Equal(t, "3", some.Rows[0].ID)

	of, err := listing.ItemDeliveries(t.Context(), w.Asker(), "CH-01", "d5", 10)
	require.NoError(t, err)
	require.Len(t, of.Rows, 1)
	require.Equal(t, "5", of.Rows[0].ID)

	told, err := listing.DeliveryCounts(t.Context(), w.Asker(), f.From, f.To)
	require.NoError(t, err)
	require.Equal(t, []listing.Told{
		{Target: "pager", Outcome: "delivered", Attempts: 2, Messages: 2, Last: asktest.At("2026-07-01T00:00:01Z"), Median: 5},
		{Target: "pager", Outcome: "refused", Attempts: 1, Messages: 1, Last: asktest.At("2026-07-01T00:00:02Z"), Median: 6},
		{Target: "slack", Outcome: "delivered", Attempts: 4, Messages: 2, Last: asktest.At("2026-07-01T00:00:01Z"), Median: 2},
	}, told.Rows)
}
