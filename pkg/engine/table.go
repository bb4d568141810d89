package engine

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// scope is what the item's conditions may read, but for its evidence. What they look up
// in a table made of events they believe as far as its sources were heard; the item waits
// for those that may still be.
func (r *review) scope() *control.Scope {
	s := r.it.scope()
	for _, t := range r.c.Tables {
		s.Derived = append(s.Derived, r.table(t))
	}
	return s
}

func (r *review) table(t *control.DerivedTable) *control.Table {
	rows, _ := r.it.rows(t)
	for key, row := range rows {
		if r.toldAgain(t, row) {
			delete(rows, key)
		}
	}
	return control.NewHeard(r.it.group.key.key, rows, func(row control.View) control.Doubt {
		state := r.heardSince(t, row)
		return control.Doubt{Waits: state == open, Silent: state == silent, Unread: state == unread}
	})
}

// toldAgain says that a row would have been told again by the item's time, and wasn't:
// its end was missed.
func (r *review) toldAgain(t *control.DerivedTable, row control.View) bool {
	since := t.Since(r.it.time)
	told, _ := row.Told()
	return told < since && r.heard(r.feeds.tables[t.Index], told, since) == silent
}

// heardSince is the coverage of what makes a row believed, or with nil that there is none.
func (r *review) heardSince(t *control.DerivedTable, row control.View) coverage {
	from, ok := row.Told()
	switch {
	case planted == plantedTableUnheard:
		return covered
	case !ok:
		from = t.Since(r.it.time)
	}
	return r.heard(r.feeds.tables[t.Index], from, r.it.time)
}

// heardRows is whether the tables that parts come from have been heard long enough to
// have all rows.
func (r *review) heardRows() coverage { return r.heardPart(nil) }

// heardPart is whether the row that a part comes from can be believed.
func (r *review) heardPart(part control.View) coverage {
	worst := covered
	for _, i := range r.c.Expand.Tables {
		worst = max(worst, r.heardSince(r.c.Tables[i], part))
	}
	return worst
}

// unheard is what is found while sources may still be heard, or weren't; nothing if they
// were.
func unheard(state coverage) finding {
	switch state {
	case open:
		return waiting()
	case silent:
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonSourceSilent}
	case unread:
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonNoHistory}
	case covered:
	}
	return finding{}
}
