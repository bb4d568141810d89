package story_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/story"
)

// The census is what the story meant. Here each control is worked out from the
// events alone, by plain loops over everything, and must find the same.
func TestCensusIsWhatTheEventsSay(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		w := newWitness(t, s)
		want := map[string]string{}
		for _, it := range s.Census() {
			want[it.Control+" "+it.ItemID] = say(it.Outcome, it.Reason, it.Time, it.Remediated)
		}
		got := w.judgeAll()
		for key, outcome := range want {
			if got[key] != outcome {
				require.Equal(t, outcome, got[key], key)
			}
		}
		for key := range got {
			if _, ok := want[key]; !ok {
				require.Fail(t, "the census lacks an item", "%s: %s", key, got[key])
			}
		}
	})
}

func say(outcome compliance.Outcome, reason string, at compliance.Instant, remediated bool) string {
	return fmt.Sprintf("%s %s %s %t", outcome, reason, at, remediated)
}

type witness struct {
	boundary boundaryFile
	from     compliance.Instant
	// by holds the events by type and the value of a field, sorted by time.
	by     map[string][]*compliance.Event
	all    map[string][]*compliance.Event
	result map[string]string
}

func newWitness(t *testing.T, s *story.Story) *witness {
	t.Helper()
	w := &witness{boundary: boundaryOf(t, s), by: map[string][]*compliance.Event{}, all: map[string][]*compliance.Event{}, result: map[string]string{}}
	w.from = compliance.InstantOf(w.boundary.EffectiveFrom)
	sorted := events(s)
	slices.SortFunc(sorted, func(a, b compliance.Event) int { return a.Compare(&b) })
	for i := range sorted {
		ev := &sorted[i]
		w.all[ev.Type] = append(w.all[ev.Type], ev)
		for name, value := range ev.Data {
			if v, ok := value.(string); ok {
				key := ev.Type + " " + name + " " + v
				w.by[key] = append(w.by[key], ev)
			}
		}
	}
	return w
}

// find lists the events of a type whose field has a value, in [at+from, at+to].
func (w *witness) find(kind, field string, value any, at compliance.Instant, from, to time.Duration) []*compliance.Event {
	var found []*compliance.Event
	for _, ev := range w.by[kind+" "+field+" "+value.(string)] {
		if at.Add(from) <= ev.Time && ev.Time <= at.Add(to) {
			found = append(found, ev)
		}
	}
	return found
}

func (w *witness) set(control, id string, at compliance.Instant, reason string) {
	outcome := compliance.Pass
	if reason != "" {
		outcome = compliance.Deviation
	}
	w.put(control, id, at, outcome, reason, false)
}

func (w *witness) put(control, id string, at compliance.Instant, outcome compliance.Outcome, reason string, remediated bool) {
	if at >= w.from {
		w.result[control+" "+id] = say(outcome, reason, at, remediated)
	}
}

func (w *witness) judgeAll() map[string]string {
	for kind, judge := range map[string]func(*compliance.Event){
		"access.login": w.login, "access.granted": w.granted, "person.terminated": w.terminated,
		"deploy.completed": w.deployed, "prompt.released": w.released, "incident.opened": w.opened,
		"model.call.completed": w.called, "tool.call.completed": w.tooled, "output.delivered": w.delivered,
	} {
		for _, ev := range w.all[kind] {
			judge(ev)
		}
	}
	w.reviews()
	w.scores()
	return w.result
}

func (w *witness) login(item *compliance.Event) {
	if item.Data["privileged"] != true {
		return
	}
	reason := "no_mfa"
	if item.Data["mfa"] == true {
		reason = ""
	}
	w.set("AC-01", item.ID, item.Time, reason)
}

func (w *witness) granted(item *compliance.Event) {
	reason := "no_approval"
	for _, a := range w.find("access.request.approved", "subject", item.Data["subject"], item.Time, -14*24*time.Hour, 0) {
		if a.Data["entitlement"] == item.Data["entitlement"] && a.Data["approver"] != item.Data["subject"] &&
			subset(item.Data["scopes"], a.Data["scopes"]) {
			reason = ""
		}
	}
	w.set("AC-02", item.Data["grant_id"].(string), item.Time, reason)
}

func subset(some, all any) bool {
	for _, s := range some.([]any) {
		if !slices.Contains(all.([]any), s) {
			return false
		}
	}
	return true
}

