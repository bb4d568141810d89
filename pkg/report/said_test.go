package report_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
)

// said is one revision of an item.
type said struct {
	tenant, control, item string
	at                    string
	outcome               compliance.Outcome
	reason                string
	revision              int
	remediated            string
	evidence              []compliance.Evidence
	// before is the outcome of the revision before, with its reason and item time.
	before *said
	known  compliance.Instant
}

func (s said) remediatedAt() compliance.Instant {
	if s.remediated == "" {
		return 0
	}
	return at(s.remediated)
}

// say inserts revisions.
func (w *world) say(revisions ...said) {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, previous_outcome, previous_reason, previous_item_time,
		previous_remediated_at, topic, partition, offset)`)
	require.NoError(w, err)
	defer batch.Close()
	for _, s := range revisions {
		w.offset++
		evidence := []byte("[]")
		if len(s.evidence) > 0 {
			evidence, err = json.Marshal(s.evidence)
			require.NoError(w, err)
		}
		before := said{at: "1970-01-01"}
		if s.before != nil {
			before = *s.before
		}
		rule := "none"
		if c := w.bundle.Control(s.control); c != nil {
			rule = c.At(at(s.at)).Hash
		}
		due := at(s.at).Add(time.Hour)
		require.NoError(w, batch.Append(cmp.Or(s.tenant, w.tenant), s.control, s.item, at(s.at).Time(), uint32(max(1, s.revision)), string(s.outcome), s.reason,
			rule, w.bundle.Hash, due.Time(), cmp.Or(s.known, due).Time(), due.Add(time.Hour).Time(), s.remediatedAt().Time(), string(evidence),
			string(before.outcome), before.reason, at(before.at).Time(), before.remediatedAt().Time(), "assay.verdicts", int32(0), w.offset))
	}
	require.NoError(w, batch.Send())
}

// judge puts into the tables what the rules say of the events at a watermark.
func (w *world) judge(id string, mark compliance.Instant, events []compliance.Event) []compliance.Verdict {
	w.Helper()
	pointers := make([]*compliance.Event, len(events))
	for i := range events {
		pointers[i] = &events[i]
	}
	verdicts := oracle.Verdicts(w.bundle, w.bundle.Control(id), w.tenant, pointers, mark)
	var revisions []said
	for _, v := range verdicts {
		remediated := ""
		if v.RemediatedAt != 0 {
			remediated = v.RemediatedAt.String()
		}
		revisions = append(revisions, said{
			control: id, item: v.Item.ID, at: v.Item.Time.String(), outcome: v.Outcome, reason: v.Reason,
			evidence: v.Evidence, remediated: remediated, known: mark - 1,
		})
	}
	w.say(revisions...)
	return verdicts
}

// history is what is said of some items over two months, and what was heard meanwhile.
func history(r *rand.Rand) (revisions []said, events []compliance.Event) {
	outcomes := compliance.Outcomes()
	start := at("2026-06-28")
	for i := range 12 {
		when := start.Add(time.Duration(r.IntN(40*24)) * time.Hour)
		known := when
		var last *said
		for n := range 1 + r.IntN(5) {
			known = known.Add(time.Duration(1+r.IntN(200)) * time.Hour)
			if r.IntN(4) == 0 {
				when = when.Add(-time.Duration(r.IntN(72)) * time.Hour) // an earlier event opens it
			}
			s := said{
				control: []string{"CH-01", "AC-01", "AC-04"}[i%3], item: fmt.Sprintf("i%d", i), at: when.String(), revision: n + 1, known: known,
				outcome: outcomes[r.IntN(len(outcomes))], reason: "no_approval", before: last,
			}
			if s.outcome == compliance.Waived {
				s.evidence = []compliance.Evidence{{Expectation: "waiver", Source: "/grc", ID: "ev-wv"}}
			}
			if r.IntN(3) == 0 {
				s.remediated = known.String()
			}
			revisions = append(revisions, s)
			last = &s
		}
	}
	events = append(events, waiver("wv", at("2026-06-20").Add(time.Duration(r.IntN(40*24))*time.Hour).String(), nil))
	for beat := start; beat < start.Add(60*24*time.Hour); beat = beat.Add(time.Duration(1+r.IntN(4)) * time.Hour) {
		events = append(events, compliance.Event{
			Source: "/idp", ID: fmt.Sprintf("beat-%d", beat), Type: control.Heartbeat, Time: beat, Data: map[string]any{"interval_seconds": int64(3600)},
		})
	}
	return revisions, events
}

func lastSaid(revisions []said, w compliance.Instant) map[string]said {
	last := map[string]said{}
	for _, s := range revisions {
		if s.known <= w {
			last[s.control+"/"+s.item] = s
		}
	}
	return last
}
