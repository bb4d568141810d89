package drift

import (
	"cmp"
	"math"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Onset is when a rate changed: the split of the days into before and after that explains
// the counts best.
type Onset struct {
	// Day is the first after the split, by its first instant. From and To are the
	// earliest and the latest day that explain the counts at least a twentieth as well.
	Day  compliance.Instant `json:"day"`
	From compliance.Instant `json:"from"`
	To   compliance.Instant `json:"to"`
	// P says how often bad items that lie anywhere have a split that explains as much.
	// Of very many items it is an upper bound.
	P      float64 `json:"p"`
	Before Count   `json:"before"`
	After  Count   `json:"after"`
	// First is the first bad item since Day, Last the first since To; of a rate that fell,
	// the day itself.
	First compliance.Instant `json:"first"`
	Last  compliance.Instant `json:"last"`

	series *series
}

// stretch is the items of a day, or of days together.
type stretch struct {
	day compliance.Instant
	Count
}

// mostWork bounds how long an exact distribution is computed. With more to do, a bound
// must be enough.
const mostWork = 20_000_000

func onset(m Measure, cells []Cell) Onset {
	days := stretches(m, cells)
	if len(days) == 0 {
		return Onset{P: 1}
	}
	s := newSeries(days)
	best, at := 0.0, 0
	for k := range days {
		if g := s.gain(k, s.before[k].Bad); k > 0 && g > best {
			best, at = g, k
		}
	}
	o := Onset{
		series: s,
		Day:    days[at].day, From: days[at].day, To: days[at].day, P: s.exceed(best),
		Before: s.before[at], After: Count{s.total.Bad - s.before[at].Bad, s.total.Of - s.before[at].Of},
	}
	for k := 1; k < len(days); k++ {
		if s.gain(k, s.before[k].Bad) >= best-math.Log(20) {
			o.From, o.To = min(o.From, days[k].day), max(o.To, days[k].day)
		}
	}
	o.First, o.Last = first(m, cells, o.Day), first(m, cells, o.To)
	return o
}

// stretches counts by day, in order.
func stretches(m Measure, cells []Cell) []stretch {
	byDay := map[compliance.Instant]*stretch{}
	for i := range cells {
		c := &cells[i]
		if byDay[c.Day] == nil {
			byDay[c.Day] = &stretch{day: c.Day}
		}
		bad, _ := m.bad(c)
		byDay[c.Day].Count = byDay[c.Day].with(bad, c.Items)
	}
	var days []stretch
	for _, d := range byDay {
		days = append(days, *d)
	}
	slices.SortFunc(days, func(a, b stretch) int { return cmp.Compare(a.day, b.day) })
	return days
}

func first(m Measure, cells []Cell, day compliance.Instant) compliance.Instant {
	found := compliance.Never
	for i := range cells {
		if bad, _ := m.bad(&cells[i]); bad && cells[i].Day >= day {
			found = min(found, cells[i].First)
		}
	}
	if found == compliance.Never || found < day {
		return day
	}
	return found
}

// series is counts in order, with what came before each of them.
type series struct {
	days   []stretch
	before []Count
	total  Count
	h      hypergeometric
}

func newSeries(days []stretch) *series {
	s := &series{days: days}
	for _, d := range days {
		s.before = append(s.before, s.total)
		s.total.Bad += d.Bad
		s.total.Of += d.Of
	}
	s.h = newHypergeometric(s.total.Of)
	return s
}

// gain is how much better two rates explain the counts than one, as the logarithm of
// the ratio of likelihoods, if the days before k had bad deviations.
func (s *series) gain(k, bad int) float64 {
	before := Count{bad, s.before[k].Of}
	after := Count{s.total.Bad - bad, s.total.Of - before.Of}
	return likelihood(before) + likelihood(after) - likelihood(s.total)
}

// gainAt is what a change at a time would explain: the better of the splits before and
// after its day.
func (s *series) gainAt(t compliance.Instant) float64 {
	k, _ := slices.BinarySearchFunc(s.days, t.Add(1-day), func(d stretch, t compliance.Instant) int { return cmp.Compare(d.day, t) })
	best := 0.0
	for ; k < len(s.days) && s.days[k].day <= t.Add(day); k++ {
		best = max(best, s.gain(k, s.before[k].Bad))
	}
	return best
}

func likelihood(c Count) float64 {
	l := 0.0
	if c.Bad > 0 {
		l += float64(c.Bad) * math.Log(c.Rate())
	}
	if good := c.Of - c.Bad; good > 0 {
		l += float64(good) * math.Log(float64(good)/float64(c.Of))
	}
	return l
}

// tie is by how little gains differ that are the same.
const tie = 1e-9

func (s *series) work() int {
	most := 0
	for _, d := range s.days {
		most = max(most, d.Of)
	}
	return len(s.days) * (s.total.Bad + 1) * (min(most, s.total.Bad) + 1)
}

// bound sums the chances of each split alone, so it is never too small.
func (s *series) bound(best float64) float64 {
	p := 0.0
	for k := 1; k < len(s.days); k++ {
		n := s.before[k].Of
		for bad := max(0, n-(s.total.Of-s.total.Bad)); bad <= min(n, s.total.Bad); bad++ {
			if s.gain(k, bad) >= best-tie {
				p += math.Exp(s.h.log(bad, n, s.total.Bad, s.total.Of))
			}
		}
	}
	return min(1, p)
}

// exceed is the exact chance that some split gains at least so much, if the bad ones lie
// among all items by chance. It walks through the days with the chance of each number of
// bad ones so far, and takes out what has gained enough.
func (s *series) exceed(best float64) float64 {
	if best <= 0 {
		return 1
	}
	if s.work() > mostWork {
		return s.bound(best)
	}
	chances, p := make([]float64, s.total.Bad+1), 0.0
	chances[0] = 1
	for k := range s.days {
		next := make([]float64, s.total.Bad+1)
		for bad, chance := range chances {
			if chance == 0 {
				continue
			}
			if k > 0 && s.gain(k, bad) >= best-tie {
				p += chance
				continue
			}
			s.step(k, bad, chance, next)
		}
		chances = next
	}
	return min(1, p)
}

// step spreads the chance of bad ones before day k over those before the next.
func (s *series) step(k, bad int, chance float64, next []float64) {
	left, leftBad := s.total.Of-s.before[k].Of, s.total.Bad-bad
	for j := max(0, s.days[k].Of-(left-leftBad)); j <= min(s.days[k].Of, leftBad); j++ {
		next[bad+j] += chance * math.Exp(s.h.log(j, s.days[k].Of, leftBad, left))
	}
}