func (w *witness) terminated(item *compliance.Event) {
	person := item.Data["person_id"]
	held := map[any]bool{}
	for _, g := range w.find("access.granted", "subject", person, item.Time, -9999*time.Hour, 0) {
		held[g.Data["entitlement_id"]] = true
	}
	for _, r := range w.find("access.revoked", "subject", person, item.Time, -9999*time.Hour, 0) {
		delete(held, r.Data["entitlement_id"]) // nothing is granted again in the story
	}
	if len(held) == 0 {
		w.put("AC-03", person.(string), item.Time, compliance.NotApplicable, "no_parts", false)
		return
	}
	for _, r := range w.find("access.revoked", "subject", person, item.Time, time.Microsecond, 24*time.Hour) {
		delete(held, r.Data["entitlement_id"])
	}
	if len(held) == 0 {
		w.set("AC-03", person.(string), item.Time, "")
		return
	}
	for _, r := range w.find("access.revoked", "subject", person, item.Time, 24*time.Hour, 30*24*time.Hour) {
		delete(held, r.Data["entitlement_id"])
	}
	w.put("AC-03", person.(string), item.Time, compliance.Deviation, "still_active", len(held) == 0)
}

func (w *witness) reviews() {
	for _, m := range w.boundary.Boundary.Systems {
		for _, month := range []time.Month{time.July, time.August, time.September} {
			start := time.Date(2026, month, 1, 0, 0, 0, 0, time.UTC)
			if start.Before(m.From) || !start.Before(m.Until) {
				continue
			}
			reason := "no_review"
			for _, r := range w.by["access.reviewed system "+m.ID] {
				if r.Data["scope"] == "admin" && r.Data["month"] == start.Format("2006-01") &&
					!r.Time.Time().Before(start) && r.Time.Time().Before(start.AddDate(0, 1, 5)) {
					reason = ""
				}
			}
			w.set("AC-04", m.ID+start.Format("@2006-01"), compliance.InstantOf(start), reason)
		}
	}
}

func (w *witness) deployed(item *compliance.Event) {
	if item.Data["environment"] != "production" || !slices.Contains(w.boundary.Boundary.Components, item.Data["component"].(string)) {
		return
	}
	change := item.Data["change_id"]
	pushes := w.find("change.pushed", "change_id", change, item.Time, -30*24*time.Hour, 0)
	push := pushes[len(pushes)-1]
	reason := "no_approval"
	for _, a := range w.find("change.approved", "change_id", change, item.Time, -30*24*time.Hour, 24*time.Hour) {
		revoked := w.find("change.approval_revoked", "change_id", change, a.Time, time.Microsecond, item.Time.Sub(a.Time))
		switch {
		case a.Data["commit"] != item.Data["commit"] || a.Time <= push.Time || len(revoked) > 0:
		case a.Data["approver"] == item.Data["author"]:
			reason = "self_approval"
		case a.Time > item.Time && reason == "no_approval":
			reason = "approval_after_deploy"
		case a.Time <= item.Time:
			w.set("CH-01", item.Data["deploy_id"].(string), item.Time, "")
			return
		}
	}
	w.set("CH-01", item.Data["deploy_id"].(string), item.Time, reason)
}

func (w *witness) released(item *compliance.Event) {
	if item.Data["environment"] != "production" {
		return
	}
	id := item.Data["release_id"].(string)
	required := w.boundary.Refs.RequiredSuites[item.Data["app"].(string)]
	reason := ""
	for _, suite := range required.Suites {
		best := int64(-1)
		for _, run := range w.find("eval.run.completed", "version_hash", item.Data["version_hash"], item.Time, -30*24*time.Hour, -time.Microsecond) {
			if run.Data["suite"] == suite {
				best = max(best, run.Data["score_permille"].(int64))
			}
		}
		if best < 0 {
			reason = "no_evaluation"
		} else if best < required.MinPermille && reason == "" {
			reason = "evaluation_failed"
		}
	}
	w.set("CH-05a", id, item.Time, reason)

	reason = "no_approval"
	for _, a := range w.find("change.approved", "change_id", item.Data["change_id"], item.Time, -7*24*time.Hour, 0) {
		if a.Data["approver"] != item.Data["author"] {
			reason = ""
		}
	}
	w.set("CH-05b", id, item.Time, reason)
}

