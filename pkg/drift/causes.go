package drift

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Cause is why a control drifted.
type Cause string

// The causes.
const (
	// ByBehaviour: people and systems did otherwise than before.
	ByBehaviour Cause = "behaviour"
	// ByRule: the control's rule is another.
	ByRule Cause = "rule"
	// ByReference: a reference table says otherwise.
	ByReference Cause = "reference data"
	// ByBoundary: other things are in scope.
	ByBoundary Cause = "boundary"
	// BySilence: a source said nothing, so nobody knows.
	BySilence Cause = "silent source"
)

// Share is how much of the difference the items of one cause make.
type Share struct {
	Cause Cause `json:"cause"`
	Count
	// Excess is how many more of them are bad than at the baseline's rate; Share is that
	// of the whole excess. Shares add up to 1.
	Excess float64 `json:"excess"`
	Share  float64 `json:"share"`
	// What names the rules, rows or members.
	What []string `json:"what,omitempty"`
	// Alone says that since the onset every item is of this cause. Then counts can't tell
	// it from behaviour that changed on the same day.
	Alone bool `json:"alone,omitempty"`
}

// split gives every item of the window to one cause.
type split struct {
	in      *Input
	tested  Tested
	onset   Onset
	cells   []Cell
	subject Subject
	// rules, bundles and members (by the place of the lookup) are what was there before.
	rules, bundles known
	members        []known
}

// known is what the baseline has, and since when what it hasn't.
type known struct {
	old   map[string]bool
	since map[string]compliance.Instant
}

func (s *split) known(of func(*Cell) string) known {
	k := known{map[string]bool{}, map[string]compliance.Instant{}}
	for i := range s.cells {
		c := &s.cells[i]
		if s.in.Baseline.has(c.Day) {
			k.old[of(c)] = true
		}
	}
	for i := range s.cells {
		if c := &s.cells[i]; s.in.Window.has(c.Day) && !k.old[of(c)] {
			if at, found := k.since[of(c)]; !found || c.Day < at {
				k.since[of(c)] = c.Day
			}
		}
	}
	return k
}

// shares splits the excess, the greatest share first.
func (s *split) shares() []Share {
	s.rules = s.known(func(c *Cell) string { return c.Rule })
	s.bundles = s.known(func(c *Cell) string { return c.Bundle })
	for i := range s.subject.Lookups {
		s.members = append(s.members, s.known(func(c *Cell) string { return at(c.Values, i) }))
	}
	found := map[Cause]*Share{}
	since, alone := 0, map[Cause]int{}
	for i := range s.cells {
		c := &s.cells[i]
		if !s.in.Window.has(c.Day) {
			continue
		}
		cause, what := s.cause(c)
		if found[cause] == nil {
			found[cause] = &Share{Cause: cause}
		}
		bad, _ := s.tested.Measure.bad(c)
		found[cause].Count = found[cause].with(bad, c.Items)
		if what != "" && !slices.Contains(found[cause].What, what) {
			found[cause].What = append(found[cause].What, what)
		}
		if c.Day >= s.onset.Day {
			since += c.Items
			alone[cause] += c.Items
		}
	}
	whole := float64(s.tested.Window.Bad) - float64(s.tested.Window.Of)*s.tested.Baseline.Rate()
	var shares []Share
	for _, sh := range found {
		sh.Excess = float64(sh.Bad) - float64(sh.Of)*s.tested.Baseline.Rate()
		sh.Share = sh.Excess / whole
		sh.Alone = (sh.Cause == ByRule || sh.Cause == ByReference) && since > 0 && alone[sh.Cause] == since
		slices.Sort(sh.What)
		shares = append(shares, *sh)
	}
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Cause, b.Cause)) })
	return shares
}

// cause is the first that fits, the most particular first.
func (s *split) cause(c *Cell) (Cause, string) {
	if bad, _ := s.tested.Measure.bad(c); bad && c.Outcome == compliance.Inconclusive && c.Reason == compliance.ReasonSourceSilent {
		return BySilence, ""
	}
	if what := s.newMember(c); what != "" {
		return ByBoundary, what
	}
	if what := s.changedRow(c); what != "" {
		return ByReference, what
	}
	if at, isNew := s.rules.since[c.Rule]; isNew && s.coincides(at) {
		return ByRule, "rule " + short(c.Rule)
	}
	if at, isNew := s.bundles.since[c.Bundle]; isNew && s.coincides(at) && s.rules.old[c.Rule] {
		return ByReference, "bundle " + short(c.Bundle)
	}
	return ByBehaviour, ""
}

