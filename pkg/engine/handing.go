package engine

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Due is an instant up to which Advance has nothing to say, if nothing comes meanwhile:
// who wants to know since when each word holds, goes on to just after it, and asks again.
func (e *Engine) Due() compliance.Instant {
	due := compliance.Never
	if len(e.dirty) > 0 {
		due = e.dueNow()
	}
	if len(e.timers.byWake) > 0 {
		due = min(due, e.timers.byWake[0].wake)
	}
	for _, c := range e.schedules {
		if c.next.Start < min(c.control.Until, c.control.Latest().Waits) {
			due = min(due, c.next.Start)
		}
	}
	for _, sources := range e.sources {
		for _, s := range sources {
			if s.count != nil && len(s.count.ahead) > 0 {
				due = min(due, s.count.ahead[0].at)
			}
		}
	}
	return max(due, e.w)
}

// dueNow is the watermark; before there is one, the first event at the key of any item.
func (e *Engine) dueNow() compliance.Instant {
	if e.w != compliance.Ever {
		return e.w
	}
	due := compliance.Never
	for _, it := range e.dirty {
		if len(it.group.facts) > 0 {
			due = min(due, it.group.facts[0].ev.Time)
		}
	}
	return due
}

// StageOf is the stage whose engine takes what is for a join key of a control: the one
// before its own for a hop. ok is false if there is no such control.
func StageOf(b *control.Bundle, id, key string) (stage int, ok bool) {
	c := b.Control(id)
	switch {
	case c == nil:
		return 0, false
	case control.IsHop(key):
		return max(0, c.Stage-1), true
	}
	return c.Stage, true
}

// judges refuses state of a control that is judged in another stage by now: its items
// would be counted anew there.
func (e *Engine) judges(c *control.Control) error {
	if c.Stage == e.stage {
		return nil
	}
	return compliance.Errorf(compliance.Conflict,
		`%s was judged in stage %d and is of stage %d by these rules, since what it reads has changed; give it another id, or rebuild from the events (docs/design/dataflow.md, "Rebuild")`,
		c.ID, e.stage, c.Stage)
}

// OfSenders tells whether a key of the changelog is about those who send events: what was
// heard of them, and the numbers that they gave.
func OfSenders(key []byte) bool {
	var parts []string
	if err := decode(key, &parts); err != nil || len(parts) == 0 {
		return false
	}
	return parts[0] == kindBeat || parts[0] == kindRun || parts[0] == kindAhead
}

// Encode gives what is said as bytes, which AddEncoded of another engine reads.
func (s *Said) Encode() []byte { return storeSaid(s.Verdicts) }

// Decode takes what was written with Encode; nothing is none.
func (s *Said) Decode(verdicts []byte) (err error) {
	if s.Verdicts = nil; len(verdicts) > 0 {
		s.Verdicts, err = loadSaid(s.Tenant, verdicts)
	}
	return err
}
