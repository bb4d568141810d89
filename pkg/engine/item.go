package engine

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// item is one member of the population at one join key. What is asked of each item at a key,
// time and again, stands first, in one line of memory.
type item struct {
	group *group
	// candidates are the events that may open it, in order; the first one does.
	candidates []*fact
	opened     *fact // nil for a slot, and while nothing opens it
	time, end  compliance.Instant
	slot       bool
	undecided  bool // whether it is one hangs on evidence to come
	// quiet: until wake, further evidence can't decide it, so nobody looks.
	quiet bool
	// lean: its matches were found and not kept; see keepMatches.
	lean    bool
	dirty   bool // it is looked at at the next Advance
	id      string
	rules   *control.Control   // the version that it belongs to
	matches []matches          // by expectation; nil until they are needed
	wake    compliance.Instant // when it has to be looked at again
	queued  int                // its place among the timers; see timers
	view    control.Fields
	seen    control.Seen // room for the view
	last    *published
	own     published                        // room for it
	parts   map[string]*published            // by id, where each part is an item
	told    map[readerKey][]compliance.Event // what later stages were told
}

func (it *item) key() string { return it.id }

// said is what was last said of the item, or of a part that is one.
func (it *item) said(id string) *published {
	if id == it.id {
		return it.last
	}
	return it.parts[id]
}

func (it *item) say(id string, p published) {
	if id == it.id {
		it.own = p
		it.last = &it.own
		return
	}
	if it.parts == nil {
		it.parts = map[string]*published{}
	}
	part := p // its own place, so that what is said of most items needs none
	it.parts[id] = &part
}

// published is what was last said of an item.
type published struct {
	Revision int
	Verdict  compliance.Verdict
	// Free says of an ended item that nothing opened it: a later event may.
	Free bool
}

// matches are the facts that an expectation wants, whatever its interval, in
// order. Under expand the condition may read the part, and with Depends it reads
// other expectations, so it isn't applied yet.
type matches struct {
	wants  []match
	undoes []match
	// disputed and undoesDisputed are those that have rivals, in any order.
	disputed       []dispute
	undoesDisputed []dispute
}

type match struct {
	*fact        // as its clock sees it, where the expectation has one
	sent   *fact // as it came
	failed bool  // its condition could not be computed
	// unclocked: nor could its clock, so that nobody knows when it counts.
	unclocked bool
}

// at sets where the item stands; its matches hang on that.
func (it *item) at(t, end compliance.Instant, view control.Fields) {
	it.time, it.end, it.view, it.quiet = t, end, view, false
	if planted != plantedOneVersion || it.last == nil {
		it.rules = it.group.control.At(t)
	}
	it.matches, it.lean = nil, false
	for _, x := range it.rules.Expectations {
		_, to := it.reach(x)
		it.group.until = max(it.group.until, to)
	}
}

func (it *item) forget() { it.matches, it.opened, it.quiet, it.lean = nil, nil, false, false }

// called is a view by the item's id.
func (it *item) called(f control.Fields) control.Fields {
	if s, ok := f.(*control.Seen); ok {
		it.seen = s.Called(it.id)
		return &it.seen
	}
	return control.Called(f, it.id)
}

// concerned takes f into the item's matches if it belongs there, and tells
// whether the verdict may hang on it.
func (it *item) concerned(f *fact) bool {
	if it.opened == nil && !it.slot && !it.group.plan.having { // nobody asks for evidence yet
		return false
	}
	if f.plays(true) {
		it.matches = nil // conditions may read the table
		return true
	}
	switch {
	case it.matches == nil && it.lean:
		return it.mayConcern(f)
	case it.matches == nil:
		return f.plays(false)
	}
	var scope *control.Scope // most facts are out of reach of most items
	// with having, another candidate may open it
	concerned := f.plays(false) && it.group.plan.having
	roles := f.roles[it.rules.Version]
	for _, i := range roles.expects {
		x := it.rules.Expectations[i]
		if !it.within(x, f) {
			continue
		}
		if scope == nil {
			scope = it.scope()
		}
		if m, ok := it.match(x, scope, f); ok {
			it.matches[i].wants = insertMatch(it.matches[i].wants, m)
			concerned = true
		}
	}
	for _, i := range roles.undoes {
		u := it.rules.Expectations[i].Unless
		if scope == nil {
			scope = it.scope()
		}
		if m, ok := it.match(u, scope, f); ok {
			it.matches[i].undoes = insertMatch(it.matches[i].undoes, m)
			concerned = true
		}
	}
	return concerned
}