// coincides says that something new came when the rate changed.
func (s *split) coincides(at compliance.Instant) bool {
	return s.onset.From.Add(-day) <= at && at <= s.onset.To
}

// newMember names a member of a list of the boundary that the baseline didn't have.
func (s *split) newMember(c *Cell) string {
	for i, l := range s.subject.Lookups {
		if _, isNew := s.members[i].since[at(c.Values, i)]; l.Boundary && isNew {
			return fmt.Sprintf("boundary.%s[%s]", l.Name, at(c.Values, i))
		}
	}
	return ""
}

// changedRow names the row of a table that an item looks up, if that began or ended
// after the baseline did, and not after the item.
func (s *split) changedRow(c *Cell) string {
	for i, l := range s.subject.Lookups {
		for _, ch := range s.in.Changes {
			if ch.Kind == Reference && !l.Boundary && ch.Lookup == l && ch.Key == at(c.Values, i) && ch.Key != "" &&
				s.in.Baseline.From < ch.At && ch.At < c.Day.Add(day) {
				return ch.What
			}
		}
	}
	return ""
}

func at(values []string, i int) string {
	if i >= len(values) {
		return ""
	}
	return values[i]
}

func short(hash string) string { return hash[:min(12, len(hash))] }

// Ranked is a change that came before, and how likely it is that it was this one, if it
// was one of them: how well a change at its time explains the counts, by how many of its
// type there were. So what is rare weighs more than one of many deployments a day.
type Ranked struct {
	Change
	Weight float64 `json:"weight"`
}

// How far back changes are looked for, and how many are named.
const (
	lookBack    = 7 * day
	mostChanges = 5
)

// rank lists the changes before the onset, what the cause speaks of first, then the likeliest.
func (in *Input) rank(t Tested, o Onset, cause Share) []Ranked {
	alike := map[string]float64{}
	for _, ch := range in.Changes {
		alike[string(ch.Kind)+ch.Type]++
	}
	ranked := []Ranked{}
	for _, ch := range in.Changes {
		if ch.Control != "" && ch.Control != t.Control || !o.follows(&ch) {
			continue
		}
		ranked = append(ranked, Ranked{ch, o.series.gainAt(ch.At) - math.Log(alike[string(ch.Kind)+ch.Type])})
	}
	normalise(ranked)
	slices.SortStableFunc(ranked, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(cause.distance(&a.Change), cause.distance(&b.Change)), cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.At, a.At))
	})
	return ranked[:min(mostChanges, len(ranked))]
}

// normalise makes logarithms of weights into weights that add up to 1.
func normalise(ranked []Ranked) {
	most, whole := math.Inf(-1), 0.0
	for i := range ranked {
		most = max(most, ranked[i].Weight)
	}
	for i := range ranked {
		ranked[i].Weight = math.Exp(ranked[i].Weight - most)
		whole += ranked[i].Weight
	}
	for i := range ranked {
		ranked[i].Weight /= whole
	}
}

// distance is 0 of what the share names, 1 of what is of its cause, 2 of anything else.
func (s *Share) distance(ch *Change) int {
	of := map[Kind]Cause{RuleChange: ByRule, BundleNew: ByReference, Reference: ByReference, Boundary: ByBoundary, Silence: BySilence}
	switch {
	case slices.Contains(s.What, ch.What):
		return 0
	case of[ch.Kind] == s.Cause:
		return 1
	}
	return 2
}

// follows says that a change came before, as far as the onset is known; what opened the
// first bad item itself is no cause. Rows, rules and silences may begin within a day.
func (o Onset) follows(ch *Change) bool {
	last := o.Last - 1
	if ch.Type == "" {
		last = max(last, o.To.Add(day)-1)
	}
	return o.From.Add(-lookBack) <= ch.At && ch.At <= last && (ch.Type == "" || ch.At != o.First)
}

// newVersions are the rules and bundles that the baseline didn't have, from the first item
// that was judged by them.
func (in *Input) newVersions() []Change {
	type version struct{ control, what string }
	old, since := map[version]bool{}, map[version]Change{}
	for i := range in.Cells {
		c := &in.Cells[i]
		for kind, hash := range map[Kind]string{RuleChange: c.Rule, BundleNew: c.Bundle} {
			v := version{c.Control, string(kind) + " " + short(hash)}
			if c.Day < in.Baseline.To {
				old[v] = true
			} else if was, found := since[v]; !found || c.First < was.At {
				since[v] = Change{Kind: kind, At: c.First, What: v.what, Control: c.Control}
			}
		}
	}
	var changes []Change
	for v, ch := range since {
		if !old[v] {
			changes = append(changes, ch)
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Control+a.What, b.Control+b.What) })
	return changes
}
