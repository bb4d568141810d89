package output

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Printer writes sentences and tables for a terminal, one after another, and keeps the
// first error in Err.
type Printer struct {
	To  Writer
	Err error
}

// Say writes a text, without what could drive a terminal.
func (p *Printer) Say(format string, args ...any) {
	if p.Err == nil {
		_, p.Err = io.WriteString(p.To.Out, Printable(fmt.Sprintf(format, args...)))
	}
}

// Rows writes a table.
func Rows[T any](p *Printer, rows []T, columns []Column[T]) {
	if p.Err == nil {
		p.Err = Write(p.To, rows, columns)
	}
}

// Printable drops what could drive a terminal; lines stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// Percent is a rate with two digits; "–" if there is none.
func Percent(rate *float64) string {
	if rate == nil {
		return "–"
	}
	return strconv.FormatFloat(100**rate, 'f', 2, 64) + " %"
}

// Moment is a time, empty if there is none.
func Moment(i compliance.Instant) string {
	if i == 0 {
		return ""
	}
	return i.String()
}
