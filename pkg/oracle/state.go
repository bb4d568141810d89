package oracle

import (
	"math/big"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// state is what is known of one expectation at the watermark.
type state struct {
	known control.Knowledge
	// finished: no interval that it hangs on can still tell more.
	finished bool
	silent   bool
	unread   bool // it reaches before what was read
	tooMany  bool
	// disputed: bodies of one event disagree on whether it belongs.
	disputed bool
	// doubt: a table that conditions or folds read can't be believed.
	doubt control.Doubt
	// bounded: from and to are known.
	bounded  bool
	from, to compliance.Instant
	events   []fact
	folds    map[string]any
	remedy   *fact
}

// states goes through the expectations in order; each may hang on earlier ones.
func (l *log) states(it item, scope *control.Scope) []state {
	var states []state
	for i, e := range l.control.Expectations {
		st := l.state(it, scope, e, states)
		if st.known != control.Opaque {
			scope.Matched[i] = &control.Matched{Events: control.EventList(views(st.events)), Folds: st.folds}
		}
		states = append(states, st)
	}
	return states
}

func (l *log) state(it item, scope *control.Scope, e *control.Expectation, earlier []state) state {
	from := resolve(e.Between.From, it, scope, nil, earlier)
	to := resolve(e.Between.To, it, scope, nil, earlier)
	if from.missing || to.missing { // an empty anchor empties what hangs on it
		return state{known: control.Exact, finished: true}
	}
	if !from.known || !to.known {
		return state{finished: from.over && to.over, silent: from.silent || to.silent, unread: from.unread || to.unread}
	}
	st := state{bounded: true, from: from.at, to: to.at}
	if st.to < st.from { // nothing lies there, whatever is heard
		st.known, st.finished = control.Exact, st.fold(e, scope) == nil
		return st
	}
	failed, undone := l.gather(it, scope, e, earlier, from, to, &st)
	st.narrow(e)
	heard := max(l.heardFor(e, it, e.Sent(st.from), e.Known(st.to)), undone)
	closed := e.Known(st.to) < l.w
	st.tooMany = len(st.events) > e.Max
	st.events = st.events[:min(len(st.events), e.Max)]
	if err := st.fold(e, scope); err != nil {
		failed, st.doubt = true, st.doubt.Or(control.DoubtOf(err))
	}
	st.finished = closed && heard != open && !st.doubt.Waits
	st.silent = closed && (heard == silent || st.doubt.Silent)
	st.unread = closed && (heard == unread || st.doubt.Unread)
	switch {
	case st.finished && !st.silent && !st.unread && !st.tooMany && !failed:
		st.known = control.Exact
	case e.Pick == control.PickFirst && e.Grows && !failed && len(st.events) > 0 && l.heardFor(e, it, st.from, st.events[0].Time) == covered:
		st.known, st.finished = control.Exact, true // the first is final once present
	case e.Grows && (e.Depends == nil && e.Verdicts == nil || !st.tooMany): // of too many, others may turn out to be first
		st.known = control.Growing
	}
	return st
}

// gather finds the events in [from, to] that nothing undoes, and the first that
// comes after, as a remedy. failed: whether one belongs could not be computed;
// undone: whether what may undo them was heard.
func (l *log) gather(it item, scope *control.Scope, e *control.Expectation, earlier []state, from, to end, st *state) (failed bool, undone coverage) {
	for _, f := range l.clocked(e, it, scope) {
		if waits := control.Unsettled(f.Type, f.view); waits != "" {
			mayCome, doubt := l.mayMatch(e, it, scope, f, earlier)
			switch {
			case !mayCome || !f.inside(e, from, to):
				continue
			case waits == compliance.Pending:
				undone = max(undone, open)
			default:
				failed = true
			}
			st.doubt = st.doubt.Or(doubt)
			continue
		}
		where, disputed, doubt := l.place(e, it, scope, f, earlier, from, to)
		st.disputed, st.doubt = st.disputed || disputed, st.doubt.Or(doubt)
		switch where {
		case outside:
		case unsure:
			failed = true
		case late:
			if st.remedy == nil {
				st.remedy = &f
			}
		case inside:
			u := l.undone(e, it, scope, f, earlier)
			st.disputed, st.doubt = st.disputed || u.disputed, st.doubt.Or(u.doubt)
			failed, undone = failed || u.failed, max(undone, u.heard)
			if !u.gone {
				st.events = append(st.events, f)
			}
		}
	}
	return failed, undone
}

// factsFor are the facts at the key by which an expectation joins the item.
func (l *log) factsFor(e *control.Expectation, it item) []fact {
	key, ok := e.Meets(it.view, it.key)
	switch {
	case !ok:
		return nil
	case key == it.key:
		return it.facts
	}
	return l.groups[key]
}

// clocked are the facts at the item's key as an expectation sees them: at the time
// that its clock says, in the order that this gives.
func (l *log) clocked(e *control.Expectation, it item, scope *control.Scope) []fact {
	if e.Clock == nil {
		return l.factsFor(e, it)
	}
	var moved []fact
	for _, f := range l.factsFor(e, it) {
		there := f.moved(e.Clock, scope)
		there.rivals = nil
		for _, rival := range f.rivals {
			there.rivals = append(there.rivals, rival.moved(e.Clock, scope))
		}
		moved = append(moved, there)
	}
	slices.SortStableFunc(moved, func(a, b fact) int { return a.Compare(b.Event) })
	return moved
}

// moved is one body at the time that a clock says.
func (f fact) moved(clock *control.Clock, scope *control.Scope) fact {
	at, ok, err := clock.At(f.Time, scope.With(f.view, nil))
	if err != nil || !ok {
		f.unclocked, f.far = err != nil, err == nil
		return f
	}
	there := *f.Event
	there.Time = at
	return fact{Event: &there, view: f.view.View().Moved(at), own: f.Event}
}

// inside tells whether f lies in an interval, or may, if nobody knows when it counts.
func (f fact) inside(e *control.Expectation, from, to end) bool {
	if f.unclocked {
		return e.Sent(from.at) <= f.Time && f.Time <= e.Known(to.at)
	}
	return from.before(f, e.Between.From) && to.after(f, e.Between.To)
}

// place is where an event stands to an expectation.
type place int8

const (
	outside place = iota
	inside
	late   // it would have belonged, and may remedy
	unsure // whether it belongs isn't known
)

// place is where all bodies of f stand; where they disagree on whether it belongs,
// nobody knows.
func (l *log) place(e *control.Expectation, it item, scope *control.Scope, f fact, earlier []state, from, to end) (where place, disputed bool, doubt control.Doubt) {
	found := map[place]bool{}
	for _, body := range l.asked(it, f) {
		var why control.Doubt
		where, why = l.placeOne(e, it, scope, body, earlier, from, to)
		found[where], doubt = true, doubt.Or(why)
	}
	switch {
	case len(found) == 1:
		return where, false, doubt
	case found[inside] || found[unsure]:
		return unsure, found[inside] && (found[outside] || found[late]), doubt
	}
	return outside, false, doubt
}

func (l *log) placeOne(e *control.Expectation, it item, scope *control.Scope, f fact, earlier []state, from, to end) (place, control.Doubt) {
	in := f.inside(e, from, to)
	remedies := e.Remedy > 0 && from.before(f, e.Between.From) && !to.after(f, e.Between.To) && f.Time <= it.Time.Add(e.Remedy)
	switch belongs, doubt := l.matches(e, it, scope, f, earlier); {
	case f.far || f.asSent().Time < l.control.HistoryFrom:
	case f.unclocked:
		if in && belongs != control.False {
			return unsure, control.Doubt{}
		}
	case belongs == control.True && in:
		return inside, control.Doubt{}
	case belongs == control.True && remedies:
		return late, control.Doubt{}
	case belongs == control.Unknown && in:
		return unsure, doubt
	}
	return outside, control.Doubt{}
}

// matches tells whether f is of the type, at the key, and as the condition wants;
// unknown if that fails, or reads expectations of which too little is known.
func (l *log) matches(e *control.Expectation, it item, scope *control.Scope, f fact, earlier []state) (belongs control.Truth, doubt control.Doubt) {
	if !control.MatchesAny(e.Types, f.Type) {
		return control.False, doubt
	}
	own, _ := e.Meets(it.view, it.key)
	if key, ok := e.KeyOf(f.view); !ok || key != own {
		return control.False, doubt
	}
	for _, eq := range e.Also {
		a, okA := control.EncodeKey(eq.Event.In(f.view))
		b, okB := control.EncodeKey(eq.Item.In(it.view))
		if !okA || !okB || a != b {
			return control.False, doubt
		}
	}
	at := scope.With(f.view, scope.Part)
	switch {
	case e.Where == nil:
		return control.True, doubt
	case e.Depends != nil:
		return e.Depends.Decide(at, knownOf(earlier))
	}
	ok, err := e.Where.Bool(at)
	switch {
	case err != nil:
		return control.Unknown, doubt
	case ok:
		return control.True, doubt
	}
	return control.False, doubt
}

// mayMatch tells whether a verdict that isn't settled may come to match.
func (l *log) mayMatch(e *control.Expectation, it item, scope *control.Scope, f fact, earlier []state) (may bool, doubt control.Doubt) {
	for _, as := range control.Settled(f.view.View()) {
		belongs, why := l.matches(e, it, scope, fact{Event: f.Event, view: as}, earlier)
		may, doubt = may || belongs != control.False, doubt.Or(why)
	}
	return may, doubt
}

func knownOf(states []state) []control.Knowledge {
	known := make([]control.Knowledge, len(states))
	for i, st := range states {
		known[i] = st.known
	}
	return known
}

// undoing is what is known of whether something undoes a candidate.
type undoing struct {
	gone     bool
	heard    coverage // of the sources of what may undo it; open while it may still come
	failed   bool     // it could not be computed
	doubt    control.Doubt
	disputed bool
}

// undone tells whether something undoes candidate f.
func (l *log) undone(e *control.Expectation, it item, scope *control.Scope, f fact, earlier []state) undoing {
	u := e.Unless
	if u == nil {
		return undoing{}
	}
	from, to := resolve(u.Between.From, it, scope, &f, earlier), resolve(u.Between.To, it, scope, &f, earlier)
	if from.missing || to.missing {
		return undoing{}
	}
	if !from.known || !to.known {
		return undoing{heard: open}
	}
	var found undoing
	for _, g := range l.factsFor(u, it) {
		where, disputed, doubt := l.place(u, it, scope, g, earlier, from, to)
		if where == inside {
			return undoing{gone: true}
		}
		found.doubt = found.doubt.Or(doubt)
		found.failed, found.disputed = found.failed || where == unsure, found.disputed || disputed
	}
	found.heard = l.heardFor(u, it, from.at, to.at)
	if to.at >= l.w {
		found.heard = max(found.heard, open)
	}
	return found
}

// narrow applies latest and pick.
func (st *state) narrow(e *control.Expectation) {
	if e.Latest != nil {
		last := map[any]int{}
		for i, f := range st.events {
			last[e.Latest.In(f.view)] = i
		}
		var kept []fact
		for i, f := range st.events {
			if last[e.Latest.In(f.view)] == i {
				kept = append(kept, f)
			}
		}
		st.events = kept
	}
	switch {
	case len(st.events) == 0 || e.Pick == control.PickAll:
	case e.Pick == control.PickFirst:
		st.events = st.events[:1]
	case e.Pick == control.PickLast:
		st.events = st.events[len(st.events)-1:]
	}
}

// fold computes the aggregates exactly.
func (st *state) fold(e *control.Expectation, scope *control.Scope) error {
	st.folds = map[string]any{}
	for _, f := range e.Folds {
		var values []any
		for _, ev := range st.events {
			if f.Of == nil {
				continue
			}
			v, err := f.Of.Eval(scope.With(ev.view, scope.Part))
			if err != nil {
				return err
			}
			values = append(values, v)
		}
		if err := foldOne(f, len(st.events), values, st.folds); err != nil {
			return err
		}
	}
	return nil
}

func foldOne(f control.Fold, count int, values []any, into map[string]any) error {
	if f.Kind == control.FoldCount {
		into[f.Name] = int64(count)
		return nil
	}
	if f.Kind == control.FoldDistinct {
		seen := map[any]bool{}
		for _, v := range values {
			seen[v] = true
		}
		into[f.Name] = int64(min(len(seen), control.MaxDistinct))
		return nil
	}
	if f.Kind == control.FoldDigest {
		return digest(f, values, into)
	}
	return foldNumbers(f, values, into)
}

func digest(f control.Fold, values []any, into map[string]any) error {
	texts := make([]string, len(values))
	for i, v := range values {
		text, err := control.DigestText(v)
		if err != nil {
			return err
		}
		texts[i] = text
	}
	slices.Sort(texts)
	into[f.Name] = control.DigestOf(texts)
	return nil
}

func foldNumbers(f control.Fold, values []any, into map[string]any) error {
	sum, ints := new(big.Rat), true
	var least, most *big.Rat
	for _, v := range values {
		n, ok := control.Fraction(v)
		if !ok {
			return compliance.Errorf(compliance.Invalid, "%s(%s): %v is no number", f.Kind, f.Of.Source, v)
		}
		_, isInt := v.(int64)
		ints = ints && isInt
		sum.Add(sum, n)
		if least == nil || n.Cmp(least) < 0 {
			least = n
		}
		if most == nil || n.Cmp(most) > 0 {
			most = n
		}
	}
	result := map[control.FoldKind]*big.Rat{control.FoldSum: sum, control.FoldMin: least, control.FoldMax: most}[f.Kind]
	if result == nil {
		return nil // the least of nothing has no value
	}
	v, err := control.Rounded(result, ints)
	into[f.Name] = v
	return err
}

// end is a bound resolved at the watermark.
type end struct {
	at compliance.Instant
	// event is the anchor's event if the bound lies at it exactly.
	event *fact
	known bool
	// missing: the anchor turned out to have no event.
	missing bool
	// over: if not known, it never will be; silent says that a source is why.
	over, silent bool
	// unread: if not known, that is because the record began later.
	unread bool
}

func resolve(b control.Bound, it item, scope *control.Scope, candidate *fact, earlier []state) end {
	var anchor *fact
	at := it.Time
	switch b.Anchor {
	case control.AnchorItem:
		anchor = it.opened
	case control.AnchorPeriod:
		at = it.end
	case control.AnchorComputed:
		var err error
		if at, err = b.Compute(scope); err != nil {
			doubt := control.DoubtOf(err)
			return end{over: !doubt.Waits, silent: doubt.Silent, unread: doubt.Unread}
		}
	case control.AnchorCandidate:
		anchor, at = candidate, candidate.Time
	case control.AnchorExpectation:
		st := earlier[b.Of]
		if st.known != control.Exact {
			return end{over: st.finished, silent: st.silent, unread: st.unread}
		}
		if len(st.events) == 0 {
			return end{missing: true}
		}
		anchor, at = &st.events[0], st.events[0].Time
	}
	if b.Moved() {
		anchor = nil
	}
	return end{at: b.Move(at), event: anchor, known: true, over: true}
}

// before tells whether this end, as the start of an interval, admits f.
func (e end) before(f fact, b control.Bound) bool {
	if b.Open && e.event != nil {
		return e.event.Compare(f.Event) < 0
	}
	return e.at < f.Time || !b.Open && e.at == f.Time
}

// after tells whether this end, as the end of an interval, admits f.
func (e end) after(f fact, b control.Bound) bool {
	if b.Open && e.event != nil {
		return f.Compare(e.event.Event) < 0
	}
	return f.Time < e.at || !b.Open && f.Time == e.at
}
