package oracle

import (
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
