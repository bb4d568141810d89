package oracle

import (
	"cmp"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// beat is a sign of life of a source, or the word that it stops.
type beat struct {
	at      compliance.Instant
	retired bool
}

func beatsOf(b *control.Bundle, events []*compliance.Event) [][]beat {
	beats := make([][]beat, len(b.Sources))
	for i, s := range b.Sources {
		for _, ev := range events {
			if ev.Source == s.Name && (ev.Type == control.Heartbeat || ev.Type == control.SourceRetired) {
				beats[i] = append(beats[i], beat{ev.Time, ev.Type == control.SourceRetired})
			}
		}
		// of a heartbeat and a retirement at one instant, the retirement is last
		slices.SortFunc(beats[i], func(x, y beat) int {
			return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(order(x), order(y)))
		})
	}
	return beats
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
)

// heard is the coverage of [from, to] by every source of the types.
func (l *log) heard(types []string, from, to compliance.Instant) coverage {
	worst := covered
	for _, i := range l.bundle.SourcesOf(types) {
		worst = max(worst, l.heardOne(i, from, to))
	}
	return worst
}

// heardFor is heard, of the sources that may send what an expectation about an item wants.
func (l *log) heardFor(e *control.Expectation, it item, from, to compliance.Instant) coverage {
	worst := covered
	for _, i := range l.bundle.SourcesOf(e.Types) {
		if e.MayCome(l.bundle.Sources[i].Name, it.view) {
			worst = max(worst, l.heardOne(i, from, to))
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
