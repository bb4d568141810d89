package engine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
)

// TestFinalVerdictsByASecondDefinition: once everything is over, a verdict that was
// decided equals the assertion computed two-valued, in one go, over the evidence
// found by plain filters. It shares no three-valued logic with the oracle.
func TestFinalVerdictsByASecondDefinition(t *testing.T) {
	dict := testDictionary(t)
	compared := map[compliance.Outcome]int{}
	for i := range trials(t, 600) {
		w := newWorld(t, dict, 500_000+uint64(i))
		if w.control.Expand != nil || len(w.control.Versions) > 1 {
			continue
		}
		events := w.g.life()
		for _, v := range oracle.Verdicts(w.bundle, w.control, "default", events, minute(10*24*60)) {
			want, ok := w.final(v, events)
			if !ok {
				continue
			}
			require.Equal(t, want, v.Outcome, "seed %d item %s\n%s", w.seed, v.Item.ID, w.text)
			compared[want]++
		}
	}
	t.Logf("compared %v", compared)
	for _, o := range []compliance.Outcome{compliance.Pass, compliance.Deviation, compliance.NotApplicable, compliance.Waived} {
		require.Greater(t, compared[o], 100, "too few of %s to mean anything", o)
	}
}

// final is the second definition; ok is false where the oracle left the item
// undecided, or where plain CEL fails.
func (w *world) final(v compliance.Verdict, events []*compliance.Event) (outcome compliance.Outcome, ok bool) {
	if v.Outcome == compliance.Pending || v.Outcome == compliance.Inconclusive {
		return "", false
	}
	it := w.itemOf(v, events)
	scope := w.control.NewScope(it.view, it.at)
	var found [][]*compliance.Event
	for i, x := range w.control.Expectations {
		list, ok := it.evidence(w.control, scope, x, found)
		if !ok || *it.failed {
			return "", false
		}
		found = append(found, list)
		scope.Matched[i] = &control.Matched{Events: control.EventList(viewsOf(list)), Folds: sums(scope, x, list)}
	}
	if h := w.control.Population.Having; h != nil {
		if belongs, err := h.Final(scope); err != nil || !belongs {
			require.Error(w.t, err, "seed %d: %s is no item\n%s", w.seed, v.Item.ID, w.text)
			return "", false
		}
	}
	if w.control.Cancelled != nil {
		cancelled, err := w.control.Cancelled.Final(scope)
		if err != nil {
			return "", false
		}
		if cancelled {
			return compliance.NotApplicable, true
		}
	}
	if w.control.Applies != nil {
		applies, err := w.control.Applies.Final(scope)
		if err != nil {
			return "", false
		}
		if !applies {
			return compliance.NotApplicable, true
		}
	}
	assertion, err := w.wayOf(scope)
	if err != nil {
		return "", false
	}
	holds, err := assertion.Final(scope)
	switch {
	case err != nil:
		return "", false
	case holds:
		return compliance.Pass, true
	case w.accepted(v.Item.ID, it, events):
		return compliance.Waived, true
	}
	return compliance.Deviation, true
}

// wayOf is the assertion of the first alternative that holds, else the control's.
func (w *world) wayOf(scope *control.Scope) (*control.Condition, error) {
	for _, way := range w.control.Ways {
		if way.When == nil {
			break
		}
		if taken, err := way.When.Final(scope); err != nil || taken {
			return way.Assert, err
		}
	}
	return w.control.Assert, nil
}

type plainItem struct {
	view    control.View
	at, end compliance.Instant
	opened  *compliance.Event
	key     string
	events  []*compliance.Event // one body of each, in order
	// failed says that a condition couldn't be computed, such as one that looks into a
	// table of events, which stands in no scope here.
	failed *bool
}

