package engine

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// source is what is known of a declared sender: the runs in which it was heard.
type source struct {
	name    string
	gap     compliance.Instant // microseconds; 0: it sends no heartbeats
	beats   []beat             // in order
	room    int                // how many beats it may have before some may go
	waiting map[*item]struct{} // items that its next word may decide
	count   *count             // nil: it doesn't number what it sends
}

type beat struct {
	at      compliance.Instant
	retired bool
	number  uint64 // 0: it has none, or its source doesn't count
}

func compareBeats(a, b beat) int {
	rank := func(b beat) int {
		if b.retired {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.number, b.number))
}

func (e *Engine) sourcesOf(tenant string) []*source {
	list, ok := e.sources[tenant]
	if !ok {
		for _, s := range e.bundle.Sources {
			src := &source{
				name: s.Name, gap: compliance.Instant(s.MaxGap.Microseconds()), room: roomForBeats,
				waiting: map[*item]struct{}{},
			}
			if s.Counts {
				src.count = newCount(e.bundle.Controls)
			}
			list = append(list, src)
		}
		e.sources[tenant] = list
	}
	return list
}

// hear takes what is said of a source as a whole: a heartbeat, a retirement, or the
// number of an event.
func (e *Engine) hear(f *Fact) Admission {
	isBeat := control.SpeaksOfSource(f.Event.Type)
	if isBeat && f.Preload == 0 && e.w != compliance.Ever && f.Event.Time < e.w.Add(-heartbeatsCorrect) {
		return Quarantined
	}
	for i, s := range e.sourcesOf(f.Tenant) {
		switch {
		case s.name != f.Event.Source:
		case f.Preload > 0 && s.count != nil: // who hangs on it reads no past: numbers are gone
			return Duplicate
		case !isBeat && (s.count == nil || !e.number(s, f)):
			return Duplicate
		case isBeat && !e.take(s, i, f.Tenant, s.beatOf(&f.Event)):
			return Duplicate
		case isBeat:
			e.note(func() Change { return beatChange(f, s) })
		}
	}
	return Admitted
}

func (s *source) beatOf(ev *compliance.Event) beat {
	b := beat{at: ev.Time, retired: ev.Type == control.SourceRetired}
	if s.count != nil {
		b.number = ev.Sequence
	}
	return b
}

// take adds a beat and finds who has to be looked at again. A beat in time only
// concerns items that wait for it; a late one may change what was covered.
func (e *Engine) take(s *source, index int, tenant string, b beat) bool {
	if !s.insert(b) {
		return false
	}
	e.crowded = e.crowded || s.crowded()
	e.wake(s)
	if b.at >= e.w || planted == plantedLateBeat {
		return true
	}
	for g := range e.state.ofTenant(tenant) {
		if e.hangsOn(g.control, index) {
			for it := range g.items.values() {
				it.quiet = false
				e.mark(it)
			}
		}
	}
	return true
}

// wake has the items looked at that wait for the source.
func (e *Engine) wake(s *source) {
	for it := range s.waiting {
		it.quiet = false
		e.mark(it)
	}
	clear(s.waiting)
}

// insert keeps beats a set in order; false if b was there.
func (s *source) insert(b beat) bool {
	i, found := slices.BinarySearchFunc(s.beats, b, compareBeats)
	if !found {
		s.beats = slices.Insert(s.beats, i, b)
		if s.count != nil {
			s.refall()
		}
	}
	return !found
}

func (e *Engine) hangsOn(c *control.Control, source int) bool {
	return c.Some(func(v *control.Control) bool { return e.versionHangsOn(v, source) })
}

func (e *Engine) versionHangsOn(c *control.Control, source int) bool {
	for _, x := range c.Expectations {
		if slices.Contains(e.bundle.SourcesOf(x.Heard()), source) ||
			x.Unless != nil && slices.Contains(e.bundle.SourcesOf(x.Unless.Types), source) {
			return true
		}
	}
	return slices.ContainsFunc(c.Tables, func(t *control.DerivedTable) bool {
		return slices.Contains(e.bundle.SourcesOf(t.Types), source)
	})
}

// coverage says whether an interval has been heard throughout.
type coverage int8

const (
	covered coverage = iota
	open
	silent
	unread // before what was read for this version of the control
)

// heard is the coverage of [from, to] at w by all sources of some types, for an
// item; it notes what the item has to wait for.
func (r *review) heard(sources []int, from, to compliance.Instant) coverage {
	worst := covered
	if from < r.c.HistoryFrom && planted != plantedHistory {
		worst = unread
	}
	for _, i := range sources {
		s := r.sources[i]
		state, next := s.heard(r.c.CorrectUntil, from, to, r.w)
		if state != covered {
			s.waiting[r.it] = struct{}{}
		}
		if state == open {
			r.closesAt(next)
		}
		worst = max(worst, state)
	}
	return worst
}

// senders are those of the sources whose silence matters to an expectation about the item.
func (r *review) senders(x *control.Expectation, sources []int) []int {
	if x.Sender == nil || planted == plantedAnySender {
		return sources
	}
	var may []int
	for _, i := range sources {
		if x.MayCome(r.sources[i].name, r.it.view) {
			may = append(may, i)
		}
	}
	return may
}

// heard finds the first beat that the interval needs by bisection and walks on.
// next is when an open interval may change without another beat.
func (s *source) heard(late time.Duration, from, to, w compliance.Instant) (state coverage, next compliance.Instant) {
	if s.gap == 0 || planted == plantedSilenceIsFine {
		return covered, compliance.Never
	}
	known, _ := slices.BinarySearchFunc(s.beats, beat{at: w}, compareBeats) // beats before w
	state, next = s.beating(known, from, to, w)
	if s.count != nil && state != silent {
		whole, at := s.whole(late, s.beats[:known], from, to, w)
		state, next = max(state, whole), min(next, at)
	}
	return state, next
}

// beating is the coverage by heartbeats; the first ones are known.
func (s *source) beating(known int, from, to, w compliance.Instant) (state coverage, next compliance.Instant) {
	beats := s.beats[:known]
	// the run that reaches into the interval starts with the last beat at or before from
	first, _ := slices.BinarySearchFunc(beats, beat{at: from, retired: true}, compareBeats)
	first = max(first-1, 0)
	// several beats may stand at one instant: step back over them
	for first > 0 && beats[first-1].at == beats[first].at {
		first--
	}
	for i := first; i < len(beats) && beats[i].at < to; i++ {
		b := beats[i]
		if b.retired {
			continue
		}
		if i+1 < len(beats) {
			if until := beats[i+1].at; until-b.at > s.gap && until > from {
				return silent, compliance.Never
			}
			continue
		}
		limit := b.at + s.gap
		if w > limit {
			return silent, compliance.Never
		}
		if known < len(s.beats) {
			limit = min(limit, s.beats[known].at)
		}
		return open, limit
	}
	return covered, compliance.Never
}