func (w *witness) opened(item *compliance.Event) {
	if severity := item.Data["severity"]; severity != "sev1" && severity != "sev2" {
		return
	}
	id := item.Data["incident_id"].(string)
	var first *compliance.Event
	for _, a := range w.find("incident.acknowledged", "incident_id", id, item.Time, 0, 30*24*time.Hour) {
		if a.Data["responder_kind"] == "human" && first == nil {
			first = a
		}
	}
	if first.Time.Sub(item.Time) <= 15*time.Minute {
		w.set("IN-01", id, item.Time, "")
		return
	}
	w.put("IN-01", id, item.Time, compliance.Deviation, "acknowledged_late", true)
}

func (w *witness) called(item *compliance.Event) {
	if item.Data["third_party"] != true {
		return
	}
	reason := ""
	row, ok := w.boundary.Refs.Providers[item.Data["provider"].(string)]
	if !ok || item.Time.Time().Before(row.ValidFrom) || !slices.Contains(row.Classes, item.Data["data_class"].(string)) {
		reason = "provider_not_approved"
	}
	w.set("MC-01", item.Data["call_id"].(string), item.Time, reason)
}

func (w *witness) tooled(item *compliance.Event) {
	reason := ""
	if !slices.Contains(w.boundary.Refs.Agents[item.Data["agent"].(string)].Tools, item.Data["tool"].(string)) {
		reason = "tool_outside_boundary"
	}
	w.set("MC-06", item.Data["tool_call_id"].(string), item.Time, reason)
}

func (w *witness) delivered(item *compliance.Event) {
	if item.Data["use_case"] != "support" {
		return
	}
	id := item.Data["trace_id"].(string)
	spans := map[any]*compliance.Event{item.Data["span_id"]: item}
	names := map[any]bool{}
	for kind := range w.all {
		if !isSpan(kind) {
			continue
		}
		for _, span := range w.find(kind, "trace_id", id, item.Time, -time.Hour, 5*time.Minute) {
			spans[span.Data["span_id"]] = span
			names[span.Data["name"]] = true
		}
	}
	w.set("MC-05", id, item.Time, traceFault(item, spans, names))
}

func isSpan(kind string) bool {
	for _, prefix := range []string{"ticket.", "retrieval.", "model.call.", "tool.call.", "guardrail."} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

func traceFault(item *compliance.Event, spans map[any]*compliance.Event, names map[any]bool) string {
	for _, span := range spans {
		if parent := span.Data["parent_id"]; parent != "" && spans[parent] == nil {
			return "orphan"
		}
	}
	for _, name := range item.Data["plan"].([]any) {
		if !names[name] {
			return "step_missing"
		}
	}
	for span := item; span != nil; span = spans[span.Data["parent_id"]] {
		if span.Type == "guardrail.decision" {
			return ""
		}
	}
	return "no_guardrail"
}

func (w *witness) scores() {
	for _, m := range w.boundary.Boundary.Services {
		for d := w.boundary.EffectiveFrom; d.Before(m.Until); d = d.AddDate(0, 0, 1) {
			if !d.Before(m.From) {
				w.scoreDay(m.ID, compliance.InstantOf(d))
			}
		}
	}
}

func (w *witness) scoreDay(service string, d compliance.Instant) {
	id, end := service+"@"+d.Time().Format(time.DateOnly), d.Add(24*time.Hour)
	maxGap, _ := time.ParseDuration(w.boundary.Sources["/scorer"].MaxGap)
	var last compliance.Instant
	for _, beat := range w.all["source.heartbeat"] {
		if beat.Source != "/scorer" {
			continue
		}
		if last != 0 && beat.Time.Sub(last) > maxGap && last < end && beat.Time > d {
			w.put("MC-11", id, d, compliance.Inconclusive, "source_silent", false)
			return
		}
		last = beat.Time
	}
	var n, sum int64
	for _, score := range w.find("eval.online.scored", "service", service, d, 0, 24*time.Hour-time.Microsecond) {
		n++
		sum += score.Data["score_permille"].(int64)
	}
	switch {
	case n < 20:
		w.put("MC-11", id, d, compliance.NotApplicable, "does_not_apply", false)
	case sum >= 850*n:
		w.set("MC-11", id, d, "")
	default:
		w.set("MC-11", id, d, "below_threshold")
	}
}
