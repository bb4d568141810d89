package report

import (
	_ "embed" // for the page
	"fmt"
	"html/template"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
)

//go:embed report.html.tmpl
var page string

// WriteHTML writes the report as one page that stands alone: no script, nothing
// from elsewhere, to be read in ten years or printed on A4.
func (r *Report) WriteHTML(out io.Writer) error { return r.write(out, "report") }

// WriteFragment writes what WriteHTML has inside <main>, for a page that has its own
// style.
func (r *Report) WriteFragment(out io.Writer) error { return r.write(out, "controls") }

func (r *Report) write(out io.Writer, name string) error {
	parsed, err := template.New("report").Funcs(template.FuncMap{
		"percent": percent, "moment": moment, "words": words, "sentence": sentence, "made": madeBy,
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("reading the report's page: %w", err)
	}
	return parsed.ExecuteTemplate(out, name, r)
}

// Unlisted counts the deviations beyond those listed.
func (c *Control) Unlisted() int64 { return max(0, c.Counts.Gross-int64(len(c.Deviations))) }

// Unknown are the items of which the outcome isn't known.
func (c *Control) Unknown() int64 { return c.Counts.Inconclusive + c.Counts.Pending }

// words makes a code readable.
func words(code any) string { return strings.ReplaceAll(fmt.Sprint(code), "_", " ") }

// sentence begins a text with a capital and ends it with a point.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}

// origin is what the line below a table says.
type origin struct {
	Report *Report
	At     compliance.Instant
	Made   []Made
	Rules  []string
}

// madeBy says how a table came about: counts, or a query by its name.
func madeBy(r *Report, table string, rules []string) origin {
	o := origin{Report: r, At: r.MadeAt, Rules: rules}
	for _, m := range r.Made {
		counted := strings.HasPrefix(m.Query, "counts_by_")
		if m.Query == table || counted && (table == "counts" || table == "reasons") || table == "counts" && m.Query == "rules" {
			o.Made = append(o.Made, m)
		}
	}
	return o
}
