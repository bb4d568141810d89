package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the page
	"encoding/base64"
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/figure"
)

//go:embed report.html.tmpl
var page string

//go:embed report.css
var style string

// WriteHTML writes the report as one page that stands alone: no script, nothing
// from elsewhere, to be read in ten years or printed on A4.
func (r *Report) WriteHTML(out io.Writer) error { return r.write(out, "report") }

// WriteFragment writes what WriteHTML has inside <main>, for a page that has its own
// style.
func (r *Report) WriteFragment(out io.Writer) error { return r.write(out, "inside") }

func (r *Report) write(out io.Writer, name string) error {
	parsed, err := template.New("report").Funcs(template.FuncMap{
		"percent": output.Percent, "moment": output.Moment, "words": words, "sentence": sentence, "marked": marked, "exhibit": r.exhibit, "date": date,
	}).Parse(page)
	if err != nil {
		return fmt.Errorf("reading the report's page: %w", err)
	}
	return parsed.ExecuteTemplate(out, name, r.view())
}

// view is what the page shows beside the report's own fields.
type view struct {
	*Report

	Style  template.CSS
	Policy string
	// Criteria are those that controls are mapped to, in their order.
	Criteria  []criterionView
	Totals    Counts
	Results   []resultCount
	Uncovered int
	Figures   struct{ Matrix, Days, Weeks, Remedies template.HTML }
}

// criterionView is a criterion with its controls.
type criterionView struct {
	ID, About string
	Controls  []criterionControl
}

// criterionControl is a control under a criterion. In full it stands under the first one
// only; Before names that.
type criterionControl struct {
	*Control

	Before string
}

// resultCount is how many controls have a result.
type resultCount struct {
	Result   compliance.Result
	Controls int
}

func (r *Report) view() *view {
	sum := sha256.Sum256([]byte(style))
	v := &view{
		Report: r, Style: template.CSS(style), //nolint:gosec // G203: a file of this package
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'",
	}
	v.Criteria = r.criterionViews()
	results := map[compliance.Result]int{}
	for i := range r.Controls {
		c := &r.Controls[i]
		v.Totals.Plus(&c.Counts)
		results[c.Result]++
		if !c.Coverage.Covered {
			v.Uncovered++
		}
	}
	v.Totals.finish()
	for _, result := range allResults {
		if n := results[result]; n > 0 {
			v.Results = append(v.Results, resultCount{result, n})
		}
	}
	r.draw(v)
	return v
}

// allResults are in the order in which a summary counts them.
var allResults = []compliance.Result{
	compliance.OperatedWithDeviations, compliance.NotEvaluable, compliance.OperatedWithoutDeviation, compliance.OperatedOutsidePeriod, compliance.DidNotOccur,
}

// Plus adds other items, such as those of another control. What follows from the counts is
// left as it is.
func (c *Counts) Plus(o *Counts) {
	c.Pass += o.Pass
	c.Deviation += o.Deviation
	c.Waived += o.Waived
	c.Inconclusive += o.Inconclusive
	c.NotApplicable += o.NotApplicable
	c.Pending += o.Pending
	c.Withdrawn += o.Withdrawn
	c.Remediated += o.Remediated
}

// Unknown are the items of which the outcome isn't known.
func (c *Counts) Unknown() int64 { return c.Inconclusive + c.Pending }

func (r *Report) criterionViews() (views []criterionView) {
	first := map[string]string{}
	for _, l := range r.byCriterion() {
		if n := len(views); n == 0 || views[n-1].ID != l.id {
			views = append(views, criterionView{ID: l.id, About: l.about})
		}
		of := &views[len(views)-1]
		of.Controls = append(of.Controls, criterionControl{l.control, first[l.control.ID]})
		if l.first {
			first[l.control.ID] = l.id
		}
	}
	return views
}

// exhibit is one of the tables, with a title.
func (r *Report) exhibit(name string) (template.HTML, error) {
	t, err := r.Table(name)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "<section class=\"exhibit\"><h3>%s</h3>\n<p class=\"dim\">%s</p>\n", html.EscapeString(t.Title), html.EscapeString(t.About))
	switch {
	case len(t.Rows) == 0 && name == "complementary":
		b.WriteString("<p>None declared.</p>\n")
	case len(t.Rows) == 0:
		b.WriteString("<p>None on record.</p>\n")
	case t.Long:
		fmt.Fprintf(&b, "<details><summary>%d rows</summary>\n", len(t.Rows))
		err = t.WriteHTML(&b)
		b.WriteString("</details>\n")
	default:
		err = t.WriteHTML(&b)
	}
	fmt.Fprintf(&b, "<p class=\"made\">%s</p>\n</section>\n", html.EscapeString(t.Origin.Text))
	return template.HTML(b.String()), err //nolint:gosec // G203: escaped above, and by WriteHTML
}

