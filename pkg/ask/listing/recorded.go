package listing

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// Recorded reads events back as controls see them, in the order of (time, source, id).
type Recorded struct {
	Types  *dictionary.Dictionary
	Tenant string
	// Unreadable counts those that their type's schema refuses: they were no events.
	Unreadable int
}

// FromClickHouse visits a tenant's events of some types below the watermark w. It
// holds one at a time, and ends with the first error of visit.
func (r *Recorded) FromClickHouse(ctx context.Context, conn clickhouse.Conn, types []string, w compliance.Instant, visit func(*compliance.Event) error) (err error) {
	text, err := ask.SQL("recorded")
	if err != nil {
		return err
	}
	q, err := clickhouse.NewQuery(text)
	if err != nil {
		return fmt.Errorf("reading the question recorded: %w", err)
	}
	exact, prefixes := ask.Patterns(types)
	rows, err := q.Rows(ctx, conn, r.Tenant, clickhouse.Named("types", exact), clickhouse.Named("prefixes", prefixes), clickhouse.Named("to", int64(w)))
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "asking ClickHouse for events: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row EventRow
		if err := rows.ScanStruct(&row); err != nil {
			return fmt.Errorf("reading an event: %w", err)
		}
		if err := r.visit(&row, visit); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return compliance.Errorf(compliance.Unavailable, "reading events from ClickHouse: %w", err)
	}
	return nil
}

func (r *Recorded) visit(row *EventRow, visit func(*compliance.Event) error) error {
	ev, ok := row.Decode(r.Types, r.Tenant)
	switch {
	case ok:
		return visit(ev)
	case ev != nil:
		r.Unreadable++
	}
	return nil
}

// FromLines visits the events of some types in what `assay query events -o jsonl`
// writes. Lines must be in the order of time, as that writes them.
func (r *Recorded) FromLines(in io.Reader, name string, types []string, visit func(*compliance.Event) error) error {
	last := compliance.Ever
	return eachLine(in, name, func(number int, e *Event) error {
		if e.Time < last {
			return compliance.Errorf(compliance.Invalid, "%s:%d: this event happened at %s, before the one above it; put the lines in the order of time", name, number, e.Time)
		}
		last = e.Time
		if !control.MatchesAny(types, e.Type) {
			return nil
		}
		return r.visit(e.row(), visit)
	})
}

// EndOfLines is just after the last event of such a file.
func EndOfLines(in io.Reader, name string) (compliance.Instant, error) {
	end := compliance.Ever
	err := eachLine(in, name, func(_ int, e *Event) error {
		end = max(end, e.Time+1)
		return nil
	})
	if end == compliance.Ever && err == nil {
		err = compliance.Errorf(compliance.Invalid, "%s has no events", name)
	}
	return end, err
}

// longestLine is more than the largest event that the doors take.
const longestLine = 64 << 20

func eachLine(in io.Reader, name string, visit func(number int, e *Event) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), longestLine)
	for number := 1; lines.Scan(); number++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return compliance.Errorf(compliance.Invalid, "%s:%d: this is no event as `assay query events -o jsonl` writes it: %v", name, number, err)
		}
		if e.Type == "" || e.Source == "" || e.ID == "" || len(e.SHA256) != 64 {
			return compliance.Errorf(compliance.Invalid, "%s:%d: an event needs time, type, source, id, sha256 and data, as `assay query events -o jsonl` writes them", name, number)
		}
		if err := visit(number, &e); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return compliance.Errorf(compliance.Invalid, "reading %s: %w", name, err)
	}
	return nil
}
