package engine

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// count is what is known of the numbers that a source gives its events.
type count struct {
	// seen are the numbers that are there, by how late the controls that ask take
	// an event. What one of them is too late for is missing to it.
	seen map[time.Duration]*numbers
	// ahead are those of events that the watermark hasn't passed, by their time.
	ahead []numbered
	// settled is how many of the source's beats nothing can come between any more.
	settled int
	// fell is the first beat that counts less than one before it; 0: none does.
	fell int
}

type numbered struct {
	at     compliance.Instant
	number uint64
}

func compareNumbered(a, b numbered) int {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.number, b.number))
}

// numbersCorrect is how long after a sign of life what was sent before it may lie.
const numbersCorrect = 7 * 24 * time.Hour

func newCount(controls []*control.Control) *count {
	c := &count{seen: map[time.Duration]*numbers{}}
	for _, x := range controls {
		c.seen[x.CorrectUntil] = &numbers{changed: map[uint64]struct{}{}}
	}
	return c
}

// number takes the number of an event; false if it says nothing new.
func (e *Engine) number(s *source, f *Fact) bool {
	n := numbered{f.Event.Time, f.Event.Sequence}
	if n.at >= e.w {
		i, found := slices.BinarySearchFunc(s.count.ahead, n, compareNumbered)
		if found {
			return false
		}
		s.count.ahead = slices.Insert(s.count.ahead, i, n)
		e.note(func() Change { return Change{aheadKey(f.Tenant, s, n), []byte{}} })
		return true
	}
	fresh, fills := false, false
	for late, seen := range s.count.seen {
		if n.at >= e.w.Add(-late) || planted == plantedNumberTooLate {
			added, filled := s.fill(seen, n, e.w)
			fresh, fills = fresh || added, fills || filled
		}
	}
	if fills {
		e.wake(s)
	}
	e.keepNumbers(f.Tenant, s)
	return fresh
}

// passNumbers takes those that the watermark has passed, and gives up what can't
// be decided anew.
func (e *Engine) passNumbers() {
	for _, tenant := range slices.Sorted(maps.Keys(e.sources)) {
		for _, s := range e.sources[tenant] {
			if s.count != nil {
				e.passOf(tenant, s)
			}
		}
	}
}

func (e *Engine) passOf(tenant string, s *source) {
	passed, _ := slices.BinarySearchFunc(s.count.ahead, numbered{at: e.w}, compareNumbered)
	fills := false
	for _, n := range s.count.ahead[:passed] {
		for _, seen := range s.count.seen {
			_, filled := s.fill(seen, n, e.w)
			fills = fills || filled
		}
		e.note(func() Change { return Change{Key: aheadKey(tenant, s, n)} })
	}
	s.count.ahead = slices.Delete(s.count.ahead, 0, passed)
	if fills {
		e.wake(s)
	}
	s.settle(e.w)
	e.keepNumbers(tenant, s)
}

// fill takes a number, unless its event comes long after the sign of life that
// says that it was sent; fills says that this one is known.
func (s *source) fill(seen *numbers, n numbered, w compliance.Instant) (added, fills bool) {
	beats := s.beats
	if s.count.fell > 0 {
		beats = beats[:s.count.fell]
	}
	var next *beat // the first that counts more; they count upwards
	for i := len(beats) - 1; i >= 0 && (beats[i].number == 0 || beats[i].number > n.number); i-- {
		if beats[i].number > 0 {
			next = &beats[i]
		}
	}
	if next != nil && n.at > next.at.Add(numbersCorrect) {
		return false, false
	}
	added = seen.add(n.number)
	return added, added && next != nil && next.at < w
}

// settle forgets the numbers between signs of life where some are missing for good:
// no event that may fill the hole is still taken. So there are about as many runs
// as signs of life.
func (s *source) settle(w compliance.Instant) {
	longest := slices.Max(slices.AppendSeq([]time.Duration{heartbeatsCorrect}, maps.Keys(s.count.seen)))
	for i := s.count.settled + 1; i < len(s.beats) && s.beats[i].at.Add(numbersCorrect+longest) < w; i++ {
		a, b := s.beats[i-1], s.beats[i]
		for _, seen := range s.count.seen {
			if a.number < b.number && !seen.fill(a, b) {
				seen.forget(a.number, b.number)
			}
		}
		s.count.settled = i
	}
}

