package engine

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// roomForBeats is how many signs of life a source may have before anybody looks whether
// some can go.
const roomForBeats = 32

// forgetBeats drops the signs of life that no interval which is open, or can still be
// corrected, reaches back to. It looks at a source again when it has twice as many as it
// had to keep, so that each is looked at a few times only.
func (e *Engine) forgetBeats() {
	if !e.crowded {
		return
	}
	e.crowded = false
	for tenant, sources := range e.sources {
		if !slices.ContainsFunc(sources, (*source).crowded) {
			continue
		}
		before := e.unasked(tenant)
		for i, s := range sources {
			if s.crowded() {
				e.forgetBeatsOf(tenant, i, before)
			}
		}
	}
}

func (s *source) crowded() bool { return len(s.beats) > s.room }

// unasked is the time before which no interval begins that anybody may still ask about, but
// for those without a beginning.
func (e *Engine) unasked(tenant string) compliance.Instant {
	before := e.w.Add(-heartbeatsCorrect)
	for _, c := range e.bundle.Controls { // of items that may still come
		before = min(before, e.looksBack(&group{control: c, plan: e.planOf(c)}))
	}
	for g := range e.state.ofTenant(tenant) {
		before = min(before, e.looksBack(g))
	}
	if planted == plantedBeatsForgotten {
		return e.w.Add(-time.Hour)
	}
	return before
}

// looksBack is where the earliest interval of a group's items begins: as far back as facts
// are kept for them, and from there as long as a table takes to be told again. A row is
// believed if its source was heard since.
func (e *Engine) looksBack(g *group) compliance.Instant {
	at := e.outOfReach(g)
	if len(g.facts) > 0 {
		at = min(at, g.facts[0].ev.Time)
	}
	return at.Add(-g.plan.restated - time.Microsecond)
}

func (e *Engine) forgetBeatsOf(tenant string, index int, before compliance.Instant) {
	s := e.sources[tenant][index]
	keep := s.needed(before, e.askedEver(index))
	for i, b := range s.beats {
		if !keep[i] {
			e.note(func() Change { return Change{Key: beatKey(tenant, s, b)} })
		}
	}
	s.keepBeats(keep)
	s.room = max(roomForBeats, 2*len(s.beats))
	if s.count != nil {
		e.keepNumbers(tenant, s)
	}
}

// askedEver tells whether some control believes that a row isn't there only if the source
// was heard from its first word on.
func (e *Engine) askedEver(index int) bool {
	for _, c := range e.bundle.Controls {
		if c.Some(func(v *control.Control) bool {
			return slices.ContainsFunc(v.Tables, func(t *control.DerivedTable) bool {
				return t.Restated == 0 && slices.Contains(e.bundle.SourcesOf(t.Types), index)
			})
		}) {
			return true
		}
	}
	return false
}

// needed tells of each beat whether an interval that begins at or after an instant hangs on
// it; with ever also one without a beginning.
func (s *source) needed(before compliance.Instant, ever bool) []bool {
	keep := make([]bool, len(s.beats))
	first := s.runInto(before)
	if s.count != nil {
		if ever { // each hole counts for ever
			first = 0
		}
		first = s.numberedAt(min(first, s.count.settled))
	}
	for i := first; i < len(keep); i++ {
		keep[i] = true
	}
	switch {
	case s.count != nil && s.count.fell > 0: // all after that is silent
		for i := s.numberedAt(s.count.fell - 1); i <= s.count.fell; i++ {
			keep[i] = true
		}
	case s.count == nil: // the last silence stands for all before it
		if i := s.lastSilence(first); i >= 0 {
			keep[i], keep[i+1] = true, true
		}
	}
	return keep
}

// runInto is the beat with which the run begins that reaches to an instant: the last at or
// before it, and of a source that counts the last that has a number, so that its number
// bounds those of the events after it.
func (s *source) runInto(at compliance.Instant) int {
	i, _ := slices.BinarySearchFunc(s.beats, beat{at: at}, compareBeats)
	if i = max(i-1, 0); s.count != nil {
		i = s.numberedAt(i)
	}
	for i > 0 && i < len(s.beats) && s.beats[i-1].at == s.beats[i].at {
		i--
	}
	return i
}

// numberedAt is the last beat up to i that has a number; i if none has.
func (s *source) numberedAt(i int) int {
	for j := i; j >= 0; j-- {
		if s.beats[j].number > 0 {
			return j
		}
	}
	return i
}

// lastSilence is the beat up to i that the last silence began after; -1 if there was none.
func (s *source) lastSilence(i int) int {
	for i--; i >= 0; i-- {
		if !s.beats[i].retired && s.beats[i+1].at-s.beats[i].at > s.gap {
			return i
		}
	}
	return -1
}

// keepBeats drops the others, and the numbers that they bounded.
func (s *source) keepBeats(keep []bool) {
	kept := make([]beat, 0, len(keep))
	settled := 0
	for i, b := range s.beats {
		if !keep[i] {
			continue
		}
		if kept = append(kept, b); s.count != nil && i <= s.count.settled {
			settled = len(kept) - 1
		}
	}
	s.beats = kept
	if s.count == nil || len(kept) == 0 {
		return
	}
	s.count.settled = settled
	s.refall()
	if least := kept[0].number; least > 0 && s.count.fell == 0 {
		for _, seen := range s.count.seen {
			seen.forget(0, least)
		}
	}
}
