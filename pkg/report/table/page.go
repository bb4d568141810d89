package table

import (
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// WriteHTML writes the table as an element. Rates, spans and
// moments carry their whole value beside what people read. A column of addresses is no
// column: another one leads there.
func (t *Table) WriteHTML(out io.Writer) error {
	t = t.ForPeople()
	var b strings.Builder
	b.WriteString(`<div class="scroll" role="region" aria-label="Table: ` + html.EscapeString(strings.ReplaceAll(t.Name, "_", " ")) +
		`" tabindex="0"><table data-table="` + html.EscapeString(t.Name) + `"><thead><tr>`)
	for _, c := range t.Columns {
		if c.Kind != Address {
			b.WriteString(`<th scope="col"` + c.class() + `>` + html.EscapeString(c.Head) + `</th>`)
		}
	}
	b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range t.Rows {
		b.WriteString("<tr>")
		for i, c := range t.Columns {
			if c.Kind != Address {
				b.WriteString("<td" + c.classOf(row[i]) + ">" + t.linked(row, i) + "</td>")
			}
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</tbody></table></div>\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func (c Column) class() string {
	switch {
	case c.Numeric():
		return ` class="n"`
	case c.Kind == Moment:
		return ` class="t"`
	}
	return ""
}

// classOf is that of a cell: nothing is told apart from something.
func (c Column) classOf(cell any) string {
	if cell == int64(0) || cell == Rate(0) {
		return ` class="n zero"`
	}
	return c.class()
}

// linked is a cell, within a link if a column of addresses is this one's.
func (t *Table) linked(row []any, i int) string {
	shown := element(t.Columns[i].Kind, row[i])
	at := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Kind == Address && c.From == t.Columns[i].Name })
	if at < 0 {
		return shown
	}
	address, _ := row[at].(string)
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") && !isPath(address) {
		return shown
	}
	return `<a href="` + html.EscapeString(address) + `">` + shown + "</a>"
}

// isPath says that an address is a path on the same host.
func isPath(address string) bool {
	return strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") && !strings.Contains(address, `\`)
}

// element is a cell in a page.
func element(kind Kind, cell any) string {
	shown := html.EscapeString(Shown(kind, cell))
	switch v := cell.(type) {
	case Rate:
		return `<data value="` + Plain(v) + `">` + shown + "</data>"
	case Span:
		return `<data value="` + seconds(v) + `">` + shown + "</data>"
	case compliance.Instant:
		return `<time datetime="` + Plain(v) + `">` + moment(v) + "</time>"
	case string:
		switch {
		case v == "":
			return ""
		case kind == Code:
			return "<code>" + shown + "</code>"
		case kind == Word:
			return `<span class="word ` + html.EscapeString(strings.ReplaceAll(v, " ", "_")) + `">` + strings.ReplaceAll(shown, "_", " ") + "</span>"
		}
	}
	return shown
}

// moment is an instant to the second, UTC.
func moment(i compliance.Instant) string {
	if i == compliance.Ever || i == compliance.Never {
		return i.String()
	}
	return i.Time().Format(time.DateTime)
}
