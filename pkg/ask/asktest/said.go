package asktest

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

// Said is one revision of an item.
type Said struct {
	Tenant, Control, Item string
	At                    string
	Outcome               compliance.Outcome
	Reason                string
	Revision              int
	Remediated            string
	Evidence              []compliance.Evidence
	// before is the outcome of the revision before, with its reason and item time.
	Before *Said
	Known  compliance.Instant
}

func (s Said) remediatedAt() compliance.Instant {
	if s.Remediated == "" {
		return 0
	}
	return At(s.Remediated)
}

// Say inserts revisions.
func (w *World) Say(revisions ...Said) {
	w.Helper()
	batch, err := w.Conn.PrepareBatch(w.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, previous_outcome, previous_reason, previous_item_time,
		previous_remediated_at, topic, partition, offset)`)
	require.NoError(w, err)
	defer batch.Close()
	for _, s := range revisions {
		w.Offset++
		evidence := []byte("[]")
		if len(s.Evidence) > 0 {
			evidence, err = json.Marshal(s.Evidence)
			require.NoError(w, err)
		}
		before := Said{At: "1970-01-01"}
		if s.Before != nil {
			before = *s.Before
		}
		rule := "none"
		if c := w.Bundle.Control(s.Control); c != nil {
			rule = c.At(At(s.At)).Hash
		}
		due := At(s.At).Add(time.Hour)
		require.NoError(w, batch.Append(cmp.Or(s.Tenant, w.Tenant), s.Control, s.Item, At(s.At).Time(), uint32(max(1, s.Revision)), string(s.Outcome), s.Reason,
			rule, w.Bundle.Hash, due.Time(), cmp.Or(s.Known, due).Time(), due.Add(time.Hour).Time(), s.remediatedAt().Time(), string(evidence),
			string(before.Outcome), before.Reason, At(before.At).Time(), before.remediatedAt().Time(), "assay.verdicts", int32(0), w.Offset))
	}
	require.NoError(w, batch.Send())
}

// Judge puts into the tables what the rules say of the events at a watermark.
func (w *World) Judge(id string, mark compliance.Instant, events []compliance.Event) []compliance.Verdict {
	w.Helper()
	pointers := make([]*compliance.Event, len(events))
	for i := range events {
		pointers[i] = &events[i]
	}
	verdicts := oracle.Verdicts(w.Bundle, w.Bundle.Control(id), w.Tenant, pointers, mark)
	var revisions []Said
	for _, v := range verdicts {
		remediated := ""
		if v.RemediatedAt != 0 {
			remediated = v.RemediatedAt.String()
		}
		revisions = append(revisions, Said{
			Control: id, Item: v.Item.ID, At: v.Item.Time.String(), Outcome: v.Outcome, Reason: v.Reason,
			Evidence: v.Evidence, Remediated: remediated, Known: mark - 1,
		})
	}
	w.Say(revisions...)
	return verdicts
}

// History is what is said of some items over two months, and what was heard meanwhile.
func History(r *rand.Rand) (revisions []Said, events []compliance.Event) {
	outcomes := compliance.Outcomes()
	start := At("2026-06-28")
	for i := range 12 {
		when := start.Add(time.Duration(r.IntN(40*24)) * time.Hour)
		known := when
		var last *Said
		for n := range 1 + r.IntN(5) {
			known = known.Add(time.Duration(1+r.IntN(200)) * time.Hour)
			if r.IntN(4) == 0 {
				when = when.Add(-time.Duration(r.IntN(72)) * time.Hour) // an earlier event opens it
			}
			s := Said{
				Control: []string{"CH-01", "AC-01", "AC-04"}[i%3], Item: fmt.Sprintf("i%d", i), At: when.String(), Revision: n + 1, Known: known,
				Outcome: outcomes[r.IntN(len(outcomes))], Reason: "no_approval", Before: last,
			}
			if s.Outcome == compliance.Waived {
				s.Evidence = []compliance.Evidence{{Expectation: "waiver", Source: "/grc", ID: "ev-wv"}}
			}
			if r.IntN(3) == 0 {
				s.Remediated = known.String()
			}
			revisions = append(revisions, s)
			last = &s
		}
	}
	events = append(events, Waiver("wv", At("2026-06-20").Add(time.Duration(r.IntN(40*24))*time.Hour).String(), nil))
	for beat := start; beat < start.Add(60*24*time.Hour); beat = beat.Add(time.Duration(1+r.IntN(4)) * time.Hour) {
		events = append(events, compliance.Event{
			Source: "/idp", ID: fmt.Sprintf("beat-%d", beat), Type: control.Heartbeat, Time: beat, Data: map[string]any{"interval_seconds": int64(3600)},
		})
	}
	return revisions, events
}

// LastSaid is what is said of each item as of a time, by control/item.
func LastSaid(revisions []Said, w compliance.Instant) map[string]Said {
	last := map[string]Said{}
	for _, s := range revisions {
		if s.Known <= w {
			last[s.Control+"/"+s.Item] = s
		}
	}
	return last
}
