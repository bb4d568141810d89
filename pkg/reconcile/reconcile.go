package reconcile

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Item is one on record.
type Item struct {
	ID      string             `json:"id"`
	At      compliance.Instant `json:"at"`
	Outcome compliance.Outcome `json:"outcome"`
}

// Result says where an export and a population differ, and that they agree otherwise.
type Result struct {
	// Compared counts the rows of the export that lie in the period, Matched those of
	// them that are on record at the same time.
	Compared int `json:"compared"`
	Matched  int `json:"matched"`
	// Outside counts rows whose time lies outside the period, and that are not on record in it.
	Outside int `json:"outside"`
	// Missing are in the export and not on record: occurrences that nobody judged.
	Missing []Row `json:"missing,omitempty"`
	// Extra are on record and not in the export.
	Extra []Item `json:"extra,omitempty"`
	// Moved are in both, at times further apart than the tolerance.
	Moved []Moved `json:"moved,omitempty"`
	// Withdrawn are in the export, and left the population on record.
	Withdrawn []Row `json:"withdrawn,omitempty"`
	// Repeated are rows with the key of an earlier one.
	Repeated []Row `json:"repeated,omitempty"`
}

// Moved is an item with two times.
type Moved struct {
	Row  Row  `json:"row"`
	Item Item `json:"item"`
}

// Agree says that nothing differs.
func (r *Result) Agree() bool {
	return len(r.Missing)+len(r.Extra)+len(r.Moved)+len(r.Withdrawn)+len(r.Repeated) == 0
}

// Compare holds an export against the items of a period. items have to reach as far beyond
// the period as the tolerance does: a row at its very edge may be on record beyond it.
func Compare(e *Export, m *Mapping, items []Item, from, to compliance.Instant) *Result {
	r := &Result{}
	byID := make(map[string]Item, len(items))
	for _, it := range items {
		byID[it.ID] = it
	}
	in := func(at compliance.Instant) bool { return at >= from && at < to }
	seen := make(map[string]bool, len(e.Rows))
	for _, row := range e.Rows {
		it, on := byID[row.Key]
		switch {
		case seen[row.Key]:
			r.Repeated = append(r.Repeated, row)
			continue
		case m.Time != "" && !in(row.At) && (!on || !in(it.At)):
			r.Outside++
			continue
		}
		seen[row.Key] = true
		r.Compared++
		switch {
		case !on:
			r.Missing = append(r.Missing, row)
		case it.Outcome == compliance.Withdrawn:
			r.Withdrawn = append(r.Withdrawn, row)
		case m.Time != "" && apart(row.At, it.At) > m.Tolerance:
			r.Moved = append(r.Moved, Moved{row, it})
		default:
			r.Matched++
		}
	}
	for _, it := range items {
		if !seen[it.ID] && in(it.At) && it.Outcome != compliance.Withdrawn {
			r.Extra = append(r.Extra, it)
		}
	}
	slices.SortFunc(r.Extra, func(a, b Item) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID)) })
	return r
}

func apart(a, b compliance.Instant) time.Duration {
	if a < b {
		a, b = b, a
	}
	return a.Sub(b)
}
