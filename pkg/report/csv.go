package report

import (
	"io"

	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/table"
)

// WriteCSV writes the results: a row for each control. Each row also says how it was made,
// since rows are copied out of their file.
func (r *Report) WriteCSV(w output.Writer) error { return r.Tables()[0].WriteCSV(w) }

// WriteXLSX writes a workbook with a sheet a table.
func (r *Report) WriteXLSX(out io.Writer) error { return table.WriteWorkbook(out, r.Tables()) }

// RuleHashes are those that items were judged by, or the bundle's if none was.
func (c *Control) RuleHashes() []string {
	if len(c.Rules) == 0 {
		return []string{c.RuleHash}
	}
	var hashes []string
	for _, rule := range c.Rules {
		hashes = append(hashes, rule.RuleHash)
	}
	return hashes
}
