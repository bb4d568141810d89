package ask

import (
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// Made says how a table of a report came about.
type Made struct {
	// Query names the SQL file (pkg/ask/sql), SHA256 is of its bytes.
	Query  string `json:"query"`
	SHA256 string `json:"sha256"`
	// Parameters are the values bound to it.
	Parameters []Parameter `json:"parameters"`
	// At is when the report was made, Rows how many rows the answer had.
	At   compliance.Instant `json:"at,omitzero"`
	Rows int                `json:"rows"`
}

// Parameter is one value that a question was asked with.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Bound are the values bound, in one line.
func (m Made) Bound() string {
	told := make([]string, len(m.Parameters))
	for i, p := range m.Parameters {
		told[i] = p.Name + "=" + p.Value
	}
	return strings.Join(told, " ")
}

// MadeColumns say how the tables of an answer came about.
func MadeColumns() []output.Column[Made] {
	const enough = 16
	return []output.Column[Made]{
		{Head: "QUERY", Cell: func(m Made) string { return m.Query }},
		{Head: "SHA-256", Cell: func(m Made) string { return m.SHA256[:enough] }},
		{Head: "ROWS", Cell: func(m Made) string { return strconv.Itoa(m.Rows) }},
		{Head: "PARAMETERS", Cell: func(m Made) string { return m.Bound() }},
	}
}
