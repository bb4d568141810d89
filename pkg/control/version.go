package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/document"
)

// versioned is a control with what only the bundle needs: its file's problems go
// there, and what the file says of its beginning.
type versioned struct {
	*Control
	reader *document.Reader
}

// join puts the versions of each control side by side. The bundle's controls are the
// last ones; the first of all has no beginning but the bundle's.
func (b *Bundle) join(all []versioned) (problems document.Problems) {
	byID := map[string][]versioned{}
	var ids []string // in the order in which they read each other's verdicts
	for _, v := range all {
		if byID[v.ID] == nil {
			ids = append(ids, v.ID)
		}
		byID[v.ID] = append(byID[v.ID], v)
	}
	for _, id := range ids {
		versions := byID[id]
		slices.SortStableFunc(versions, func(x, y versioned) int { return cmp.Compare(x.effective, y.effective) })
		var family []*Control
		for i, v := range versions {
			v.Version, v.From, v.Until, v.HistoryFrom = i, max(v.effective, b.EffectiveFrom), compliance.Never, b.HistoryFrom
			v.Waits, v.waitsFor = compliance.Never, compliance.Never
			if i > 0 {
				problems = append(problems, v.follows(versions[i-1])...)
				family[i-1].Until = v.From
			}
			family = append(family, v.Control)
		}
		for _, c := range family {
			c.Versions = family
			c.Stage = stageOf(family)
		}
		last := family[len(family)-1]
		last.routed = routingOf(family)
		b.Controls = append(b.Controls, last)
		b.byID[last.ID] = last
	}
	return problems
}

// follows refuses what can't be a version beside the one before it.
func (v versioned) follows(before versioned) document.Problems {
	switch {
	case v.effective == before.effective:
		v.reader.At(1, 1, "the control %s stands in %s too; versions of a control differ in effective_from:", v.ID, before.File)
	case v.CorrectUntil != before.CorrectUntil:
		v.reader.At(1, 1, "the version of %s in %s has another correct_until; events are admitted once for all versions, so it is the same in all", v.ID, before.File)
	case (v.Population.Schedule == nil) != (before.Population.Schedule == nil):
		v.reader.At(1, 1, "the version of %s in %s makes its items otherwise, by events or by a schedule; that is another control, with an id of its own", v.ID, before.File)
	case !v.Population.Clock.sameAs(before.Population.Clock):
		v.reader.At(1, 1, "the version of %s in %s has another clock in its population; which version an item belongs to hangs on it, so it is the same in all", v.ID, before.File)
	default:
		return nil
	}
	return v.reader.Problems
}

// At is the version that is effective at t: items of that time belong to it. Before
// the first one it is the first, by which ids are taken and no items made.
func (c *Control) At(t compliance.Instant) *Control {
	versions := c.Versions
	for i := len(versions) - 1; i > 0; i-- {
		if t >= versions[i].From {
			return versions[i]
		}
	}
	return versions[0]
}

// Latest is the last version.
func (c *Control) Latest() *Control { return c.Versions[len(c.Versions)-1] }

// Some tells whether it is so of any version.
func (c *Control) Some(is func(*Control) bool) bool { return slices.ContainsFunc(c.Versions, is) }

// Longest is the longest of what the versions have.
func (c *Control) Longest(of func(*Control) time.Duration) time.Duration {
	var longest time.Duration
	for _, v := range c.Versions {
		longest = max(longest, of(v))
	}
	return longest
}

// routing is what all versions of a control want of the events.
type routing struct {
	hash string
	keep map[string]bool // nil keeps all
	own  map[string]bool // of those, what the control reads itself
}

func routingOf(versions []*Control) routing {
	r := routing{hash: versions[0].Hash, keep: map[string]bool{}}
	if len(versions) > 1 {
		parts := []any{}
		for _, v := range versions {
			parts = append(parts, v.Hash, v.From)
		}
		r.hash = hashOf(parts)
	}
	for _, v := range versions {
		if v.keep == nil || r.keep == nil {
			r.keep = nil
			continue
		}
		for name := range v.keep {
			r.keep[name] = true
		}
	}
	r.lend(versions)
	return r
}

// RouteHash identifies the rules of all versions: what facts are routed for.
func (c *Control) RouteHash() string { return c.routed.hash }

// lend adds what is kept for controls that read the verdicts.
func (r *routing) lend(versions []*Control) {
	r.own = maps.Clone(r.keep)
	for _, v := range versions {
		for _, name := range slices.Sorted(maps.Keys(v.lent)) {
			if r.keep != nil && !r.keep[name] {
				r.keep[name] = true
				r.hash = hashOf([]string{r.hash, name})
			}
		}
	}
}

// stageOf is one more than the highest stage of what the versions read; those are
// joined before.
func stageOf(versions []*Control) int {
	stage := 0
	for _, c := range versions {
		for _, e := range c.Expectations {
			for _, v := range e.Verdicts {
				stage = max(stage, v.Stage+1)
			}
		}
	}
	if slices.ContainsFunc(versions, func(c *Control) bool { return c.Hops }) {
		stage++
	}
	return stage
}
