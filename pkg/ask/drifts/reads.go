package drifts

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/drift"
)

// changeEvents are the events that say that something was changed.
func (c *comparison) changeEvents(ctx context.Context, from, to compliance.Instant) ([]drift.Change, error) {
	var types []string
	for t := range changeTypes {
		types = append(types, t)
	}
	slices.Sort(types)
	type row struct {
		Source string    `ch:"source"`
		ID     string    `ch:"id"`
		Type   string    `ch:"type"`
		Time   time.Time `ch:"time"`
		Data   string    `ch:"data"`
	}
	rows, err := ask.Rows[row](ctx, c.Inquiry, "drift_changes", append(ask.Window(from, to), c.asOf(), clickhouse.Named("types", types))...)
	if err != nil {
		return nil, err
	}
	changes := make([]drift.Change, len(rows))
	for i, r := range rows {
		changes[i] = drift.Change{
			Kind: changeTypes[r.Type].kind, At: ask.Instant(r.Time), Type: r.Type, Source: r.Source, ID: r.ID,
			What: r.Type + " " + named(r.Data, changeTypes[r.Type].fields),
		}
	}
	return changes, nil
}

// named is what an event says in some fields.
func named(data string, fields []string) string {
	var said map[string]any
	if json.Unmarshal([]byte(data), &said) != nil {
		return ""
	}
	var words []string
	for _, f := range fields {
		if v, found := said[f]; found {
			words = append(words, fmt.Sprint(v))
		}
	}
	return strings.Join(words, " ")
}

// Conditions stand in clauses as CEL prints them, so a lookup has one of these forms.
var (
	memberOf = regexp.MustCompile(`\b(?:item|event)\.(\w+) in (boundary|refs)\.(\w+)`)
	rowOf    = regexp.MustCompile(`\b(refs)\.(\w+)\[(?:item|event)\.(\w+)\]`)
	rowKey   = regexp.MustCompile(`^(boundary|refs)\.(\w+)\[(.*)\]$`)
)

// lookupsOf are the fields of the opening event that a control looks up, each with the
// list or table; of one that the calendar makes, the list of its members.
func lookupsOf(c *control.Control) (fields []string, lookups []drift.Lookup) {
	if s := c.Population.Schedule; s != nil {
		return []string{}, []drift.Lookup{{Boundary: !s.ForEach.InRefs, Name: s.ForEach.Name}}
	}
	add := func(field, section, name string) {
		l := drift.Lookup{Boundary: section == "boundary", Name: name}
		if !slices.Contains(fields, field) || !slices.Contains(lookups, l) {
			fields, lookups = append(fields, field), append(lookups, l)
		}
	}
	for _, clause := range c.Clauses() {
		if strings.HasPrefix(clause.Key, "expect.") {
			continue // there `event` is the evidence
		}
		for _, m := range memberOf.FindAllStringSubmatch(clause.Value, -1) {
			add(m[1], m[2], m[3])
		}
		for _, m := range rowOf.FindAllStringSubmatch(clause.Value, -1) {
			add(m[3], m[1], m[2])
		}
	}
	return fields, lookups
}

// rows are the rows of lists and tables that begin or end, by the control that reads them.
func (c *comparison) rows() []drift.Change {
	var changes []drift.Change
	for id := range c.input.Subjects {
		for _, clause := range c.bundle.Control(id).Clauses() {
			m := rowKey.FindStringSubmatch(clause.Key)
			var valid struct {
				From  string `json:"valid_from"`
				Until string `json:"valid_until"`
			}
			if m == nil || json.Unmarshal([]byte(clause.Value), &valid) != nil {
				continue
			}
			ch := drift.Change{Kind: drift.Reference, Control: id, Lookup: drift.Lookup{Name: m[2]}, Key: m[3]}
			if m[1] == "boundary" {
				ch.Kind, ch.Lookup.Boundary = drift.Boundary, true
			}
			for end, text := range map[string]string{" begins": valid.From, " ends": valid.Until} {
				if at, err := compliance.ParseInstant(text); err == nil {
					ch.At, ch.What = at, clause.Key+end
					changes = append(changes, ch)
				}
			}
		}
	}
	slices.SortFunc(changes, func(a, b drift.Change) int { return strings.Compare(a.Control+a.What, b.Control+b.What) })
	return changes
}