// refall finds where the count falls, after a beat came.
func (s *source) refall() {
	s.count.fell = 0
	top := uint64(0)
	for i, b := range s.beats {
		if b.number > 0 && b.number < top {
			s.count.fell = i
			return
		}
		top = max(top, b.number)
	}
}

// whole is the coverage of [from, to] by the numbers; next is when one that is open
// becomes silent.
func (s *source) whole(late time.Duration, beats []beat, from, to, w compliance.Instant) (state coverage, next compliance.Instant) {
	next = compliance.Never
	if f := s.count.fell; f > 0 && f < len(beats) && (beats[f-1].at < to && !beats[f-1].retired || beats[f].at < to) {
		return silent, next
	}
	first, _ := slices.BinarySearchFunc(beats, from, func(b beat, at compliance.Instant) int { return cmp.Compare(b.at, at) })
	for i := max(first, 1); i < len(beats) && beats[i-1].at < to; i++ {
		if beats[i-1].retired || s.count.seen[late].fill(beats[i-1], beats[i]) {
			continue
		}
		limit := beats[i].at + s.gap
		if w > limit {
			return silent, compliance.Never
		}
		state, next = open, min(next, limit)
	}
	return state, next
}

// numbers is a set, kept as runs.
type numbers struct {
	runs []run // in order, neither overlapping nor touching
	// changed are the first numbers of runs that the changelog hasn't got yet, or
	// not any more.
	changed map[uint64]struct{}
}

type run struct{ first, last uint64 }

func (n *numbers) find(number uint64) (int, bool) {
	return slices.BinarySearchFunc(n.runs, number, func(r run, number uint64) int {
		switch {
		case r.last < number:
			return -1
		case r.first > number:
			return 1
		}
		return 0
	})
}

// add takes a number in; false if it was there.
func (n *numbers) add(number uint64) bool {
	i, found := n.find(number)
	if found {
		return false
	}
	joinsLast := i > 0 && n.runs[i-1].last+1 == number
	joinsNext := i < len(n.runs) && n.runs[i].first-1 == number
	switch {
	case joinsLast && joinsNext:
		n.change(n.runs[i-1].first, n.runs[i].first)
		n.runs[i-1].last = n.runs[i].last
		n.runs = slices.Delete(n.runs, i, i+1)
	case joinsLast:
		n.change(n.runs[i-1].first)
		n.runs[i-1].last = number
	case joinsNext:
		n.change(n.runs[i].first, number)
		n.runs[i].first = number
	default:
		n.change(number)
		n.runs = slices.Insert(n.runs, i, run{number, number})
	}
	return true
}

func (n *numbers) change(firsts ...uint64) {
	for _, first := range firsts {
		n.changed[first] = struct{}{}
	}
}

// fill tells whether every number between two signs of life is there.
func (n *numbers) fill(a, b beat) bool {
	if a.number == 0 || b.number == 0 {
		return false
	}
	if b.number <= a.number+1 || planted == plantedHoleIsFine {
		return true
	}
	i, found := n.find(a.number + 1)
	return found && n.runs[i].last >= b.number-1
}

// forget takes out the numbers between two.
func (n *numbers) forget(after, before uint64) {
	var kept []run
	for _, r := range n.runs {
		if r.last <= after || r.first >= before {
			kept = append(kept, r)
			continue
		}
		n.change(r.first)
		if r.first <= after {
			kept = append(kept, run{r.first, after})
		}
		if r.last >= before {
			n.change(before)
			kept = append(kept, run{before, r.last})
		}
	}
	n.runs = kept
}

// keepNumbers writes the runs that changed.
func (e *Engine) keepNumbers(tenant string, s *source) {
	for _, late := range slices.Sorted(maps.Keys(s.count.seen)) {
		seen := s.count.seen[late]
		for _, first := range slices.Sorted(maps.Keys(seen.changed)) {
			c := Change{Key: runKey(tenant, s, late, first)}
			if i, found := seen.find(first); found && seen.runs[i].first == first {
				c.Value = encode(seen.runs[i].last)
			}
			e.note(func() Change { return c })
		}
		clear(seen.changed)
	}
}

func text(n uint64) string { return strconv.FormatUint(n, 10) }