func (w *world) itemOf(v compliance.Verdict, events []*compliance.Event) plainItem {
	it := plainItem{at: v.Item.Time, end: v.Item.Time, failed: new(bool)}
	if s := w.control.Population.Schedule; s != nil {
		slot := s.SlotAt(v.Item.Time)
		for _, member := range w.bundle.MembersAt(s, slot.Start) {
			if item, view := control.SlotItem(member, slot); item.ID == v.Item.ID {
				it.view, it.end = view, slot.End
			}
		}
		it.key = w.control.SlotKey(it.view)
	}
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, func(a, b *compliance.Event) int {
		return a.Compare(b)*2 + slices.Compare(a.Ref.SHA256[:], b.Ref.SHA256[:])
	})
	until := map[string]compliance.Instant{}
	for _, ev := range sorted {
		for _, key := range w.control.Keys(ev) {
			if last, seen := until[key+ev.Source+ev.ID]; seen && ev.Time <= last {
				continue
			}
			until[key+ev.Source+ev.ID] = ev.Time.Add(w.control.CorrectUntil)
			if len(v.Evidence) > 0 && it.opened == nil && it.view == nil && ev.ID == v.Evidence[0].ID && ev.Ref.SHA256 == v.Evidence[0].SHA256 {
				there := *ev
				there.Time = it.at // where a clock may have put it
				it.opened, it.view, it.key = &there, control.ViewOf(&there), key
				if at, ok := w.control.ItemKey(ev, control.ViewOf(ev)); ok {
					it.key = at
				}
				it.view["id"] = v.Item.ID
			}
		}
	}
	until = map[string]compliance.Instant{}
	for _, ev := range sorted {
		if !slices.Contains(w.control.Keys(ev), it.key) {
			continue
		}
		if last, seen := until[ev.Source+ev.ID]; seen && ev.Time <= last {
			continue
		}
		until[ev.Source+ev.ID] = ev.Time.Add(w.control.CorrectUntil)
		it.events = append(it.events, ev)
	}
	return it
}

// evidence filters: type, key, condition, interval, unless, latest, pick.
func (it plainItem) evidence(c *control.Control, scope *control.Scope, x *control.Expectation, found [][]*compliance.Event) ([]*compliance.Event, bool) {
	events, ok := it.clocked(scope, x)
	if !ok {
		return nil, false
	}
	var list []*compliance.Event
	for _, ev := range events {
		if it.wanted(scope, x, ev) && it.lies(scope, x.Between, ev, nil, found) && !it.undone(scope, x, ev, found) {
			list = append(list, ev)
		}
	}
	if x.Latest != nil {
		all := list
		list = nil
		for i, ev := range all {
			later := slices.ContainsFunc(all[i+1:], func(o *compliance.Event) bool {
				return x.Latest.In(control.ViewOf(o)) == x.Latest.In(control.ViewOf(ev))
			})
			if !later {
				list = append(list, ev)
			}
		}
	}
	if len(list) > 0 && x.Pick == control.PickFirst {
		list = list[:1]
	}
	if len(list) > 0 && x.Pick == control.PickLast {
		list = list[len(list)-1:]
	}
	return list, len(list) <= x.Max && c != nil
}

// clocked are the events at the times that the expectation's clock says; ok is false
// where it fails.
func (it plainItem) clocked(scope *control.Scope, x *control.Expectation) (events []*compliance.Event, ok bool) {
	if x.Clock == nil {
		return it.events, true
	}
	for _, ev := range it.events {
		if !control.MatchesAny(x.Types, ev.Type) {
			continue
		}
		at, counts, err := x.Clock.At(ev.Time, scope.With(control.ViewOf(ev), nil))
		if err != nil {
			return nil, false
		}
		if counts {
			moved := *ev
			moved.Time = at
			events = append(events, &moved)
		}
	}
	slices.SortStableFunc(events, func(a, b *compliance.Event) int { return a.Compare(b) })
	return events, true
}

func (it plainItem) wanted(scope *control.Scope, x *control.Expectation, ev *compliance.Event) bool {
	view := control.ViewOf(ev)
	if key, ok := x.KeyOf(view); !control.MatchesAny(x.Types, ev.Type) || !ok || key != it.key {
		return false
	}
	for _, eq := range x.Also {
		a, okA := control.EncodeKey(eq.Event.In(view))
		b, okB := control.EncodeKey(eq.Item.In(it.view))
		if !okA || !okB || a != b {
			return false
		}
	}
	if x.Where == nil {
		return true
	}
	ok, err := x.Where.Bool(scope.With(view, nil)) // what it reads has been found
	if err != nil {
		*it.failed = true
	}
	return ok && err == nil
}

func (it plainItem) undone(scope *control.Scope, x *control.Expectation, candidate *compliance.Event, found [][]*compliance.Event) bool {
	return x.Unless != nil && slices.ContainsFunc(it.events, func(ev *compliance.Event) bool {
		return it.wanted(scope, x.Unless, ev) && it.lies(scope, x.Unless.Between, ev, candidate, found)
	})
}

