package oracle

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// beat is a sign of life of a source, or the word that it stops.
type beat struct {
	at      compliance.Instant
	retired bool
	number  uint64 // 0: it has none
}

// numbers are those that a source's events carry, with the least time of each.
type numbers map[uint64]compliance.Instant

// listen finds what the declared sources say of themselves.
func (l *log) listen(events []*compliance.Event) {
	l.beats, l.numbers = make([][]beat, len(l.bundle.Sources)), make([]numbers, len(l.bundle.Sources))
	for i, s := range l.bundle.Sources {
		l.numbers[i] = numbers{}
		for _, ev := range events {
			switch {
			case ev.Source != s.Name:
			case control.SpeaksOfSource(ev.Type):
				l.beats[i] = append(l.beats[i], beat{ev.Time, ev.Type == control.SourceRetired, ev.Sequence})
			case ev.Sequence > 0:
				if at, seen := l.numbers[i][ev.Sequence]; !seen || ev.Time < at {
					l.numbers[i][ev.Sequence] = ev.Time
				}
			}
		}
		// of a heartbeat and a retirement at one instant, the retirement is last
		slices.SortFunc(l.beats[i], func(x, y beat) int {
			return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(order(x), order(y)), cmp.Compare(x.number, y.number))
		})
	}
}

func order(b beat) int {
	if b.retired {
		return 1
	}
	return 0
}

// coverage says whether the sources were heard throughout an interval.
type coverage int8

const (
	covered coverage = iota
	open             // not yet known: the next heartbeat isn't due
	silent
	unread // before what was read for this version of the control
)

// heard is the coverage of [from, to] by every source of the types.
func (l *log) heard(types []string, from, to compliance.Instant) coverage {
	worst := l.recorded(from)
	for _, i := range l.bundle.SourcesOf(types) {
		worst = max(worst, l.heardOf(i, from, to))
	}
	return worst
}

// recorded tells whether what happened from an instant on was read for this version.
func (l *log) recorded(from compliance.Instant) coverage {
	if from < l.control.HistoryFrom {
		return unread
	}
	return covered
}

// heardOf is the coverage by one source: its signs of life, and its numbers.
func (l *log) heardOf(source int, from, to compliance.Instant) coverage {
	heard := l.heardOne(source, from, to)
	if l.bundle.Sources[source].Counts {
		heard = max(heard, l.whole(source, from, to))
	}
	return heard
}

// heardFor is heard, of the sources that may send what an expectation about an item wants.
func (l *log) heardFor(e *control.Expectation, it item, from, to compliance.Instant) coverage {
	worst := l.recorded(from)
	for _, i := range l.bundle.SourcesOf(e.Heard()) {
		if e.MayCome(l.bundle.Sources[i].Name, it.view) {
			worst = max(worst, l.heardOf(i, from, to))
		}
	}
	return worst
}

// heardOne: a source that sends no heartbeats, or none yet, counts as covered.
// After a heartbeat the next must come within max_gap; after a retirement none.
func (l *log) heardOne(source int, from, to compliance.Instant) coverage {
	gap := l.bundle.Sources[source].MaxGap
	beats := l.beats[source]
	if gap == 0 {
		return covered
	}
	state := covered
	for i, b := range beats {
		if b.retired {
			continue
		}
		if i+1 < len(beats) {
			if next := beats[i+1].at; next.Sub(b.at) > gap && b.at < to && next > from {
				return silent
			}
			continue
		}
		switch { // the last sign of life
		case b.at >= to:
		case l.w > b.at.Add(gap):
			return silent
		default:
			state = open
		}
	}
	return state
}

// numbersCorrect is how long after a sign of life what was sent before it may lie.
const numbersCorrect = 7 * 24 * time.Hour

// whole is the coverage of [from, to] by the numbers of a source: what is missing
// between two signs of life happened after the first and not after the second.
// It may still come until max_gap after the second. A count that falls ends all
// trust in it.
func (l *log) whole(source int, from, to compliance.Instant) coverage {
	worst, top := covered, uint64(0)
	beats := l.beats[source]
	for i := 1; i < len(beats); i++ {
		a, b := beats[i-1], beats[i]
		top = max(top, a.number)
		if a.retired { // nothing was to come until the next
			a.at = b.at
		}
		switch {
		case a.at >= to:
			return worst
		case b.number > 0 && b.number < top:
			return silent
		case a.retired || b.at < from || l.numbers[source].fill(a, b):
		case l.w > b.at.Add(l.bundle.Sources[source].MaxGap):
			return silent
		default:
			worst = open
		}
	}
	return worst
}

// fill tells whether every number between two signs of life is there.
func (n numbers) fill(a, b beat) bool {
	if a.number == 0 || b.number == 0 {
		return false
	}
	for i := a.number + 1; i < b.number; i++ {
		if at, seen := n[i]; !seen || at > b.at.Add(numbersCorrect) {
			return false
		}
	}
	return true
}
