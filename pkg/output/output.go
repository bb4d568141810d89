// Package output writes a command's data: rows as an aligned table for people,
// as JSON, JSON lines or CSV for programs. What it writes may come from
// strangers, so a table shows no control characters, which could drive a terminal,
// and a CSV cell can't begin a formula in a spreadsheet.
package output

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	"assay.example/assay/pkg/compliance"
)

// Format is how rows are written; it is a flag's value.
type Format string

// The formats.
const (
	Table Format = "table"
	JSON  Format = "json"
	JSONL Format = "jsonl"
	CSV   Format = "csv"
)

// Formats lists all of them.
func Formats() []Format { return []Format{Table, JSON, JSONL, CSV} }

// String is pflag.Value's.
func (f *Format) String() string { return string(*f) }

// Type is pflag.Value's: what --help calls the value.
func (f *Format) Type() string { return "format" }

// Set is pflag.Value's.
func (f *Format) Set(text string) error {
	if !slices.Contains(Formats(), Format(text)) {
		return compliance.Errorf(compliance.Invalid, "%q is no format; choose table, json, jsonl or csv", text)
	}
	*f = Format(text)
	return nil
}

// Column is one column of a table or a CSV file.
type Column[T any] struct {
	Head string
	Cell func(T) string
}

// Writer is where rows go and how.
type Writer struct {
	Out    io.Writer
	Format Format
	// Colour allows ANSI codes in a table.
	Colour bool
}

// Colour says whether out is a terminal whose user wants colours: NO_COLOR
// (no-color.org) and TERM=dumb refuse them.
func Colour(out io.Writer, env []string) bool {
	file, ok := out.(*os.File)
	if !ok || !isatty.IsTerminal(file.Fd()) {
		return false
	}
	return !slices.ContainsFunc(env, func(variable string) bool {
		return variable == "TERM=dumb" || (strings.HasPrefix(variable, "NO_COLOR=") && variable != "NO_COLOR=")
	})
}

// Write writes rows. JSON and JSON lines are made from the rows themselves, the
// others from columns.
func Write[T any](w Writer, rows []T, columns []Column[T]) error {
	switch w.Format {
	case JSON:
		if rows == nil {
			rows = []T{}
		}
		return w.Object(rows)
	case JSONL:
		return writeLines(w, rows)
	case CSV:
		return writeCSV(w.Out, rows, columns)
	case Table:
		return w.table(cells(rows, columns))
	}
	return compliance.Errorf(compliance.Invalid, "%q is no format; choose table, json, jsonl or csv", w.Format)
}

// Object writes one value as JSON that people can read, whatever the format.
func (w Writer) Object(value any) error {
	encoder := json.NewEncoder(w.Out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

func writeLines[T any](w Writer, rows []T) error {
	encoder := json.NewEncoder(w.Out)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	return nil
}

func cells[T any](rows []T, columns []Column[T]) [][]string {
	grid := make([][]string, 1, len(rows)+1)
	for _, c := range columns {
		grid[0] = append(grid[0], c.Head)
	}
	for _, row := range rows {
		line := make([]string, 0, len(columns))
		for _, c := range columns {
			line = append(line, c.Cell(row))
		}
		grid = append(grid, line)
	}
	return grid
}

func writeCSV[T any](out io.Writer, rows []T, columns []Column[T]) error {
	w := csv.NewWriter(out)
	for _, line := range cells(rows, columns) {
		for i := range line {
			line[i] = inert(line[i])
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// inert keeps a spreadsheet from reading a cell as a formula. A number stays one.
func inert(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

const (
	bold  = "\x1b[1m"
	reset = "\x1b[0m"
)

func (w Writer) table(grid [][]string) error {
	widths := make([]int, len(grid[0]))
	for _, line := range grid {
		for i := range line {
			line[i] = printable(line[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
	}
	var b strings.Builder
	for n, line := range grid {
		text := aligned(line, widths)
		if n == 0 && w.Colour {
			text = bold + text + reset
		}
		b.WriteString(text + "\n")
	}
	_, err := io.WriteString(w.Out, b.String())
	return err
}

func aligned(line []string, widths []int) string {
	var b strings.Builder
	for i, cell := range line {
		fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
	}
	return strings.TrimRight(b.String(), " ")
}

// printable shows what doesn't print as its escape.
func printable(cell string) string {
	if strings.IndexFunc(cell, unprintable) < 0 && utf8.ValidString(cell) {
		return cell
	}
	quoted := strconv.Quote(cell)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func unprintable(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }
