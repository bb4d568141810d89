package page

import (
	"bytes"
	"html/template"
	"io"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// reportsBody chooses a period.
type reportsBody struct {
	Periods []periodRow
	Bound   bool
	Made    made
	// Examinations are the periods that people opened.
	Examinations []examinationRow
}

type periodRow struct {
	Label, From, To, Link string
	Items                 int64
}

func reportList(v *visit) (*sheet, error) {
	if asked := v.param("period"); asked != "" {
		return &sheet{Redirect: v.to(path("reports", asked))}, nil
	}
	b := &reportsBody{Bound: v.Bound()}
	opened, err := v.examinations()
	if err != nil {
		return nil, err
	}
	for _, p := range opened {
		b.Examinations = append(b.Examinations, v.examinationRow(p))
	}
	add := func(p ask.Period, items int64) {
		b.Periods = append(b.Periods, periodRow{p.Label, moment(p.From), moment(p.To), v.to(path("reports", p.Label)), items})
	}
	if v.Bound() {
		for _, p := range v.Periods {
			add(p, 0)
		}
		return &sheet{Template: "reports", Title: "Reports", Body: b}, nil
	}
	got, err := listing.Quarters(v.ctx(), v.asker)
	if err != nil {
		return nil, err
	}
	b.Made = v.made(got.Made)
	for _, q := range slices.Backward(got.Rows) {
		add(quarter(q.First), q.Items)
	}
	return &sheet{Template: "reports", Title: "Reports", Body: b}, nil
}

// reportBody is the report of a period.
type reportBody struct {
	Label             string
	Inside            template.HTML
	Files             []navItem
	Deviating         []string
	Unevaluable       []string
	Controls          int
	OverviewLink      string
	Again             []command
	DeviatingControls []navItem
}

// named is the period that the address names, if all of it may be seen.
func (v *visit) named() (ask.Period, error) {
	p, err := ask.ParsePeriod(v.request.PathValue("period"))
	if err != nil {
		return p, err
	}
	return p, v.Within(p)
}

// report is that of a period, as of the time that the address names, if it does. Its links
// begin with where the console is reached.
func (v *visit) report(p ask.Period, console string) (*report.Report, error) {
	asOf, err := ask.ParseAsOf(v.param("as_of"))
	if err != nil {
		return nil, err
	}
	return report.Make(v.ctx(), v.Conn, v.Bundle, report.Params{
		Tenant: v.Tenant, Period: p, MadeAt: v.now, AsOf: asOf, Program: v.Program, Arguments: v.Arguments,
		Complementary: v.others, Console: console,
	})
}

func reportPage(v *visit) (*sheet, error) {
	p, err := v.named()
	if err != nil {
		return nil, err
	}
	r, err := v.report(p, "/")
	if err != nil {
		return nil, err
	}
	var inside bytes.Buffer
	if err := r.WriteFragment(&inside); err != nil {
		return nil, err
	}
	asOf := v.param("as_of")
	at := func(file string) string { return v.to(path("reports", p.Label, file), "as_of", asOf) }
	b := &reportBody{
		Label: p.Label, Inside: template.HTML(inside.String()), //nolint:gosec // G203: WriteFragment is a template that escapes
		Controls: len(r.Controls),
		Files: []navItem{
			{Text: "HTML that stands alone and prints", Link: at("report.html")},
			{Text: "Excel, a sheet a table", Link: at("report.xlsx")},
			{Text: "CSV of the results", Link: at("report.csv")},
			{Text: "CSV of the deviations", Link: at("deviations.csv")},
			{Text: "JSON", Link: at("report.json")},
		},
		Deviating: r.Deviating(), Unevaluable: r.Unevaluable(), OverviewLink: v.to("/", "period", p.Label),
		Again: []command{
			{"With Assay", r.Command},
			{"From the API", v.curl(path("api", "v1", "periods", p.Label, "report"), "as_of", asOf)},
		},
	}
	for i := range r.Controls {
		c := &r.Controls[i]
		if c.Result == compliance.OperatedWithDeviations || c.Result == compliance.NotEvaluable {
			b.DeviatingControls = append(b.DeviatingControls, navItem{Text: c.ID + " " + words(c.Result), Link: "#" + c.ID})
		}
	}
	return &sheet{Template: "report", Title: "Report of " + p.Label, Body: b}, nil
}

// reportFile sends the report as a file to keep.
func reportFile(v *visit) (*sheet, error) {
	p, err := v.named()
	if err != nil {
		return nil, err
	}
	format, err := formatOf(v.request.PathValue("file"))
	if err != nil {
		return nil, err
	}
	r, err := v.report(p, v.base())
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := format.write(r, &content); err != nil {
		return nil, err
	}
	return &sheet{File: &file{"assay-" + p.Label + "-" + v.request.PathValue("file"), format.media, content.Bytes()}}, nil
}

// reportFormat is how a report is written as a file.
type reportFormat struct {
	media string
	write func(*report.Report, io.Writer) error
}

const csvMedia = "text/csv; charset=utf-8"

// formatOf is that of a file by its name: the report, or one of its tables as CSV.
func formatOf(name string) (reportFormat, error) {
	switch name {
	case "report.json":
		return reportFormat{"application/json", (*report.Report).WriteJSON}, nil
	case "report.html":
		return reportFormat{"text/html; charset=utf-8", (*report.Report).WriteHTML}, nil
	case "report.xlsx":
		return reportFormat{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (*report.Report).WriteXLSX}, nil
	case "report.csv":
		return reportFormat{csvMedia, func(r *report.Report, out io.Writer) error { return r.WriteCSV(output.Writer{Out: out}) }}, nil
	}
	table, ok := strings.CutSuffix(name, ".csv")
	if !ok || !slices.Contains(report.TableNames(), table) {
		return reportFormat{}, compliance.Errorf(compliance.NotFound, "A report comes as report.json, report.csv, report.html or report.xlsx, and each of its tables as CSV, such as deviations.csv.")
	}
	return reportFormat{csvMedia, func(r *report.Report, out io.Writer) error {
		t, err := r.Table(table)
		if err != nil {
			return err
		}
		return t.WriteCSV(output.Writer{Out: out})
	}}, nil
}
