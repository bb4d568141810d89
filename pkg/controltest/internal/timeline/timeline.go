// Package timeline plays what happens along a timeline to the oracle, and to engines in any
// order of arrival, and tells what is known at each watermark.
package timeline

import (
	"crypto/sha256"
	"maps"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/oracle"
)

// Tenant is whom all events belong to: a verdict never reads more than one.
const Tenant = "default"

// heartbeatsCorrect is how late word of a source may come, as pkg/engine has it.
const heartbeatsCorrect = 7 * 24 * time.Hour

// Timeline is what comes, and when somebody looks.
type Timeline struct {
	Bundle     *control.Bundle  // holds the control, and those that it reads
	Control    *control.Control // whose items are looked at
	Arrivals   []Arrival
	Watermarks []compliance.Instant // rising
}

// Arrival is one event and when it comes.
type Arrival struct {
	Event *compliance.Event
	// At is when it arrives: before a watermark if it is less.
	At    compliance.Instant
	Twice bool // in every order
}

// Seal gives an event its place and hash, as the log would.
func Seal(ev *compliance.Event, t *dictionary.Type, raw []byte, offset int) {
	ev.Received = ev.Time
	ev.Ref = compliance.Ref{Topic: "events." + string(t.Family), Offset: int64(offset), SHA256: sha256.Sum256(raw)}
}

// Known is what is known of the items at one watermark, by id.
type Known map[string]compliance.Revision

// ByOracle computes each watermark from scratch, and numbers what changed.
func (t *Timeline) ByOracle() []Known {
	var all []Known
	last := Known{}
	for i, w := range t.Watermarks {
		now := Known{}
		for _, v := range oracle.VerdictsOf(t.Bundle, t.Control, Tenant, t.admitted(i), w) {
			now[v.Item.ID] = compliance.Revision{Verdict: v}
		}
		for id, before := range last {
			if _, still := now[id]; !still {
				now[id] = compliance.Revision{Verdict: compliance.Verdict{Item: before.Item, Outcome: compliance.Withdrawn, Due: before.Due}}
			}
		}
		for id, r := range now {
			before := last[id]
			r.Number = before.Number
			if before.Number == 0 || !before.Same(&r.Verdict) {
				r.Number++
			}
			now[id] = r
		}
		all = append(all, now)
		last = now
	}
	return all
}

// admitted are the events that count at a step for a control: those that had arrived
// before its watermark, and weren't too late then.
func (t *Timeline) admitted(step int) oracle.Admitted {
	return func(of *control.Control) []*compliance.Event {
		var events []*compliance.Event
		for _, a := range t.Arrivals {
			if a.At < t.Watermarks[step] && a.Event.Time >= t.tooLate(of, &a, step) {
				events = append(events, a.Event)
			}
		}
		return events
	}
}

// tooLate is the time before which an event is too late for a control when it arrives.
func (t *Timeline) tooLate(of *control.Control, a *Arrival, step int) compliance.Instant {
	before := compliance.Ever // the watermark when it arrives
	for _, w := range t.Watermarks[:step] {
		if w <= a.At {
			before = w
		}
	}
	switch {
	case before == compliance.Ever:
		return compliance.Ever
	case a.Event.Type == control.Heartbeat || a.Event.Type == control.SourceRetired:
		return before.Add(-heartbeatsCorrect)
	}
	return before.Add(-of.CorrectUntil)
}

// Difference is the first watermark and item of which two don't know the same.
func Difference(a, b []Known) (at int, id string, found bool) {
	for i := range a {
		ids := maps.Clone(a[i])
		maps.Copy(ids, b[i])
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			x, inA := a[i][id]
			y, inB := b[i][id]
			if inA != inB || x.Number != y.Number || !x.Same(&y.Verdict) {
				return i, id, true
			}
		}
	}
	return 0, "", false
}
