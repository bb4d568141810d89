package reconcile

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Row is one of an export.
type Row struct {
	Line int    `json:"line"`
	Key  string `json:"key"`
	// At is the item's time; zero if the mapping names no column for it.
	At compliance.Instant `json:"at,omitzero"`
}

// Export is a list that somebody else kept, as far as it is compared.
type Export struct {
	Rows []Row
	// Read counts all rows, Filtered those that the mapping's where leaves out.
	Read, Filtered int
}

// mostFaults is how many wrong lines are told at once.
const mostFaults = 10

// ReadExport reads CSV with a line of names at its top. Wrong lines are told together; none
// is left out in silence.
func ReadExport(in io.Reader, m *Mapping) (*Export, error) {
	r := csv.NewReader(withoutMark(in))
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, compliance.Errorf(compliance.Invalid, "the export is empty; its first line names the columns")
	}
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "reading the export: %w", err)
	}
	at, err := m.columns(head)
	if err != nil {
		return nil, err
	}
	e := &Export{}
	var faults []error
	for len(faults) < mostFaults {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			line, _ := r.FieldPos(0)
			err = e.add(m, at, fields, line)
		}
		if err != nil {
			faults = append(faults, err)
		}
		if _, broken := errors.AsType[*csv.ParseError](err); broken && !errors.Is(err, csv.ErrFieldCount) {
			break // where the next line begins nobody knows
		}
	}
	if len(faults) > 0 {
		return nil, compliance.Errorf(compliance.Invalid, "reading the export: %w", errors.Join(faults...))
	}
	return e, nil
}

// withoutMark drops the mark that spreadsheets put in front of UTF-8.
func withoutMark(in io.Reader) io.Reader {
	const mark = "\ufeff"
	b := bufio.NewReader(in)
	if start, _ := b.Peek(len(mark)); string(start) == mark {
		_, _ = b.Discard(len(mark))
	}
	return b
}

func (e *Export) add(m *Mapping, at map[string]int, fields []string, line int) error {
	e.Read++
	for name, want := range m.Where {
		if fields[at[name]] != want {
			e.Filtered++
			return nil
		}
	}
	row := Row{Line: line}
	parts := make([]string, len(m.Key))
	for i, name := range m.Key {
		if parts[i] = strings.TrimSpace(fields[at[name]]); parts[i] == "" {
			return compliance.Errorf(compliance.Invalid, "line %d: %s is empty", line, name)
		}
	}
	row.Key = strings.Join(parts, m.Join)
	if m.Time != "" {
		var err error
		if row.At, err = m.at(strings.TrimSpace(fields[at[m.Time]])); err != nil {
			return compliance.Errorf(compliance.Invalid, "line %d: %s: %w", line, m.Time, err)
		}
	}
	e.Rows = append(e.Rows, row)
	return nil
}
