package oracle

import (
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// tableAt is a derived table as of an instant that is believed as far as its sources were heard: a row
// since it was told last, that there is none since their first word. If they tell all
// live rows again every so often, what they said before matters no longer than that.
func (l *log) tableAt(t *control.DerivedTable, it item, at compliance.Instant) *control.Table {
	rows, _ := l.rowsOf(t, it, at)
	since := t.Since(at)
	for key, row := range rows {
		told, _ := row.Told()
		if told < since && l.heard(t.Types, told, since) == silent {
			delete(rows, key) // it would have been told again
		}
	}
	return control.NewHeard(it.key, rows, func(row control.View) control.Doubt {
		from := since
		if row != nil {
			from, _ = row.Told()
		}
		heard := l.heard(t.Types, from, at)
		if at >= l.w { // more may come
			heard = open
		}
		return doubtOf(heard)
	})
}

func doubtOf(heard coverage) control.Doubt {
	return control.Doubt{Waits: heard == open, Silent: heard == silent, Unread: heard == unread}
}

// heardRows is whether the tables that parts come from have been heard long enough to
// have all rows.
func (l *log) heardRows(it item) coverage {
	worst := covered
	for _, i := range l.control.Expand.Tables {
		t := l.control.Tables[i]
		worst = max(worst, l.heard(t.Types, t.Since(it.Time), it.Time))
	}
	return worst
}

// rulePart is rule for a part: if its row can't be believed, nobody knows whether there is one.
func (l *log) rulePart(it item, scope *control.Scope) ruling {
	heard := covered
	for _, i := range l.control.Expand.Tables {
		t := l.control.Tables[i]
		told, ok := scope.Part.Told()
		if !ok {
			told = t.Since(it.Time)
		}
		heard = max(heard, l.heard(t.Types, told, it.Time))
	}
	if r := unheard(heard); r != nil {
		return *r
	}
	return l.rule(it, scope)
}

// unheard is what is said while sources may still be heard, or weren't; nil if they were.
func unheard(heard coverage) *ruling {
	switch heard {
	case open:
		return &ruling{outcome: compliance.Pending, reason: compliance.ReasonAwaitingEvents}
	case silent:
		return &ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonSourceSilent}
	case unread:
		return &ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonNoHistory}
	case covered:
	}
	return nil
}

// tables sets the derived tables as of the item; broken says that a row could
// not be read, or that bodies of an event disagree on it.
func (l *log) tables(it item, scope *control.Scope) (broken bool) {
	for _, t := range l.control.Tables {
		_, failed := l.rowsOf(t, it, it.Time)
		broken = broken || failed || l.unclear(t, it)
		scope.Derived = append(scope.Derived, l.tableAt(t, it, it.Time).AsOf(func(at compliance.Instant) *control.Table { return l.tableAt(t, it, at) }))
	}
	return broken
}

func (l *log) rowsOf(t *control.DerivedTable, it item, at compliance.Instant) (rows map[string]control.View, failed bool) {
	last := map[string]fact{}
	for _, f := range it.facts { // in order
		if c := l.changeOf(t, it, f, at); c.here {
			last[c.row] = f
		}
	}
	rows = map[string]control.View{}
	for key, f := range last {
		c := l.changeOf(t, it, f, at)
		if failed = failed || c.failed; c.live {
			rows[key] = f.view.View()
		}
	}
	return rows, failed
}

// change is what a body of an event does to a table.
type change struct {
	row                string
	here, live, failed bool
}

func (l *log) changeOf(t *control.DerivedTable, it item, f fact, by compliance.Instant) (c change) {
	if !control.MatchesAny(t.Types, f.Type) || f.Time > by {
		return c
	}
	at, here := t.KeyOf(f.view)
	row, ok := t.RowOf(f.view)
	if !here || at != it.key || !ok {
		return c
	}
	c = change{row: row, here: true, live: true}
	if t.Live != nil {
		live, err := t.Live.Bool(l.control.NewScope(nil, by).With(f.view, nil))
		c.live, c.failed = live, err != nil
	}
	return c
}

// unclear tells whether a row is as an event left it whose bodies disagree on what
// it does to the table.
func (l *log) unclear(t *control.DerivedTable, it item) bool {
	type written struct {
		fact
		change
		disputed bool
	}
	var all []written
	for _, f := range it.facts {
		changes := map[change]bool{}
		for _, body := range l.asked(it, f) {
			changes[l.changeOf(t, it, body, it.Time)] = true
		}
		for _, body := range l.asked(it, f) {
			if c := l.changeOf(t, it, body, it.Time); c.here && (len(changes) > 1 || body.Event == f.Event) {
				all = append(all, written{body, c, len(changes) > 1})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b written) int { return a.Compare(b.Event) })
	last := map[string]bool{}
	for _, w := range all {
		last[w.row] = w.disputed
	}
	return slices.Contains(slices.Collect(maps.Values(last)), true)
}
