// Package ask asks ClickHouse. Each question is one SQL file in sql/, named for it, and the
// packages below this one answer from these files: explain, certificate, coverage, sample,
// drifts, flows and sources one question each, listing what is on record. Commands, API
// and pages call the same functions, so they give the same numbers.
//
// It guarantees:
//   - A question is fenced to one tenant; sql/topics/ has those that speak of the log alone.
//   - Every answer says how it came about (Made): the file, its hash, what was bound, and
//     how many rows there were.
//   - What is asked as of a time is answered from what was known then, by the same file; a
//     question that can't be is refused.
package ask

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// questions holds the SQL: one file a question, named for it.
//
//go:embed sql/*.sql
var questions embed.FS

// question is one SQL file, fenced to a tenant.
type question struct {
	name, sha256 string
	query        clickhouse.Query
}

// newQuestion reads a file; then has it answer for a time in the past.
func newQuestion(name string, then bool) (question, error) {
	raw, err := questions.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return question{}, fmt.Errorf("reading the question %s: %w", name, err)
	}
	text := strings.TrimSpace(string(raw))
	if then {
		if text, err = asOf(text); err != nil {
			return question{}, fmt.Errorf("the question %s: %w", name, err)
		}
	}
	query, err := clickhouse.NewQuery(text)
	if err != nil {
		return question{}, fmt.Errorf("reading the question %s: %w", name, err)
	}
	return question{name: name, sha256: hashOf(raw), query: query}, nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Inquiry asks several questions for one tenant, and keeps in Made how each was asked.
type Inquiry struct {
	Conn   clickhouse.Conn
	Tenant string
	// At is the time that the answers bear.
	At compliance.Instant
	// AsOf is the time that answers are as of; 0 says now.
	AsOf compliance.Instant
	Made []Made
}

// Rows reads the whole answer of a question. The parameters are told in the report as
// they are given, times as instants.
func Rows[Row any](ctx context.Context, a *Inquiry, name string, params ...clickhouse.Param) ([]Row, error) {
	q, err := newQuestion(name, a.AsOf != 0)
	if err != nil {
		return nil, err
	}
	if a.AsOf != 0 {
		params = append(slices.Clone(params), clickhouse.Named("as_of", a.AsOf))
	}
	told := []Parameter{{"tenant", a.Tenant}}
	bound := make([]clickhouse.Param, len(params))
	for i, p := range params {
		told = append(told, Parameter{p.Name, fmt.Sprint(p.Value)})
		bound[i] = p
		if instant, ok := p.Value.(compliance.Instant); ok {
			bound[i].Value = int64(instant)
		}
	}
	var rows []Row
	if err := q.query.Select(ctx, a.Conn, &rows, a.Tenant, bound...); err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking ClickHouse for %s: %w", name, err)
	}
	a.Made = append(a.Made, Made{Query: q.name, SHA256: q.sha256, Parameters: told, At: a.At, Rows: len(rows)})
	return rows, nil
}

// atOnce is how many questions are asked at a time.
const atOnce = 4

// Together runs tasks, some at a time, each with an inquiry of its own. What they asked is
// told in the order of the tasks, whichever was answered first.
func (a *Inquiry) Together(ctx context.Context, tasks ...func(context.Context, *Inquiry) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	own := make([]Inquiry, len(tasks))
	for i, task := range tasks {
		own[i] = Inquiry{Conn: a.Conn, Tenant: a.Tenant, At: a.At, AsOf: a.AsOf}
		group.Go(func() error { return task(ctx, &own[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range own {
		a.Made = append(a.Made, own[i].Made...)
	}
	return nil
}

// Window are the two parameters of a question about a period.
func Window(from, to compliance.Instant) []clickhouse.Param {
	return []clickhouse.Param{clickhouse.Named("from", from), clickhouse.Named("to", to)}
}

// Instant reads a column: its ends as Ever and Never, and 1970-01-01, which says
// none, as 0. It is the inverse of what the recorder writes.
func Instant(t time.Time) compliance.Instant {
	switch {
	case t.Year() <= 1900:
		return compliance.Ever
	case t.Year() > 2261 || t.Year() == 2261 && t.Month() == time.December && t.Day() == 31:
		return compliance.Never
	}
	return compliance.InstantOf(t)
}
