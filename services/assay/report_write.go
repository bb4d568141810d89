package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// write writes the report as the flags say.
func (o *reportOptions) write(r *report.Report) error {
	switch {
	case o.save == "":
		return o.writeTo(o.writer(), r)
	case o.format.is == "csv" && o.table == "":
		return saveTables(o.save, r)
	}
	return save(o.save, func(out io.Writer) error { return o.writeTo(output.Writer{Out: out}, r) })
}

func (o *reportOptions) writeTo(w output.Writer, r *report.Report) error {
	if o.table != "" {
		t, err := r.Table(o.table)
		if err != nil {
			return err
		}
		if o.format.is == "csv" {
			return t.WriteCSV(w)
		}
		return t.WriteText(w)
	}
	switch o.format.is {
	case "json":
		return r.WriteJSON(w.Out)
	case "csv":
		return r.WriteCSV(w)
	case "html":
		return r.WriteHTML(w.Out)
	case "xlsx":
		return r.WriteXLSX(w.Out)
	}
	return r.WriteTable(w)
}

// saveTables writes a file a table into a folder, which it makes.
func saveTables(folder string, r *report.Report) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return compliance.Errorf(compliance.Invalid, "making the folder of the tables: %w", err)
	}
	for _, t := range r.Tables() {
		err := save(filepath.Join(folder, t.Name+".csv"), func(out io.Writer) error { return t.WriteCSV(output.Writer{Out: out}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// save writes a file. One that can't be written whole is an error, also where that shows
// when it is closed only.
func save(file string, write func(io.Writer) error) (err error) {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "saving the report: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return write(out)
}
