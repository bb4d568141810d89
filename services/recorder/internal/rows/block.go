package rows

import (
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Block is rows of one table, a slice of values for each column.
type Block struct {
	Table   string
	Rows    int
	Columns []Column
}

// Column is a column's values in a type that the ClickHouse driver takes.
type Column struct {
	Name   string
	Values any
}

// Names are the columns' names.
func (b *Block) Names() []string {
	names := make([]string, 0, len(b.Columns))
	for _, c := range b.Columns {
		names = append(names, c.Name)
	}
	return names
}

// Query is the insert that takes the columns in their order.
func (b *Block) Query() string {
	return "INSERT INTO " + b.Table + " (`" + strings.Join(b.Names(), "`, `") + "`)"
}

// field makes one column out of rows R.
type field[R any] struct {
	name   string
	values func([]R) any
}

func build[R any](table string, rows []R, fields ...field[R]) *Block {
	b := &Block{Table: table, Rows: len(rows), Columns: make([]Column, 0, len(fields))}
	for _, f := range fields {
		b.Columns = append(b.Columns, Column{Name: f.name, Values: f.values(rows)})
	}
	return b
}

func column[R, T any](name string, get func(*R) T) field[R] {
	return field[R]{name: name, values: func(rows []R) any {
		values := make([]T, len(rows))
		for i := range rows {
			values[i] = get(&rows[i])
		}
		return values
	}}
}

func text[R any](name string, get func(*R) string) field[R] { return column(name, get) }

func instant[R any](name string, get func(*R) compliance.Instant) field[R] {
	return column(name, func(r *R) time.Time { return Time(get(r)) })
}

func hash[R any](name string, get func(*R) compliance.Hash) field[R] {
	return field[R]{name: name, values: func(rows []R) any {
		all := make([]compliance.Hash, len(rows))
		values := make([][]byte, len(rows))
		for i := range rows {
			all[i] = get(&rows[i])
			values[i] = all[i][:]
		}
		return values
	}}
}

// The ends of time in a DateTime64(6) column. ClickHouse would take 2299, but the
// driver counts nanoseconds in 64 bits, which end in 2262.
var (
	first = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	last  = time.Date(2261, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
)

// Time is how a column holds an instant: Ever and Never, and what lies beyond the
// column's range, as its ends; 0 ("none") as 1970-01-01.
func Time(i compliance.Instant) time.Time {
	switch {
	case i <= compliance.InstantOf(first):
		return first
	case i >= compliance.InstantOf(last):
		return last
	}
	return i.Time()
}

// Instant is the inverse of Time, its ends as Ever and Never.
func Instant(t time.Time) compliance.Instant {
	switch {
	case !t.After(first):
		return compliance.Ever
	case !t.Before(last):
		return compliance.Never
	}
	return compliance.InstantOf(t)
}

// datable says whether a column holds i as it is.
func datable(i compliance.Instant) bool {
	return i > compliance.InstantOf(first) && i < compliance.InstantOf(last)
}
