package report

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

// asker asks questions for one tenant.
type asker struct {
	conn   clickhouse.Conn
	tenant string
	at     compliance.Instant
	// then is the time that answers are as of; 0 says now.
	then compliance.Instant
	made []Made
}

// ask reads the whole answer of a question. The parameters are told in the report as
// they are given, times as instants.
func ask[Row any](ctx context.Context, a *asker, name string, params ...clickhouse.Param) ([]Row, error) {
	q, err := newQuestion(name, a.then != 0)
	if err != nil {
		return nil, err
	}
	if a.then != 0 {
		params = append(slices.Clone(params), clickhouse.Named("as_of", a.then))
	}
	told := []Parameter{{"tenant", a.tenant}}
	bound := make([]clickhouse.Param, len(params))
	for i, p := range params {
		told = append(told, Parameter{p.Name, fmt.Sprint(p.Value)})
		bound[i] = p
		if instant, ok := p.Value.(compliance.Instant); ok {
			bound[i].Value = int64(instant)
		}
	}
	var rows []Row
	if err := q.query.Select(ctx, a.conn, &rows, a.tenant, bound...); err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking ClickHouse for %s: %w", name, err)
	}
	a.made = append(a.made, Made{Query: q.name, SHA256: q.sha256, Parameters: told, At: a.at, Rows: len(rows)})
	return rows, nil
}

// atOnce is how many questions are asked at a time.
const atOnce = 4

// together runs tasks, some at a time, each with an asker of its own. What they asked is
// told in the order of the tasks, whichever was answered first.
func (a *asker) together(ctx context.Context, tasks ...func(context.Context, *asker) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	own := make([]asker, len(tasks))
	for i, task := range tasks {
		own[i] = asker{conn: a.conn, tenant: a.tenant, at: a.at, then: a.then}
		group.Go(func() error { return task(ctx, &own[i]) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i := range own {
		a.made = append(a.made, own[i].made...)
	}
	return nil
}

// window are the two parameters of a question about a period.
func window(from, to compliance.Instant) []clickhouse.Param {
	return []clickhouse.Param{clickhouse.Named("from", from), clickhouse.Named("to", to)}
}

// instant reads a column: its ends as Ever and Never, and 1970-01-01, which says
// none, as 0. It is the inverse of what the recorder writes.
func instant(t time.Time) compliance.Instant {
	switch {
	case t.Year() <= 1900:
		return compliance.Ever
	case t.Year() > 2261 || t.Year() == 2261 && t.Month() == time.December && t.Day() == 31:
		return compliance.Never
	}
	return compliance.InstantOf(t)
}
