package flows

import (
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the comparison as one JSON object.
func (b *Boundary) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(b) }

// WriteTable writes the comparison for a terminal.
func (b *Boundary) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	t.Say("Tenant %s, %s to %s (not included), UTC\n", b.Tenant, b.Period.From, b.Period.To)
	if b.AsOf != 0 {
		t.Say("As it was known at %s\n", b.AsOf)
	}
	if b.Declared {
		t.Say("%d flows were seen, %d of them outside of the declared boundary\n\n", len(b.Edges), len(b.Outside()))
	} else {
		t.Say("%d flows were seen; none can be judged, for refs.%s declares nothing\n\n", len(b.Edges), boundary.Table)
	}
	output.Rows(&t, b.Edges, edgeColumns())
	if len(b.Unused) > 0 {
		t.Say("\nDeclared and not seen\n")
		output.Rows(&t, b.Unused, unusedColumns())
	}
	return t.Err
}

// WriteCSV writes the flows that were seen.
func (b *Boundary) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	return output.Write(w, b.Edges, edgeColumns())
}

func edgeColumns() []output.Column[boundary.Edge] {
	return []output.Column[boundary.Edge]{
		{Head: "CALLER", Cell: func(e boundary.Edge) string { return e.Caller }},
		{Head: "KIND", Cell: func(e boundary.Edge) string { return string(e.Kind) }},
		{Head: "NAME", Cell: func(e boundary.Edge) string { return e.Name }},
		{Head: "MODEL", Cell: func(e boundary.Edge) string { return e.Model }},
		{Head: "REGION", Cell: func(e boundary.Edge) string { return e.Region }},
		{Head: "CLASS", Cell: func(e boundary.Edge) string { return e.Class }},
		{Head: "FIRST SEEN", Cell: func(e boundary.Edge) string { return e.First.String() }},
		{Head: "LAST SEEN", Cell: func(e boundary.Edge) string { return e.Last.String() }},
		{Head: "DAYS", Cell: func(e boundary.Edge) string { return strconv.Itoa(e.Days) }},
		{Head: "NEW", Cell: func(e boundary.Edge) string { return map[bool]string{true: "new"}[e.New] }},
		{Head: "STANDING", Cell: func(e boundary.Edge) string { return string(e.Standing) }},
		{Head: "OUTSIDE FROM", Cell: func(e boundary.Edge) string {
			if e.OutsideDays == 0 || !e.Outside() {
				return ""
			}
			return e.OutsideFrom.String()
		}},
	}
}

func unusedColumns() []output.Column[boundary.Row] {
	return []output.Column[boundary.Row]{
		{Head: "CALLER", Cell: func(r boundary.Row) string { return r.Caller }},
		{Head: "KIND", Cell: func(r boundary.Row) string { return string(r.Kind) }},
		{Head: "NAME", Cell: func(r boundary.Row) string { return r.Name }},
		{Head: "CLASSES", Cell: func(r boundary.Row) string { return strings.Join(r.Classes, ", ") }},
	}
}
