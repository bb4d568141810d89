package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
	"assay.example/assay/pkg/report/table"
)

// cells are the rows of a table as a form of the report shows them, and how exact.
type cells struct {
	heads []string
	rows  [][]string
}

// Every number of every table is the same in every form, read back from its bytes.
func TestEveryFormSaysTheSame(t *testing.T) {
	r := rich(t)
	tables := r.Tables()
	inHTML := readHTML(t, r)
	book := readBook(t, r)
	back := readJSON(t, r)
	require.Len(t, book, len(tables))
	require.Len(t, back, len(tables))
	numbers := 0
	for i, want := range tables {
		require.NotEmpty(t, want.Rows, "%s: a table without rows shows nothing", want.Name)
		numbers += same(t, "json", want, plain(back[i]), 0)
		same(t, "csv", want, readCSV(t, want), 0)
		same(t, "xlsx", want, book[want.Name], 1e-5) // a workbook counts days, with 15 digits
		people := want.ForPeople()
		if !want.Blocks {
			same(t, "text", people, readText(t, want), 0.51)
		}
		if !toldOtherwise[want.Name] {
			same(t, "html", withoutAddresses(people), inHTML[want.Name], 0)
			delete(inHTML, want.Name)
		}
	}
	require.Empty(t, inHTML, "HTML has tables that the others have not")
	require.Greater(t, numbers, 300)
	tellsControls(t, r)
}

// toldOtherwise are the tables that the page tells as its text.
var toldOtherwise = map[string]bool{"criteria": true, "tests": true, "management_response": true, "words": true}

// same compares each cell, and counts the numbers. Coarse is how many seconds a span or a
// moment may differ by; then rates may by half of their last digit.
func same(t *testing.T, form string, want *table.Table, got cells, coarse float64) (numbers int) {
	t.Helper()
	require.Len(t, got.rows, len(want.Rows), "%s: %s", form, want.Name)
	for n, c := range want.Columns {
		for i, row := range want.Rows {
			where := fmt.Sprintf("%s: %s, row %d, %s", form, want.Name, i, c.Name)
			require.Greater(t, len(got.rows[i]), n, where)
			text := got.rows[i][n]
			switch v := row[n].(type) {
			case nil:
				require.Contains(t, []string{"", "–"}, text, where)
			case int64:
				require.Equal(t, strconv.FormatInt(v, 10), text, where)
				numbers++
			case table.Rate:
				numbers++
				precision := 1e-6
				if percent, ok := strings.CutSuffix(text, " %"); ok {
					text, precision = percent, 0.5001e-2
					v *= 100
				}
				require.InDelta(t, float64(v), number(t, text, where), precision, where)
			case table.Span:
				numbers++
				require.InDelta(t, v.Seconds(), span(t, text, where), max(coarse, 1e-6), where)
			case compliance.Instant:
				require.InDelta(t, float64(v)/1e6, asktest.At(text).Time().Sub(time.Unix(0, 0)).Seconds(), max(coarse, 1e-6), where)
			default:
				require.Equal(t, squeezed(fmt.Sprint(v)), squeezed(text), where)
			}
		}
	}
	return numbers
}

// withoutAddresses is a table as a page has it: there an address is a link.
func withoutAddresses(t *table.Table) *table.Table {
	some := *t
	some.Columns = slices.Clone(t.Columns)
	for i := range some.Columns {
		some.Columns[i].More = t.Columns[i].Kind == table.Address
	}
	return some.ForPeople()
}

func squeezed(text string) string {
	text = strings.TrimPrefix(text, "'") // of a cell that could be a formula
	return strings.Join(strings.FieldsFunc(strings.ReplaceAll(text, "_", " "), func(r rune) bool { return r == ' ' || r == '\n' }), " ")
}

func number(t *testing.T, text, where string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err, where)
	return v
}

// span reads seconds, or a duration as Go writes it.
func span(t *testing.T, text, where string) float64 {
	t.Helper()
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds()
	}
	return number(t, text, where)
}

func plain(of *table.Table) (got cells) {
	for _, row := range of.Rows {
		line := make([]string, len(row))
		for i, cell := range row {
			line[i] = table.Plain(cell)
		}
		got.rows = append(got.rows, line)
	}
	return got
}

// readJSON makes the tables of what stands in the JSON.
func readJSON(t *testing.T, r *report.Report) []*table.Table {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteJSON(&out))
	var back report.Report
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	return back.Tables()
}

func readCSV(t *testing.T, of *table.Table) (got cells) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, of.WriteCSV(output.Writer{Out: &out}))
	lines, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	return cells{lines[0], lines[1:]}
}

// readText cuts lines where the heads begin.
func readText(t *testing.T, of *table.Table) (got cells) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, of.WriteText(output.Writer{Out: &out}))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Equal(t, of.Title, lines[0])
	head := []rune(lines[1])
	var starts []int
	for i, r := range head {
		if r != ' ' && (i == 0 || i > 1 && head[i-1] == ' ' && head[i-2] == ' ') {
			starts = append(starts, i)
		}
	}
	for _, line := range lines[2 : len(lines)-1] {
		var row []string
		text := []rune(line)
		for i, from := range starts {
			to := len(text)
			if i+1 < len(starts) {
				to = min(to, starts[i+1])
			}
			row = append(row, strings.TrimSpace(string(text[min(from, to):to])))
		}
		got.rows = append(got.rows, row)
	}
	return got
}

