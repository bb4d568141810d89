package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
)

// An item's page names the waiver that covers it, or says why one doesn't.
func TestWaiversOfAnItem(t *testing.T) {
	w := newWorld(t)
	approved := func(id, approver string) compliance.Event {
		return compliance.Event{Source: "/grc", ID: "ev-" + id, Type: "waiver.approved", Time: asktest.At("2026-06-01"), Data: map[string]any{
			"waiver_id": id, "control": "CH-01", "scope": map[string]any{"items": []any{"d-" + id}}, "requester": "ann", "approver": approver,
			"reason": "<b>moving</b>", "until": "2026-08-01T00:00:00Z",
		}}
	}
	deployed := func(id string) compliance.Event {
		return compliance.Event{Source: "/cd", ID: id, Type: "deploy.completed", Time: asktest.At("2026-07-05"), Data: map[string]any{
			"deploy_id": id, "environment": "production", "change_id": "c-" + id, "author": "ann", "component": "api", "commit": "c1",
		}}
	}
	events := w.Event(deployed("d-good"), deployed("d-own"), approved("good", "bob"), approved("own", "ann"))
	item := func(i int) []compliance.Evidence {
		return []compliance.Evidence{compliance.EvidenceOf("item", &events[i])}
	}
	w.Say(
		asktest.Said{Control: "CH-01", Item: "d-good", At: "2026-07-05", Outcome: compliance.Waived, Reason: "no_approval", Evidence: append(item(0), compliance.EvidenceOf("waiver", &events[2]))},
		asktest.Said{Control: "CH-01", Item: "d-own", At: "2026-07-05", Outcome: compliance.Deviation, Reason: "no_approval", Evidence: append(item(1), compliance.EvidenceOf("waiver.self_approved", &events[3]))},
	)
	page := w.body(engineer(), "/items/CH-01/d-good")
	require.Contains(t, page, "and a waiver is on record: good, approved by bob until")
	require.Contains(t, page, "&lt;b&gt;moving&lt;/b&gt;")
	require.Contains(t, w.body(engineer(), "/items/CH-01/d-own"), "No waiver covers it: own (approved by who asked for it).")
}

// A control's page tells who changed its rule, why, who approved it and what that restated.
func TestChangesOfAControl(t *testing.T) {
	w := newWorld(t)
	require.NotContains(t, w.body(engineer(), "/controls/CH-01"), "Changes of this rule")
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO rule_changes (kind, proposal, bundle, activation, by, at, reason, restates, controls, replay, watermark, offset) VALUES
		('proposed', 'feedfacefeedface', 'b2', 0, 'ann', '2026-08-01', '<b>moving</b>', 1, ['CH-01'], '{"judged": 13, "changed": 4}', 0, 1),
		('approved', 'feedfacefeedface', '', 0, 'bob', '2026-08-02', '', 0, [], '', 0, 2),
		('activated', 'feedfacefeedface', 'b2', 2, '', 0, '', 0, [], '', '2026-08-03', 3),
		('proposed', 'abad1deaabad1dea', 'b3', 0, 'eve', '2026-08-04', 'soon', 0, ['CH-01'], '', 0, 4),
		('refused', 'abad1deaabad1dea', '', 0, '', 0, 'too early', 0, [], '', 0, 5),
		('proposed', 'another', 'b4', 0, 'zoe', '2026-08-04', 'elsewhere', 0, ['AC-01'], '', 0, 6)`))
	page := w.body(engineer(), "/controls/CH-01")
	for _, text := range []string{"Changes of this rule", "&lt;b&gt;moving&lt;/b&gt;", "ann", "bob", "activated as 2", "4 of 13 verdicts", "Refused: too early", "eve"} {
		require.Contains(t, page, text)
	}
	require.NotContains(t, page, "zoe")
	require.NotContains(t, w.body(engineer(), "/controls/AC-01"), "ann")
}
