package table

import (
	"fmt"
	"io"
	"strings"

	"assay.example/assay/pkg/output"
)

// WriteText writes the table for a terminal, with its title above and how it was made
// below.
func (t *Table) WriteText(w output.Writer) error {
	w.Format = output.Table
	if _, err := fmt.Fprintf(w.Out, "\n%s\n", output.Printable(t.Title)); err != nil {
		return err
	}
	if err := t.ForPeople().body(w); err != nil {
		return err
	}
	if t.Origin.Text == "" {
		return nil
	}
	_, err := fmt.Fprintf(w.Out, "(%s)\n", output.Printable(t.Origin.Text))
	return err
}

func (t *Table) body(w output.Writer) error {
	switch {
	case len(t.Rows) == 0:
		_, err := io.WriteString(w.Out, "none\n")
		return err
	case t.Blocks:
		return t.blocks(w.Out)
	}
	columns := make([]output.Column[[]any], len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = output.Column[[]any]{Head: strings.ToUpper(c.Head), Cell: func(row []any) string { return Shown(c.Kind, row[i]) }}
	}
	return output.Write(w, t.Rows, columns)
}

// blocks writes each row as lines, the first cell as their head.
func (t *Table) blocks(out io.Writer) error {
	var b strings.Builder
	for _, row := range t.Rows {
		for i, c := range t.Columns {
			shown := output.Printable(strings.ReplaceAll(Shown(c.Kind, row[i]), "\n", " "))
			switch {
			case i == 0:
				fmt.Fprintf(&b, "%s\n", shown)
			case shown != "":
				fmt.Fprintf(&b, "  %s: %s\n", c.Head, shown)
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// WriteCSV writes the table as CSV: its columns, and on each row how it was made.
func (t *Table) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	var columns []output.Column[[]any]
	for i, c := range t.Columns {
		columns = append(columns, output.Column[[]any]{Head: c.heading(), Cell: func(row []any) string {
			if s, ok := row[i].(Span); ok {
				return seconds(s)
			}
			return Plain(row[i])
		}})
	}
	for _, fact := range t.Origin.Facts {
		columns = append(columns, output.Column[[]any]{Head: fact[0], Cell: func([]any) string { return fact[1] }})
	}
	return output.Write(w, t.Rows, columns)
}
