package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// PopulationCoverage says whether a control's population is covered: all through the period its sources
// were heard, or all that the calendar makes is on record. That nothing was lost on the way, and
// that what was recorded is still there, is a certificate's to say; see pkg/completeness.
type PopulationCoverage struct {
	Covered bool `json:"covered"`
	// How is what shows it: heartbeats or calendar.
	How string `json:"how"`
	// Why not, one sentence a cause.
	Why []string `json:"why,omitempty"`
	// Sources are the declared ones of the population's event types.
	Sources []sources.Life `json:"sources,omitempty"`
	// Expected is how many items the calendar makes in the period. Missing are those
	// that have begun and are not on record: nobody knows what is to be said of them.
	Expected int64 `json:"expected,omitempty"`
	Missing  int64 `json:"missing,omitempty"`
}

// What shows that a population is covered.
const (
	ByHeartbeats = "heartbeats"
	ByCalendar   = "calendar"
)

// coverage says whether the control's population is covered.
func (a *answers) coverage(bundle *control.Bundle, c *control.Control, p ask.Period, of *Control) PopulationCoverage {
	var cover PopulationCoverage
	if c.Population.Schedule != nil {
		cover = byCalendar(bundle, c.Population.Schedule, p, of.Counts.Items, a.at)
	} else {
		cover = a.byHeartbeats(bundle, c.Population.Types, p)
	}
	if bundle.EffectiveFrom > p.From {
		cover.not("the bundle is in force from %s only, so nothing before is tested", bundle.EffectiveFrom)
	}
	for _, r := range of.Reasons {
		if r.Reason == compliance.ReasonPopulationError {
			cover.not("of %s it couldn't be told whether they belong to the population", items(r.Items, "", ""))
		}
	}
	cover.Covered = len(cover.Why) == 0
	return cover
}

func (c *PopulationCoverage) not(format string, args ...any) {
	c.Why = append(c.Why, fmt.Sprintf(format, args...))
}

// byCalendar compares the items with those that the calendar makes.
func byCalendar(bundle *control.Bundle, s *control.Schedule, p ask.Period, on int64, now compliance.Instant) PopulationCoverage {
	cover := PopulationCoverage{How: ByCalendar}
	var begun int64
	cover.Expected, begun = bundle.Due(s, p.From, p.To, now)
	cover.Missing = max(0, begun-on)
	if on != cover.Expected {
		cover.not("the calendar makes %s, and %d are on record", items(cover.Expected, "", ""), on)
	}
	return cover
}

// byHeartbeats looks at the sources that declare the population's types.
func (a *answers) byHeartbeats(bundle *control.Bundle, types []string, p ask.Period) PopulationCoverage {
	cover := PopulationCoverage{How: ByHeartbeats}
	of := bundle.SourcesOf(types)
	if len(of) == 0 {
		cover.not("no declared source sends %s", strings.Join(types, " or "))
	}
	for _, i := range of {
		l := a.lives[bundle.Sources[i].Name]
		cover.Sources = append(cover.Sources, *l)
		switch {
		case l.MaxGap == 0:
			cover.not("%s declares no max_gap, so its silence proves nothing", l.Source)
		case !l.Heard():
			cover.not("%s never sent a heartbeat", l.Source)
		default:
			whySilent(l, &cover, p)
		}
	}
	return cover
}

// whySilent says where the source was silent.
func whySilent(l *sources.Life, cover *PopulationCoverage, p ask.Period) {
	gaps := l.Gaps
	if n := len(gaps); n > 0 && l.Last < p.To && l.RetiredAt != l.Last {
		gaps = gaps[:n-1]
		cover.not("%s was last heard at %s, and not at or after the period's end", l.Source, l.Last)
	}
	if len(gaps) > 0 {
		longest := slices.MaxFunc(gaps, func(a, b sources.Gap) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
		cover.not("%s was silent for more than %s %s, the longest from %s to %s",
			l.Source, l.MaxGap, times(len(gaps)), longest.From, longest.To)
	}
	if n := len(l.Holes); n > 0 {
		cover.not("numbers of events of %s are missing %s, first between %s and %s", l.Source, times(n), l.Holes[0].From, l.Holes[0].To)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