// mayConcern is concerned, as far as that can be told without the matches.
func (it *item) mayConcern(f *fact) bool {
	roles := f.roles[it.rules.Version]
	return len(roles.undoes) > 0 || f.plays(false) && it.group.plan.having ||
		slices.ContainsFunc(roles.expects, func(i int) bool { return it.within(it.rules.Expectations[i], f) })
}

func insertMatch(list []match, m match) []match {
	i, _ := slices.BinarySearchFunc(list, m, func(a, b match) int { return inTurn(a.fact, b.fact) })
	if planted == plantedArrivalOrder {
		i = len(list)
	}
	return slices.Insert(list, i, m)
}

// collect fills the matches from all facts at the key. They stand in the room of the review,
// until it ends.
func (it *item) collect(room *room) {
	c := it.rules
	it.matches = room.collect(len(c.Expectations))
	room.crowded = it.group.crowded()
	scope := it.scope()
	expects, undoes := func(r *roles) []int { return r.expects }, func(r *roles) []int { return r.undoes }
	for i, x := range c.Expectations {
		if room.crowded && it.group.plan.listed[i] {
			continue
		}
		m := &it.matches[i]
		m.wants, m.disputed = it.matching(m.wants, x, scope, it.group.near(it, x), expects), it.disputes(x, scope, expects)
		if x.Unless != nil {
			m.undoes, m.undoesDisputed = it.matching(m.undoes, x.Unless, scope, it.group.facts, undoes), it.disputes(x.Unless, scope, undoes)
		}
	}
}

// keepMatches is for the end of a review that found the matches. Those of an item that waits
// are kept, for they grow with each event. What is known of others seldom changes: if no
// condition is needed to find the matches, and none is disputed, they are found again then,
// which takes no longer than weighing them. So are those that have their lists at the key.
func (it *item) keepMatches(room *room, pending bool) {
	it.lean = !pending && !it.group.plan.scoped[it.rules.Version]
	for i := range it.matches {
		m := &it.matches[i]
		it.lean = it.lean && m.disputed == nil && m.undoesDisputed == nil
	}
	it.lean = it.lean || room.crowded
	if it.lean {
		it.matches = nil
		return
	}
	it.matches = slices.Clone(it.matches)
	for i := range it.matches {
		m := &it.matches[i]
		m.wants, m.undoes = slices.Clone(m.wants), slices.Clone(m.undoes)
	}
}

// matching adds those of the facts that play a role for x and match.
func (it *item) matching(found []match, x *control.Expectation, scope *control.Scope, facts []*fact, role func(*roles) []int) []match {
	for _, f := range facts {
		if !slices.Contains(role(f.roles[it.rules.Version]), x.Index) || len(f.rivals) > 0 {
			continue
		}
		if m, ok := it.match(x, scope, f); ok {
			found = append(found, m)
		}
	}
	if x.Clock != nil { // in the order that it gives
		slices.SortFunc(found, func(a, b match) int { return inTurn(a.fact, b.fact) })
	}
	return found
}

// match applies everything but the interval. A fact whose condition fails is
// kept as failed: it may belong.
func (it *item) match(x *control.Expectation, scope *control.Scope, f *fact) (match, bool) {
	if f.ev.Time < it.rules.HistoryFrom && planted != plantedUnreadCounts {
		return match{}, false
	}
	own, joined := x.Meets(it.view, it.group.key.key)
	if !joined || f.hop != hopOf(x, own) || x.ItemPaths != nil && !x.MeetsAt(f.view, own) {
		return match{}, false // those that have the item's key have no other role here
	}
	for _, eq := range x.Also {
		a, okA := control.EncodeKey(eq.Event.In(f.view))
		b, okB := control.EncodeKey(eq.Item.In(it.view))
		if !okA || !okB || a != b {
			return match{}, false
		}
	}
	m, ok := clocked(x, scope, f)
	if !ok {
		return match{}, false
	}
	if x.Where == nil || x.Depends != nil || it.rules.Expand != nil {
		return m, true
	}
	if f.waits != "" {
		return m, it.mayMatch(x, scope, f)
	}
	belongs, err := x.Where.Bool(scope.With(m.view, nil))
	m.failed = m.failed || err != nil
	return m, belongs || err != nil
}

