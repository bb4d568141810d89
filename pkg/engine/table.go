package engine

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// scope is what the item's conditions may read, but for its evidence. What they look up
// in a table made of events they believe as far as its sources were heard; the item waits
// for those that may still be. It lasts until the next one.
func (r *review) scope() *control.Scope {
	s := &r.e.room.scope
	r.it.rules.Renew(s, r.it.view, r.it.time)
	for _, t := range r.c.Tables {
		s.Derived = append(s.Derived, r.table(t, r.it.time).AsOf(func(at compliance.Instant) *control.Table {
			if planted == plantedTableOfItem {
				at = r.it.time
			}
			return r.table(t, at)
		}))
	}
	return s
}

func (r *review) table(t *control.DerivedTable, at compliance.Instant) *control.Table {
	rows, _ := r.it.rows(t, at)
	for key, row := range rows {
		if r.toldAgain(t, row, at) {
			delete(rows, key)
		}
	}
	return control.NewHeard(r.it.group.key.key, rows, func(row control.View) control.Doubt {
		state := r.heardSince(t, row, at)
		return control.Doubt{Waits: state == open, Silent: state == silent, Unread: state == unread}
	})
}

// toldAgain says that a row would have been told again by an instant, and wasn't: its end
// was missed.
func (r *review) toldAgain(t *control.DerivedTable, row control.View, at compliance.Instant) bool {
	since := t.Since(at)
	told, _ := row.Told()
	return told < since && r.heard(r.feeds.tables[t.Index], told, since) == silent
}

// heardSince is the coverage of what makes a row believed at an instant, or with nil that
// there is none.
func (r *review) heardSince(t *control.DerivedTable, row control.View, at compliance.Instant) coverage {
	from, ok := row.Told()
	switch {
	case planted == plantedTableUnheard:
		return covered
	case at >= r.w: // more may come
		r.closesAt(at)
		return open
	case !ok:
		from = t.Since(at)
	}
	return r.heard(r.feeds.tables[t.Index], from, at)
}

// heardRows is whether the tables that parts come from have been heard long enough to
// have all rows.
func (r *review) heardRows() coverage { return r.heardPart(nil) }

// heardPart is whether the row that a part comes from can be believed.
func (r *review) heardPart(part control.View) coverage {
	worst := covered
	for _, i := range r.c.Expand.Tables {
		worst = max(worst, r.heardSince(r.c.Tables[i], part, r.it.time))
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