// readBook reads the cells as they are stored, and holds them to their types.
func readBook(t *testing.T, r *report.Report) map[string]cells {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteXLSX(&out))
	f, err := excelize.OpenReader(&out)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	book := map[string]cells{}
	for i, of := range r.Tables() {
		name := f.GetSheetList()[i]
		require.Equal(t, of.Name, name)
		panes, err := f.GetPanes(name)
		require.NoError(t, err)
		require.True(t, panes.Freeze && panes.YSplit == 3, name)
		got := cells{}
		for n, row := range of.Rows {
			var line []string
			for c := range of.Columns {
				line = append(line, bookCell(t, f, name, c+1, n+4, row[c]))
			}
			got.rows = append(got.rows, line)
		}
		book[name] = got
	}
	return book
}

func bookCell(t *testing.T, f *excelize.File, sheet string, column, row int, want any) string {
	t.Helper()
	at, err := excelize.CoordinatesToCellName(column, row)
	require.NoError(t, err)
	text, err := f.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
	require.NoError(t, err)
	formula, err := f.GetCellFormula(sheet, at)
	require.NoError(t, err)
	require.Empty(t, formula, "%s %s", sheet, at)
	kind, err := f.GetCellType(sheet, at)
	require.NoError(t, err)
	days := func() time.Duration { return time.Duration(math.Round(number(t, text, at) * 24 * float64(time.Hour))) }
	switch want.(type) {
	case string:
		require.Equal(t, excelize.CellTypeSharedString, kind, "%s %s: a text is a text", sheet, at)
	case int64, table.Rate:
		require.Contains(t, []excelize.CellType{excelize.CellTypeUnset, excelize.CellTypeNumber}, kind, "%s %s: a number is a number", sheet, at)
	case table.Span:
		return strconv.FormatFloat(days().Seconds(), 'f', -1, 64)
	case compliance.Instant:
		return time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).Add(days()).Round(time.Microsecond).Format(time.RFC3339Nano)
	}
	return text
}

// readHTML reads the tables of the page; what people read must agree with what stands
// beside it for programs.
func readHTML(t *testing.T, r *report.Report) map[string]cells {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteHTML(&out))
	root, err := html.Parse(&out)
	require.NoError(t, err)
	got := map[string]cells{}
	for _, of := range elements(root, "table") {
		name := attribute(of, "data-table")
		if name == "" {
			continue
		}
		var read cells
		for _, body := range elements(of, "tbody") {
			for _, tr := range elements(body, "tr") {
				var line []string
				for _, td := range elements(tr, "td") {
					line = append(line, htmlCell(t, td))
				}
				read.rows = append(read.rows, line)
			}
		}
		require.NotContains(t, got, name, "a table stands there once")
		got[name] = read
	}
	return got
}

func htmlCell(t *testing.T, td *html.Node) string {
	t.Helper()
	shown := text(td)
	if data := elements(td, "data"); len(data) > 0 {
		value := attribute(data[0], "value")
		if percent, ok := strings.CutSuffix(shown, " %"); ok {
			require.InDelta(t, 100*number(t, value, shown), number(t, percent, shown), 0.5001e-2)
		} else {
			require.InDelta(t, number(t, value, shown), span(t, shown, shown), 0.51)
		}
		return value
	}
	if moment := elements(td, "time"); len(moment) > 0 {
		value := attribute(moment[0], "datetime")
		require.Equal(t, asktest.At(value).Time().Format(time.DateTime), shown)
		return value
	}
	return shown
}

// tellsControls holds the page's text on each control to the control.
func tellsControls(t *testing.T, r *report.Report) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteHTML(&out))
	root, err := html.Parse(&out)
	require.NoError(t, err)
	told := map[string]map[string]string{}
	for _, tr := range elements(root, "tr") {
		if id := attribute(tr, "data-control"); id != "" {
			told[id] = map[string]string{}
			terms, values := elements(tr, "dt"), elements(tr, "dd")
			for i := range terms {
				told[id][text(terms[i])] = text(values[i])
			}
		}
	}
	require.Len(t, told, len(r.Controls))
	for i := range r.Controls {
		c := &r.Controls[i]
		for name, n := range map[string]int64{
			"Population, N": c.Counts.Items, "Tested": c.Counts.Tested, "Deviations, gross": c.Counts.Gross,
			"of these waived": c.Counts.Waived, "remediated since": c.Counts.Remediated, "Not applicable": c.Counts.NotApplicable, "Not known": c.Unknown(),
		} {
			got := told[c.ID][name]
			if got == "" {
				got = "0"
			}
			require.Equal(t, strconv.FormatInt(n, 10), got, "%s: %s", c.ID, name)
		}
	}
}

func elements(root *html.Node, name string) (found []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// The same report gives the same bytes, in the forms that are signed or kept.
func TestFormsAreDeterministic(t *testing.T) {
	r := rich(t)
	for name, write := range map[string]func(io.Writer) error{"html": r.WriteHTML, "xlsx": r.WriteXLSX, "json": r.WriteJSON} {
		var first, second bytes.Buffer
		require.NoError(t, write(&first))
		require.NoError(t, write(&second))
		require.Equal(t, first.Bytes(), second.Bytes(), name)
	}
}