// draw makes the pictures.
func (r *Report) draw(v *view) {
	from, to := r.Period.From.Time(), r.Period.To.Time()
	picture := func(s figure.SVG) template.HTML { return template.HTML(s) } //nolint:gosec // G203: package figure escapes
	rows, days := r.figureDays()
	v.Figures.Matrix = picture(figure.Matrix("matrix", from, to, rows))
	v.Figures.Days = picture(figure.Days("days", from, to, days))
	if lines := r.figureWeeks(); len(lines) > 0 {
		v.Figures.Weeks = picture(figure.Weeks("weeks", from, to, lines))
	}
	if remedies := r.figureRemedies(); len(remedies) > 0 {
		v.Figures.Remedies = picture(figure.TimeToRemediate("remedies", remedies))
	}
}

// figureDays are the days of each control, and those of all together.
func (r *Report) figureDays() (rows []figure.Row, all []figure.Day) {
	sums, order := map[compliance.Instant]*figure.Day{}, []compliance.Instant{}
	rows = make([]figure.Row, len(r.Controls))
	for i := range r.Controls {
		rows[i].Name = r.Controls[i].ID
		for _, p := range r.Rates.Days {
			if p.Control != rows[i].Name {
				continue
			}
			d := figure.Day{Date: p.Start.Time(), Pass: p.Pass, Deviation: p.Deviation, Waived: p.Waived, Unknown: p.Unknown()}
			rows[i].Days = append(rows[i].Days, d)
			sum := sums[p.Start]
			if sum == nil {
				sum = &figure.Day{Date: d.Date}
				sums[p.Start], order = sum, append(order, p.Start)
			}
			sum.Pass, sum.Deviation = sum.Pass+d.Pass, sum.Deviation+d.Deviation
			sum.Waived, sum.Unknown = sum.Waived+d.Waived, sum.Unknown+d.Unknown
		}
	}
	for _, start := range order { // places on a line of time need no order
		all = append(all, *sums[start])
	}
	return rows, all
}

// figureWeeks are the weeks of the controls that aren't all pass.
func (r *Report) figureWeeks() (lines []figure.Line) {
	for i := range r.Controls {
		c := &r.Controls[i]
		if c.Counts.Gross+c.Unknown() == 0 {
			continue
		}
		line := figure.Line{Name: c.ID}
		for _, p := range r.Rates.Weeks {
			if p.Control == c.ID {
				line.Weeks = append(line.Weeks, figure.Week{Start: p.Start.Time(), Tested: p.Tested, Gross: p.Gross, Unknown: p.Unknown()})
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func (r *Report) figureRemedies() (rows []figure.Remedies) {
	for _, m := range r.Remediation {
		row := figure.Remedies{Name: m.Control, Open: m.Deviations - m.Remediated}
		for i := range r.Controls {
			if r.Controls[i].ID != m.Control {
				continue
			}
			for _, d := range r.Controls[i].Deviations {
				if took, ok := after(d.Item.Time, d.RemediatedAt); ok {
					row.Took = append(row.Took, time.Duration(took))
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// Unlisted counts the deviations beyond those listed.
func (c *Control) Unlisted() int64 { return max(0, c.Counts.Gross-int64(len(c.Deviations))) }

// Unknown are the items of which the outcome isn't known.
func (c *Control) Unknown() int64 { return c.Counts.Unknown() }

// words makes a code readable.
func words(code any) string { return strings.ReplaceAll(fmt.Sprint(code), "_", " ") }

// date is a moment to the day, UTC.
func date(i compliance.Instant) string { return i.Time().Format("2 January 2006") }

// marked shows what stands between backquotes as code.
func marked(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			part = "<code>" + html.EscapeString(part) + "</code>"
		} else {
			part = html.EscapeString(part)
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // G203: escaped above
}

// sentence begins a text with a capital and ends it with a point.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:] + "."
}
