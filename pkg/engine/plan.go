package engine

import (
	"slices"
	"time"

	"assay.example/assay/pkg/control"
)

// plan is what is worked out once of a control, in all its versions.
type plan struct {
	control *control.Control
	// correct is how late anything that concerns the control may come: its events, or word
	// of a source that it hangs on.
	correct time.Duration
	// horizon is how long after its time an item may change on time, lookback how long
	// before it evidence may lie that is kept for it.
	horizon, lookback time.Duration
	// span is how long after its time anything at a key may still count, at most.
	span     time.Duration
	restated time.Duration // the longest of its tables
	sameFor  time.Duration // 0: no version forgets ids
	having   bool
	clocked  bool                // its events count at another time than their own
	readers  []*control.Control  // of its verdicts
	feeds    []*feeds            // by version
	roles    map[string][]*roles // by type of event; by version
	// horizons are those of items with slots, shortest that of others.
	horizons map[time.Duration]time.Duration
	shortest time.Duration
	scoped   []bool // by version: whether an expectation reads a scope to tell what it wants
	listed   []bool // by expectation: whether a key may have a list of what it wants; nil: none
}

// planOf is the plan of a control; all of its versions have one.
func (e *Engine) planOf(c *control.Control) *plan {
	last := c.Versions[len(c.Versions)-1]
	if p, ok := e.plans[last]; ok {
		return p
	}
	correct := e.correctUntil(c)
	p := &plan{
		control: c, correct: correct, horizon: c.Longest((*control.Control).Horizon),
		lookback: max(c.Longest((*control.Control).Lookback), c.CorrectUntil),
		span:     c.Keeps(correct) + time.Microsecond, restated: c.Longest(restated), sameFor: c.Longest(sameFor),
		having: c.Some(hasHaving), clocked: c.Versions[0].Population.Clock != nil, readers: e.readers[c.ID], roles: map[string][]*roles{}, horizons: map[time.Duration]time.Duration{},
	}
	p.shortest = c.Longest(func(v *control.Control) time.Duration { return v.HorizonOf(0) })
	for _, v := range c.Versions {
		p.feeds = append(p.feeds, e.feedsOf(v))
		p.scoped = append(p.scoped, slices.ContainsFunc(v.Expectations, readsScope))
	}
	p.listed = listed(c)
	e.plans[last] = p
	return p
}

func hasHaving(v *control.Control) bool { return v.Population.Having != nil }

func readsScope(x *control.Expectation) bool {
	return x.Where != nil || x.Clock != nil || x.Unless != nil && readsScope(x.Unless)
}

func restated(v *control.Control) (longest time.Duration) {
	for _, t := range v.Tables {
		longest = max(longest, t.Restated)
	}
	return longest
}

// correctUntil is how late anything that concerns a control may come: its events,
// or word of a source that it hangs on.
func (e *Engine) correctUntil(c *control.Control) time.Duration {
	correct, holes := c.CorrectUntil, time.Duration(0)
	for i, s := range e.bundle.Sources {
		if s.MaxGap > 0 && e.hangsOn(c, i) {
			correct = max(correct, c.CorrectUntil, heartbeatsCorrect)
			if s.Counts { // what fills a hole lies up to this long after the interval
				holes = max(holes, s.MaxGap+numbersCorrect)
			}
		}
	}
	for _, v := range c.Versions {
		for _, x := range v.Expectations {
			for _, of := range x.Verdicts {
				correct = max(correct, e.correctUntil(of))
			}
		}
	}
	return correct + holes
}

// horizonOf is the longest of the versions' for an item whose slot is so long.
func (p *plan) horizonOf(slot time.Duration) time.Duration {
	h, ok := p.shortest, slot == 0
	if !ok {
		h, ok = p.horizons[slot]
	}
	if !ok {
		h = p.control.Longest(func(v *control.Control) time.Duration { return v.HorizonOf(slot) })
		p.horizons[slot] = h
	}
	return h
}

// roles says what events of one type mean to one control.
type roles struct {
	population bool
	expects    []int // expectations that want the type
	undoes     []int // expectations whose unless wants it
	tables     []int
	// joined are those that are joined by fields of the event, once for all that are joined by
	// the same.
	joined []join
}

// join is what is wanted at a key that the same fields make.
type join struct {
	*control.Expectation       // any of them
	expects, undoes      []int // as those of roles
}

// rolesOf are those of a type, by version.
func (p *plan) rolesOf(eventType string) []*roles {
	all, ok := p.roles[eventType]
	if !ok {
		for _, v := range p.control.Versions {
			all = append(all, rolesIn(v, eventType))
		}
		p.roles[eventType] = all
	}
	return all
}

func rolesIn(c *control.Control, eventType string) *roles {
	r := &roles{population: control.MatchesAny(c.Population.Types, eventType)}
	for i, x := range c.Expectations {
		if control.MatchesAny(x.Types, eventType) {
			r.expects = append(r.expects, i)
			if j := r.join(x); j != nil {
				j.expects = append(j.expects, i)
			}
		}
		if x.Unless != nil && control.MatchesAny(x.Unless.Types, eventType) {
			r.undoes = append(r.undoes, i)
			if j := r.join(x.Unless); j != nil {
				j.undoes = append(j.undoes, i)
			}
		}
	}
	for i, t := range c.Tables {
		if control.MatchesAny(t.Types, eventType) {
			r.tables = append(r.tables, i)
		}
	}
	return r
}

// join is where those stand that are joined by the same fields; nil if x is joined elsewhere.
func (r *roles) join(x *control.Expectation) *join {
	if x.ItemPaths != nil {
		return nil
	}
	same := func(j join) bool { return slices.EqualFunc(j.KeyPaths, x.KeyPaths, slices.Equal[control.Path]) }
	i := slices.IndexFunc(r.joined, same)
	if i < 0 {
		i, r.joined = len(r.joined), append(r.joined, join{Expectation: x})
	}
	return &r.joined[i]
}

// meeting are the roles of an event at a key, of those that its type has: it is wanted there
// by what is joined by fields that have this key. For most that is everything.
func meeting(all []*roles, view control.Fields, key string) []*roles {
	for i, r := range all {
		if here := r.meeting(view, key); here != r {
			all = slices.Clone(all)
			all[i] = here
		}
	}
	return all
}

func (r *roles) meeting(view control.Fields, key string) *roles {
	here := r
	for i := range r.joined {
		j := &r.joined[i]
		if j.MeetsAt(view, key) {
			continue
		}
		if here == r {
			here = &roles{population: r.population, expects: slices.Clone(r.expects), undoes: slices.Clone(r.undoes), tables: r.tables}
		}
		here.expects = slices.DeleteFunc(here.expects, func(i int) bool { return slices.Contains(j.expects, i) })
		here.undoes = slices.DeleteFunc(here.undoes, func(i int) bool { return slices.Contains(j.undoes, i) })
	}
	return here
}

// feeds are the declared sources that each expectation and table hangs on.
type feeds struct{ expects, undoes, tables [][]int }

func (e *Engine) feedsOf(c *control.Control) *feeds {
	f := &feeds{}
	for _, x := range c.Expectations {
		f.expects = append(f.expects, e.bundle.SourcesOf(x.Heard()))
		var undoes []int
		if x.Unless != nil {
			undoes = e.bundle.SourcesOf(x.Unless.Types)
		}
		f.undoes = append(f.undoes, undoes)
	}
	for _, t := range c.Tables {
		f.tables = append(f.tables, e.bundle.SourcesOf(t.Types))
	}
	return f
}
