package story

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// How events travel. A source numbers its events as it sends them and each
// source's line keeps their order, so a heartbeat says: all that I sent before
// has arrived. What a source holds back gets a later number. Order between
// sources, and of times within one, is not kept.
//
// Evidence of normal life precedes what it decides by more than maxDisorder,
// and the items' deadlines leave as much: disorder changes no verdict.
const (
	maxDisorder     = 210 * time.Second
	disorderPercent = 1
	// repeats and delays of hours, of a thousand.
	repeatPermille  = 10
	patientPermille = 15
)

type sent struct {
	*letter
	at compliance.Instant
	n  int
}

// post sends all letters and returns them in the order of arrival.
func (w *world) post() []Emission {
	s := w.scene("post")
	lines := map[string][]sent{}
	for n := range w.letters {
		l := &w.letters[n]
		lines[l.event.Source] = append(lines[l.event.Source], sent{l, s.departure(l), n})
	}
	emissions := make([]Emission, 0, len(w.letters)+len(w.letters)/32)
	for _, src := range w.plan.sources {
		emissions = s.deliver(emissions, lines[src.name])
	}
	return byArrival(emissions)
}

// byArrival sorts places rather than emissions, which are big.
func byArrival(emissions []Emission) []Emission {
	type place struct {
		arrives compliance.Instant
		n       int
	}
	places := make([]place, len(emissions))
	for n := range emissions {
		places[n] = place{emissions[n].Arrives, n}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.arrives, b.arrives), cmp.Compare(a.n, b.n)) })
	sorted := make([]Emission, len(emissions))
	for i, p := range places {
		sorted[i] = emissions[p.n]
	}
	return sorted
}

// departure is when the source sends l.
func (s *scene) departure(l *letter) compliance.Instant {
	at := l.event.Time.Add(s.between(100*time.Millisecond, 1500*time.Millisecond) + l.after)
	switch {
	case l.care == prompt || l.after > 0:
		return at
	case l.care == patient && s.rng.IntN(1000) < patientPermille:
		return at.Add(s.between(2*time.Hour, 9*time.Hour))
	case s.chance(disorderPercent):
		return at.Add(s.between(15*time.Second, maxDisorder-2*time.Second))
	}
	return at
}

// deliver numbers the events of one source and adds their arrivals to emissions.
func (s *scene) deliver(emissions []Emission, line []sent) []Emission {
	slices.SortFunc(line, func(a, b sent) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) })
	last := compliance.Ever
	for i, l := range line {
		l.event.Sequence = uint64(i + 1)
		arrives := max(l.at.Add(s.latency()), last+1)
		last = arrives
		if l.barrier != nil {
			emissions = append(emissions, Emission{Arrives: arrives, Barrier: l.barrier})
		}
		emissions = append(emissions, Emission{Arrives: arrives, Event: l.event})
		if l.care != prompt && s.rng.IntN(1000) < repeatPermille {
			again := arrives.Add(s.between(time.Second, 10*time.Minute))
			emissions = append(emissions, Emission{Arrives: again, Event: l.event, Duplicate: true})
		}
	}
	return emissions
}

// latency is 1 to 28 s, mostly a few.
func (s *scene) latency() time.Duration {
	return time.Second + min(time.Duration(s.rng.ExpFloat64()*float64(3*time.Second)), 27*time.Second)
}
