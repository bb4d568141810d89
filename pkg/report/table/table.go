// Package table holds the tables of a report and writes them: for a terminal, as CSV, as
// a workbook and as HTML.
//
// It guarantees:
//   - A cell has the same value in every form. People are shown rates with two digits and
//     spans to the second, on a terminal and in a page; in a page the whole value stands
//     beside, and moments are to the second there, too.
//   - What strangers sent never drives a terminal, becomes a formula or an element.
//   - The same tables give the same bytes, in every form.
package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Kind says what the cells of a column are. A cell is a string, int64, Rate, Span or
// compliance.Instant as its kind says, or nil if there is nothing to say.
type Kind int

// The kinds. Code is text that a machine made, Word a word of a closed set, Address a link
// that a page has elsewhere.
const (
	Text Kind = iota
	Code
	Word
	Count
	Share
	Moment
	Length
	Address
)

// Rate is a part of a whole, from 0 to 1.
type Rate float64

// Span is how long something took, or was.
type Span time.Duration

// String is s as Go writes durations.
func (s Span) String() string { return time.Duration(s).String() }

// short is s to the second, without parts that are nothing.
func (s Span) short() string {
	text := time.Duration(s).Round(time.Second).String()
	if cut, ok := strings.CutSuffix(text, "m0s"); ok {
		text = cut + "m"
	}
	if cut, ok := strings.CutSuffix(text, "h0m"); ok {
		text = cut + "h"
	}
	return text
}

// Seconds is s in seconds.
func (s Span) Seconds() float64 { return time.Duration(s).Seconds() }

// Column is one column. Name is for programs, Head for people. An Address is where the
// cell of the column From leads to. A column that tells More stands in files only, since
// people find it elsewhere in the report.
type Column struct {
	Name, Head string
	Kind       Kind
	From       string
	More       bool
}

// Numeric says that cells stand at the right.
func (c Column) Numeric() bool { return c.Kind == Count || c.Kind == Share || c.Kind == Length }

// Origin is how a table was made, and how to make it again.
type Origin struct {
	// Queries are the SQL files that it is made from; none if it is made of the rules.
	Queries []string
	// Text says it in one sentence.
	Text string
	// Facts are names and values that rows of CSV carry with them, since they are copied
	// out of their file.
	Facts [][2]string
}

// Again names the command that makes the table again.
func (o *Origin) Again(command string) {
	o.Text += " Again: " + command
	o.Facts = append(o.Facts, [2]string{"command", command})
}

// Table is one table.
type Table struct {
	// Name is that of its file and sheet; Title is for people, About says what it holds.
	Name, Title, About string
	Columns            []Column
	Rows               [][]any
	// Blocks says that its texts are long: a terminal shows each row as lines.
	Blocks bool
	// Long says that there are so many rows that people ask for them.
	Long   bool
	Origin Origin
}

// Field is a column with how a row fills it.
type Field[T any] struct {
	Column
	Of func(*T) any
}

// Of makes a table of rows.
func Of[T any](name, title, about string, rows []T, fields ...Field[T]) *Table {
	t := &Table{Name: name, Title: title, About: about}
	for _, f := range fields {
		t.Columns = append(t.Columns, f.Column)
	}
	for i := range rows {
		row := make([]any, len(fields))
		for n, f := range fields {
			row[n] = f.Of(&rows[i])
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ForPeople is the table without the columns that tell more.
func (t *Table) ForPeople() *Table {
	some := *t
	some.Columns, some.Rows = nil, make([][]any, len(t.Rows))
	for i, c := range t.Columns {
		if c.More {
			continue
		}
		some.Columns = append(some.Columns, c)
		for n, row := range t.Rows {
			some.Rows[n] = append(some.Rows[n], row[i])
		}
	}
	return &some
}

// Made says how the table was made.
func (t *Table) Made(o Origin) *Table {
	t.Origin = o
	return t
}

// AsBlocks has a terminal show each row as lines.
func (t *Table) AsBlocks() *Table {
	t.Blocks = true
	return t
}

// AsLong says that people have to ask for its rows.
func (t *Table) AsLong() *Table {
	t.Long = true
	return t
}

// Shown is a cell for people.
func Shown(kind Kind, cell any) string {
	switch v := cell.(type) {
	case nil:
		if kind == Share {
			return "–"
		}
		return ""
	case Rate:
		return strconv.FormatFloat(100*float64(v), 'f', 2, 64) + " %"
	case Span:
		return v.short()
	}
	return Plain(cell)
}

// Plain is a cell for programs: a rate as a fraction with six digits, a span in seconds.
func Plain(cell any) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case Rate:
		return strconv.FormatFloat(float64(v), 'f', 6, 64)
	case Span:
		return v.String()
	case compliance.Instant:
		return v.String()
	}
	return fmt.Sprint(cell) // a kind that a writer doesn't know is still told
}

// heading is a column's name in CSV, with the unit of a span.
func (c Column) heading() string {
	if c.Kind == Length {
		return c.Name + "_seconds"
	}
	return c.Name
}

// seconds is a span for programs, exact.
func seconds(s Span) string { return strconv.FormatFloat(s.Seconds(), 'f', -1, 64) }

// When is a moment, nil if there is none.
func When(i compliance.Instant) any {
	if i == 0 {
		return nil
	}
	return i
}

// Part is a share, nil if there is none.
func Part(rate *float64) any {
	if rate == nil {
		return nil
	}
	return Rate(*rate)
}

// Joined is texts with spaces between.
func Joined(texts []string) any { return strings.Join(texts, " ") }
