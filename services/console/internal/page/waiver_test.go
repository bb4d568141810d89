package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// An item's page names the waiver that covers it, or says why one doesn't.
func TestWaiversOfAnItem(t *testing.T) {
	w := newWorld(t)
	approved := func(id, approver string) compliance.Event {
		return compliance.Event{Source: "/grc", ID: "ev-" + id, Type: "waiver.approved", Time: at("2026-06-01"), Data: map[string]any{
			"waiver_id": id, "control": "CH-01", "scope": map[string]any{"items": []any{"d-" + id}}, "requester": "ann", "approver": approver,
			"reason": "<b>moving</b>", "until": "2026-08-01T00:00:00Z",
		}}
	}
	deployed := func(id string) compliance.Event {
		return compliance.Event{Source: "/cd", ID: id, Type: "deploy.completed", Time: at("2026-07-05"), Data: map[string]any{
			"deploy_id": id, "environment": "production", "change_id": "c-" + id, "author": "ann", "component": "api", "commit": "c1",
		}}
	}
	events := w.event(deployed("d-good"), deployed("d-own"), approved("good", "bob"), approved("own", "ann"))
	item := func(i int) []compliance.Evidence {
		return []compliance.Evidence{compliance.EvidenceOf("item", &events[i])}
	}
	w.say(
		said{control: "CH-01", item: "d-good", at: "2026-07-05", outcome: compliance.Waived, reason: "no_approval", evidence: append(item(0), compliance.EvidenceOf("waiver", &events[2]))},
		said{control: "CH-01", item: "d-own", at: "2026-07-05", outcome: compliance.Deviation, reason: "no_approval", evidence: append(item(1), compliance.EvidenceOf("waiver.self_approved", &events[3]))},
	)
	page := w.body(engineer(), "/items/CH-01/d-good")
	require.Contains(t, page, "and a waiver is on record: good, approved by bob until")
	require.Contains(t, page, "&lt;b&gt;moving&lt;/b&gt;")
	require.Contains(t, w.body(engineer(), "/items/CH-01/d-own"), "No waiver covers it: own (approved by who asked for it).")
}