// lies tells whether ev is in the interval; nothing lies where an anchor is missing.
func (it plainItem) lies(scope *control.Scope, iv control.Interval, ev, candidate *compliance.Event, found [][]*compliance.Event) bool {
	from, fromEvent, ok1 := it.end1(scope, iv.From, candidate, found)
	to, toEvent, ok2 := it.end1(scope, iv.To, candidate, found)
	if !ok1 || !ok2 {
		return false
	}
	after := ev.Time > from || ev.Time == from && !iv.From.Open
	if iv.From.Open && fromEvent != nil {
		after = ev.Compare(fromEvent) > 0
	}
	before := ev.Time < to || ev.Time == to && !iv.To.Open
	if iv.To.Open && toEvent != nil {
		before = ev.Compare(toEvent) < 0
	}
	return after && before
}

func (it plainItem) end1(scope *control.Scope, b control.Bound, candidate *compliance.Event, found [][]*compliance.Event) (compliance.Instant, *compliance.Event, bool) {
	at, event := it.at, it.opened
	switch b.Anchor {
	case control.AnchorItem:
	case control.AnchorPeriod:
		at, event = it.end, nil
	case control.AnchorComputed:
		at, err := b.Compute(scope)
		*it.failed = *it.failed || err != nil // it may look into a table, too
		return at, nil, err == nil
	case control.AnchorCandidate:
		at, event = candidate.Time, candidate
	case control.AnchorExpectation:
		if len(found[b.Of]) == 0 {
			return 0, nil, false
		}
		at, event = found[b.Of][0].Time, found[b.Of][0]
	}
	if b.Days != 0 {
		return plainDays(at, b), nil, true
	}
	if b.Offset != 0 {
		event = nil
	}
	return at.Add(b.Offset), event, true
}

// plainDays walks second by second over midnights: no zone of the generator changes
// its clocks in July, and all are whole hours off.
func plainDays(at compliance.Instant, b control.Bound) compliance.Instant {
	if b.Anchor == control.AnchorPeriod {
		at--
	}
	hour, n := at.Time().In(b.Workdays.Zone).Truncate(time.Hour), b.Days
	midnight := func(t time.Time) bool { return t.Hour() == 0 }
	free := func(t time.Time) bool {
		return t.Weekday() == time.Thursday || t.Weekday() == time.Friday || t.Day() == 6
	}
	if n < 0 {
		for !midnight(hour) {
			hour = hour.Add(-time.Hour)
		}
		for n < 0 {
			if hour = hour.Add(-24 * time.Hour); !free(hour) {
				n++
			}
		}
		return compliance.InstantOf(hour)
	}
	for hour = hour.Add(time.Hour); !midnight(hour); {
		hour = hour.Add(time.Hour)
	}
	for ; ; hour = hour.Add(24 * time.Hour) {
		if !free(hour) {
			n--
		}
		if n == 0 {
			return compliance.InstantOf(hour.Add(24*time.Hour)) - 1
		}
	}
}

func viewsOf(events []*compliance.Event) []control.Fields {
	list := make([]control.Fields, len(events))
	for i, ev := range events {
		list[i] = control.ViewOf(ev)
	}
	return list
}

// sums computes folds with whole numbers and tenths, which is all that the
// generator makes.
func sums(scope *control.Scope, x *control.Expectation, events []*compliance.Event) map[string]any {
	folds := map[string]any{}
	for _, f := range x.Folds {
		var whole, least int64 = 0, 1 << 60
		tenths, exact := int64(0), true
		kinds := map[any]bool{}
		for _, ev := range events {
			if f.Of == nil {
				continue
			}
			v, err := f.Of.Eval(scope.With(control.ViewOf(ev), nil))
			if err != nil {
				return folds // the oracle leaves such an item undecided
			}
			kinds[v] = true
			switch n := v.(type) {
			case int64:
				whole, least = whole+n, min(least, n)
			case float64:
				exact = false
				tenths += int64(n*10 + 0.5)
			}
		}
		switch f.Kind {
		case control.FoldCount:
			folds[f.Name] = int64(len(events))
		case control.FoldDistinct:
			folds[f.Name] = int64(len(kinds))
		case control.FoldSum:
			folds[f.Name] = whole
			if !exact {
				folds[f.Name] = float64(tenths) / 10
			}
		case control.FoldMin, control.FoldMax:
			if len(events) > 0 {
				folds[f.Name] = least
			}
		}
	}
	return folds
}
