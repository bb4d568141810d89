package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// rich is a report whose every table has rows, with texts that want to be formulas.
func rich(t *testing.T) *report.Report {
	t.Helper()
	w := asktest.New(t)
	eventful(w)
	return reported(w, "2026-Q3", func(p *report.Params) {
		p.AsOf, p.Console = asktest.At("2026-10-20"), "https://assay.example.com"
		p.Complementary = report.Complementary{
			UserEntities: []report.Assumed{{ID: "UE-1", Criteria: []string{"CC6.1"}, Text: "=The customer sets up single sign-on."}},
			Subservices:  []report.Subservice{{Name: "@Cloud", Provides: "-compute", Method: "carve-out", Controls: []report.Assumed{{ID: "SO-1", Criteria: []string{"CC6.4", "A1.2"}, Text: "+guards the site"}}}},
		}
	})
}

// eventful is a quarter in which everything happened that a report can tell.
func eventful(w *asktest.World) {
	w.Helper()
	w.Beats("/idp", "2026-06-30T20:00:00Z", "2026-10-01T02:00:00Z", time.Hour)
	w.Beats("/pager", "2026-06-30T20:00:00Z", "2026-08-03T02:00:00Z", time.Hour)
	w.Beats("/pager", "2026-08-03T09:00:00Z", "2026-09-30T02:00:00Z", time.Hour)
	waived := w.Event(asktest.Waiver("wv-1", "2026-06-02", map[string]any{"until": "2026-09-01T00:00:00Z", "reason": "=HYPERLINK(\"http://evil.example\")"}), asktest.Waiver("own", "2026-07-03", map[string]any{"approver": "ann"}))
	w.Say(
		asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-02T10:00:00.123456Z", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "-b", At: "2026-08-02T10:00:00.999999Z", Outcome: compliance.Deviation, Reason: "no_mfa"},
		asktest.Said{Control: "AC-01", Item: "+c", At: "2026-08-02T11:00:00Z", Outcome: compliance.Deviation, Reason: "=cmd|' /C calc'!A0", Remediated: "2026-08-04T11:20:07.5Z"},
		asktest.Said{Control: "AC-01", Item: "@d/x y", At: "2026-09-03T10:00:00Z", Outcome: compliance.Deviation, Reason: "no_mfa", Remediated: "2026-09-03T10:00:01Z"},
		asktest.Said{Control: "AC-01", Item: "e", At: "2026-09-03T12:00:00Z", Outcome: compliance.Inconclusive, Reason: "source_silent"},
		asktest.Said{Control: "AC-04", Item: "console@2026-07", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "CH-01", Item: "f", At: "2026-07-02T10:00:00Z", Outcome: compliance.Pass},
		asktest.Said{
			Control: "CH-01", Item: "g", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Waived, Reason: "no_approval",
			Evidence: []compliance.Evidence{compliance.EvidenceOf("waiver", &waived[0])},
		},
		asktest.Said{Control: "CH-01", Item: "h", At: "2026-09-30T10:00:00Z", Outcome: compliance.Pending, Reason: "awaiting_evidence"},
		asktest.Said{Control: "CH-01", Item: "i", At: "2026-08-30T10:00:00Z", Outcome: compliance.NotApplicable},
		asktest.Said{Control: "CH-01", Item: "j", At: "2026-10-02T10:00:00Z", Outcome: compliance.Deviation, Reason: "no_approval"},
		asktest.Said{Control: "CH-01", Item: "k", At: "2026-08-30T11:00:00Z", Outcome: compliance.Withdrawn},
	)
	w.Event(happenings()...)
	activate(w, "p1", 2, "2026-08-15T12:00:00Z")
}

// happenings are releases, changes of models and incidents.
func happenings() []compliance.Event {
	ev := func(kind, id, when string, data map[string]any) compliance.Event {
		return compliance.Event{Source: "/any", ID: id, Type: kind, Time: asktest.At(when), Data: data}
	}
	release := func(component, by string) map[string]any {
		return map[string]any{"component": component, "environment": "production", "author": by}
	}
	twice := ev("deploy.completed", "r1", "2026-07-05T10:00:00Z", release("api", "ann"))
	return []compliance.Event{
		twice, twice,
		ev("deploy.completed", "r2", "2026-09-30T23:59:59.999999Z", release("api", "bob")),
		ev("deploy.completed", "r3", "2026-10-01T00:00:00Z", release("api", "eve")),
		ev("prompt.released", "r4", "2026-07-01T00:00:00Z", map[string]any{"prompt": "=support", "environment": "production", "author": "ann"}),
		ev("model.route.changed", "m1", "2026-08-12T09:00:00Z", map[string]any{"app": "assistant", "provider": "mistral-eu", "model": "large", "author": "ann", "change_id": "c-1", "environment": "production"}),
		ev("model.route.changed", "m0", "2026-06-30T23:59:59Z", map[string]any{"app": "assistant", "provider": "before", "model": "small", "author": "ann", "change_id": "c-0", "environment": "production"}),
		ev("incident.opened", "i1", "2026-07-31T10:00:00Z", map[string]any{"incident_id": "inc-1", "severity": "sev1", "service": "api", "title": "-down"}),
		ev("incident.opened", "i1b", "2026-07-31T10:05:00Z", map[string]any{"incident_id": "inc-1", "severity": "sev2", "service": "api", "title": "again"}),
		ev("incident.acknowledged", "i2", "2026-07-31T10:01:00Z", map[string]any{"incident_id": "inc-1", "responder": "bot", "responder_kind": "automation"}),
		ev("incident.acknowledged", "i3", "2026-07-31T10:07:30Z", map[string]any{"incident_id": "inc-1", "responder": "ann", "responder_kind": "human"}),
		ev("incident.resolved", "i4", "2026-10-02T10:00:00Z", map[string]any{"incident_id": "inc-1"}),
		ev("incident.opened", "i5", "2026-09-30T10:00:00Z", map[string]any{"incident_id": "inc-2", "severity": "sev3", "service": "web"}),
		ev("incident.opened", "i6", "2026-10-01T00:00:00Z", map[string]any{"incident_id": "inc-3", "severity": "sev1", "service": "web"}),
	}
}

// activate puts a change of the rules on record, in force at a time.
func activate(w *asktest.World, proposal string, number uint32, inForce string) {
	w.Helper()
	batch, err := w.Conn.PrepareBatch(w.Context(), `INSERT INTO rule_changes (tenant, kind, proposal, bundle, activation, by, at, reason, restates, controls,
		differences, replay, markers, watermark, topic, partition, offset)`)
	require.NoError(w, err)
	defer batch.Close()
	when := asktest.At(inForce)
	for i, kind := range []string{"proposed", "approved", "activated"} {
		w.Offset++
		by := []string{"ann", "bob", ""}[i]
		watermark := []compliance.Instant{0, 0, when}[i]
		require.NoError(w, batch.Append("", kind, proposal, "b2", number, by, when.Add(time.Duration(i-2)*time.Hour).Time(), "=approvals come sooner", uint8(0), []string{"CH-01"},
			"", "", "", watermark.Time(), "assay.control", int32(0), w.Offset))
	}
	require.NoError(w, batch.Send())
}
