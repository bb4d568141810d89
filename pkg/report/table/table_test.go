package table_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/table"
)

type row struct {
	text, link string
	n          int64
	rate       table.Rate
	span       table.Span
	at         compliance.Instant
}

func of(rows ...row) *table.Table {
	kinds := []table.Field[row]{
		{Column: table.Column{Name: "text", Head: "Text"}, Of: func(r *row) any { return r.text }},
		{Column: table.Column{Name: "n", Head: "N", Kind: table.Count}, Of: func(r *row) any { return r.n }},
		{Column: table.Column{Name: "rate", Head: "Rate", Kind: table.Share}, Of: func(r *row) any { return r.rate }},
		{Column: table.Column{Name: "span", Head: "Span", Kind: table.Length}, Of: func(r *row) any { return r.span }},
		{Column: table.Column{Name: "at", Head: "At", Kind: table.Moment}, Of: func(r *row) any { return table.When(r.at) }},
		{Column: table.Column{Name: "link", Head: "Link", Kind: table.Address, From: "text"}, Of: func(r *row) any { return r.link }},
	}
	return table.Of("things", "Things", "", rows, kinds...).Made(table.Origin{Text: "Made.", Facts: [][2]string{{"tenant", "=t"}}})
}

// No text becomes a formula, an element or a terminal's command, in any form.
func TestTextsAreInert(t *testing.T) {
	for _, hostile := range []string{"=1+1", "+1+1", "-1+cmd", "@SUM(A1)", "\t=1", "<img src=x onerror=alert(1)>", `"><script>`, "\x1b[2J", "a\x00b", strings.Repeat("x", 40_000), "\xff\xfe"} {
		things := of(row{text: hostile, link: "javascript:alert(1)"})
		var book, page, terminal, csv bytes.Buffer
		require.NoError(t, table.WriteWorkbook(&book, []*table.Table{things}))
		f, err := excelize.OpenReader(&book)
		require.NoError(t, err)
		formula, err := f.GetCellFormula("things", "A4")
		require.NoError(t, err)
		require.Empty(t, formula, "%q", hostile)
		kind, err := f.GetCellType("things", "A4")
		require.NoError(t, err)
		require.Equal(t, excelize.CellTypeSharedString, kind, "%q", hostile)
		require.NoError(t, f.Close())
		require.NoError(t, things.WriteHTML(&page))
		for _, no := range []string{"<img", "<script", "javascript:", "href"} {
			require.NotContains(t, page.String(), no)
		}
		require.NoError(t, things.WriteText(output.Writer{Out: &terminal}))
		require.NotContains(t, terminal.String(), "\x1b")
		require.NoError(t, things.WriteCSV(output.Writer{Out: &csv}))
		require.NotRegexp(t, `(?m)(^|,)"?[=+@\t-]`, strings.SplitN(csv.String(), "\n", 2)[1])
	}
}

// Links lead to pages only, and to the host's own paths.
func TestLinks(t *testing.T) {
	for address, leads := range map[string]bool{
		"https://assay.example.com/items/a": true, "http://127.0.0.1:8080/items/a": true, "/items/a": true,
		"//evil.example": false, `/\evil.example`: false, "data:text/html,x": false, "": false,
	} {
		var page bytes.Buffer
		require.NoError(t, of(row{text: "a", link: address}).WriteHTML(&page))
		require.Equal(t, leads, strings.Contains(page.String(), `<a href="`), address)
		require.NotContains(t, page.String(), ">Link<", "an address is no column of a page")
	}
}

// Values have their types in a workbook, also those that it can't count.
func TestWorkbookTypes(t *testing.T) {
	at := compliance.InstantOf(time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC))
	var out bytes.Buffer
	require.NoError(t, table.WriteWorkbook(&out, []*table.Table{of(
		row{n: -7, rate: 0.125, span: table.Span(36 * time.Hour), at: at}, row{at: compliance.Never}, row{at: compliance.InstantOf(time.Date(1850, 1, 1, 0, 0, 0, 0, time.UTC))},
	)}))
	f, err := excelize.OpenReader(&out)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	raw := func(cell string) string {
		v, err := f.GetCellValue("things", cell, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
		return v
	}
	require.Equal(t, []string{"-7", "0.125", "1.5", "46204.5"}, []string{raw("B4"), raw("C4"), raw("D4"), raw("E4")})
	shown, err := f.GetCellValue("things", "E4")
	require.NoError(t, err)
	require.Equal(t, "2026-07-01 12:00:00", shown)
	shown, err = f.GetCellValue("things", "D4")
	require.NoError(t, err)
	require.Equal(t, "36:00:00", shown)
	require.Equal(t, compliance.Never.String(), raw("E5"), "no program counts so far")
	require.Equal(t, "1850-01-01T00:00:00Z", raw("E6"))
	require.Equal(t, "Things", raw("A1"))
	require.Equal(t, "Made.", raw("A2"))
}

func TestSpansForPeople(t *testing.T) {
	for span, want := range map[time.Duration]string{
		0: "0s", 1499 * time.Millisecond: "1s", time.Minute: "1m", 36 * time.Hour: "36h", 90 * time.Minute: "1h30m", time.Hour + 5*time.Second: "1h0m5s", -2 * time.Hour: "-2h",
	} {
		require.Equal(t, want, table.Shown(table.Length, table.Span(span)))
		back, err := time.ParseDuration(want)
		require.NoError(t, err)
		require.InDelta(t, span.Seconds(), back.Seconds(), 0.5)
	}
}