// clocked is the fact at the time that the expectation's clock says; false if that is
// too far off to count.
func clocked(x *control.Expectation, scope *control.Scope, f *fact) (match, bool) {
	if x.Clock == nil {
		return match{fact: f, sent: f}, true
	}
	at, ok, err := x.Clock.At(f.ev.Time, scope.With(f.view, nil))
	if err != nil {
		return match{fact: f, sent: f, failed: true, unclocked: true}, true
	}
	there := *f
	there.ev.Time, there.view, there.sent = at, f.view.View().Moved(at), &f.ev.Time
	return match{fact: &there, sent: f}, ok
}

// reach is the widest interval, remedy included, that an expectation can have
// around the item, where its ends hang on the item alone.
func (it *item) reach(x *control.Expectation) (from, to compliance.Instant) {
	from, to = compliance.Ever, compliance.Never
	if at, ok := it.fixed(x.Between.From, false); ok {
		from = x.Sent(at)
	}
	if at, ok := it.fixed(x.Between.To, true); ok {
		to = x.Known(max(at, it.time.Add(x.Remedy)))
	}
	return from, to
}

// fixed is where a bound lies, at the latest or the earliest.
func (it *item) fixed(b control.Bound, latest bool) (compliance.Instant, bool) {
	switch b.Anchor {
	case control.AnchorItem:
		if planted == plantedDaysElapsed && b.Days != 0 {
			return it.time.Add(time.Duration(b.Days) * 24 * time.Hour), true
		}
		return b.Move(it.time), true
	case control.AnchorPeriod:
		return b.Move(it.end), true
	case control.AnchorComputed:
		switch {
		case latest:
			return it.time.Add(b.Cap), true
		case planted == plantedCapAsEnd:
			return it.time, true
		}
		return it.time.Add(-b.Cap), true
	case control.AnchorExpectation, control.AnchorCandidate:
	}
	return 0, false
}

func (it *item) within(x *control.Expectation, f *fact) bool {
	from, to := it.reach(x)
	return f.ev.Time >= from && f.ev.Time <= to
}

// near are the facts within reach, found by bisection.
func (g *group) near(it *item, x *control.Expectation) []*fact {
	from, to := it.reach(x)
	lo, _ := slices.BinarySearchFunc(g.facts, from, compareToTime)
	hi := len(g.facts)
	if to != compliance.Never {
		hi, _ = slices.BinarySearchFunc(g.facts, to+1, compareToTime)
	}
	return g.facts[lo:hi]
}

func compareToTime(f *fact, t compliance.Instant) int {
	if f.ev.Time < t {
		return -1
	}
	return 1
}

// scope is what the item's conditions may read, but for evidence and tables made of
// events; see review.scope.
func (it *item) scope() *control.Scope {
	if !it.group.plan.scoped[it.rules.Version] {
		return nil // nobody reads it
	}
	return it.rules.NewScope(it.view, it.time)
}

// rows is a derived table as of an instant.
func (it *item) rows(t *control.DerivedTable, at compliance.Instant) (rows map[string]control.View, broken bool) {
	g := it.group
	rows = map[string]control.View{}
	failed := map[string]bool{}
	for _, f := range g.facts {
		if f.ev.Time > at {
			break
		}
		if !slices.Contains(f.roles[it.rules.Version].tables, t.Index) {
			continue
		}
		key, here := t.KeyOf(f.view)
		row, ok := t.RowOf(f.view)
		if !here || !ok || key != g.key.key {
			continue
		}
		live, err := true, error(nil)
		if t.Live != nil {
			live, err = t.Live.Bool(it.rules.NewScope(nil, at).With(f.view, nil))
		}
		delete(rows, row)
		failed[row] = err != nil
		if live && err == nil {
			rows[row] = f.view.View()
		}
	}
	for _, f := range failed {
		broken = broken || f
	}
	return rows, broken
}
