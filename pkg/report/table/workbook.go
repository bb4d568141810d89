package table

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"assay.example/assay/pkg/compliance"
)

// The rows of a sheet: its title, how it was made, the heads, and then the table.
const (
	titleRow = 1
	madeRow  = 2
	headRow  = 3
)

// mostText is how many characters a cell of a workbook can hold.
const mostText = 32_000

// WriteWorkbook writes a sheet a table, in their order: heads that stay in sight, cells
// with types, and no formula anywhere.
func WriteWorkbook(out io.Writer, tables []*Table) (err error) {
	f := excelize.NewFile()
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}()
	b := &workbook{f: f}
	if err := b.styled(); err != nil {
		return fmt.Errorf("making the styles of a workbook: %w", err)
	}
	for i, t := range tables {
		if err := b.sheet(i, t); err != nil {
			return fmt.Errorf("making the sheet %s: %w", t.Name, err)
		}
	}
	if err := f.Write(out); err != nil {
		return fmt.Errorf("writing a workbook: %w", err)
	}
	return nil
}

type workbook struct {
	f                 *excelize.File
	title, made, head int
	kinds             map[Kind]int
}

// styled makes the styles. Dates and rates are shown as such and stay numbers.
func (b *workbook) styled() (err error) {
	add := func(s *excelize.Style) (id int) {
		if err == nil {
			id, err = b.f.NewStyle(s)
		}
		return id
	}
	top := &excelize.Alignment{Vertical: "top", WrapText: true}
	shown := func(format string) int {
		return add(&excelize.Style{CustomNumFmt: &format, Alignment: &excelize.Alignment{Vertical: "top"}})
	}
	b.title = add(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 14}})
	b.made = add(&excelize.Style{Font: &excelize.Font{Italic: true, Size: 9, Color: "555555"}})
	b.head = add(&excelize.Style{
		Font: &excelize.Font{Bold: true}, Alignment: top,
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8ECF1"}}, Border: []excelize.Border{{Type: "bottom", Color: "16202C", Style: 1}},
	})
	text := "@" // so that a text stays one when somebody edits it
	words := add(&excelize.Style{Alignment: top, CustomNumFmt: &text})
	b.kinds = map[Kind]int{
		Text: words, Code: words, Word: words, Address: words,
		Count: shown("#,##0"), Share: shown("0.00%"), Moment: shown("yyyy-mm-dd hh:mm:ss"), Length: shown("[h]:mm:ss"),
	}
	return err
}

func (b *workbook) sheet(i int, t *Table) error {
	name := sheetName(t.Name)
	var err error
	if i == 0 {
		err = b.f.SetSheetName("Sheet1", name)
	} else {
		_, err = b.f.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if err := b.frame(name, t); err != nil {
		return err
	}
	for r, row := range t.Rows {
		for n, cell := range row {
			if err := b.put(name, n+1, headRow+1+r, t.Columns[n].Kind, cell); err != nil {
				return err
			}
		}
	}
	return nil
}

// frame writes what is around the rows.
func (b *workbook) frame(name string, t *Table) error {
	if err := b.text(name, 1, titleRow, b.title, t.Title); err != nil {
		return err
	}
	if err := b.text(name, 1, madeRow, b.made, t.Origin.Text); err != nil {
		return err
	}
	for n, c := range t.Columns {
		if err := b.text(name, n+1, headRow, b.head, c.Head); err != nil {
			return err
		}
		letter, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return err
		}
		if err := b.f.SetColWidth(name, letter, letter, t.width(n)); err != nil {
			return err
		}
	}
	last, err := excelize.CoordinatesToCellName(len(t.Columns), headRow+len(t.Rows))
	if err != nil {
		return err
	}
	if err := b.f.AutoFilter(name, fmt.Sprintf("A%d:%s", headRow, last), nil); err != nil {
		return err
	}
	return b.f.SetPanes(name, &excelize.Panes{
		Freeze: true, XSplit: 1, YSplit: headRow, TopLeftCell: fmt.Sprintf("B%d", headRow+1), ActivePane: "bottomRight",
	})
}

// width is about what the cells of a column need.
func (t *Table) width(n int) float64 {
	most := utf8.RuneCountInString(t.Columns[n].Head) + 4 // the filter's button
	for _, row := range t.Rows {
		most = max(most, utf8.RuneCountInString(Shown(t.Columns[n].Kind, row[n]))+1)
	}
	return float64(min(most, 60))
}

func (b *workbook) text(sheet string, column, row, style int, text string) error {
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	if err := b.f.SetCellStyle(sheet, at, at, style); err != nil {
		return err
	}
	return b.f.SetCellStr(sheet, at, fit(text))
}

// put writes one cell. A text is a text, whatever it begins with.
func (b *workbook) put(sheet string, column, row int, kind Kind, cell any) error {
	if text, ok := cell.(string); ok {
		return b.text(sheet, column, row, b.kinds[kind], text)
	}
	at, err := excelize.CoordinatesToCellName(column, row)
	if err != nil {
		return err
	}
	if err := b.f.SetCellStyle(sheet, at, at, b.kinds[kind]); err != nil {
		return err
	}
	switch v := cell.(type) {
	case nil:
		return nil
	case int64:
		return b.f.SetCellInt(sheet, at, v)
	case Rate:
		return b.f.SetCellFloat(sheet, at, float64(v), -1, 64)
	case Span:
		return b.f.SetCellFloat(sheet, at, v.Seconds()/(24*time.Hour).Seconds(), -1, 64)
	case compliance.Instant:
		if day, ok := serial(v); ok {
			return b.f.SetCellFloat(sheet, at, day, -1, 64)
		}
	}
	return b.f.SetCellStr(sheet, at, Plain(cell))
}

// serial is a moment as workbooks count days. They know none before 1900-03-01 that all
// programs agree on, and none after 9999.
func serial(i compliance.Instant) (float64, bool) {
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	t := i.Time()
	if t.Year() < 1901 || t.Year() > 9998 {
		return 0, false
	}
	return float64(t.Unix()-epoch.Unix())/86400 + float64(t.Nanosecond())/86400e9, true
}

// fit is what a cell can hold of a text.
func fit(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if r := []rune(clean); len(r) > mostText {
		return string(r[:mostText]) + " … (cut)"
	}
	return clean
}

// sheetName is a name that every program accepts.
func sheetName(name string) string {
	const most = 31
	r := []rune(name)
	return string(r[:min(len(r), most)])
}
