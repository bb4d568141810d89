//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

const recordedWithin = 90 * time.Second

// awaitRecorder polls until the tables have as many rows as the topics have records.
func (f *fleet) awaitRecorder(events, revisions, violations int) {
	f.t.Helper()
	for table, want := range map[string]int{"events": events, "verdict_revisions": revisions, "violations FINAL": violations} {
		require.Eventually(f.t, func() bool { return f.count(table) >= want }, recordedWithin, 100*time.Millisecond,
			"%s has %d of %d rows", table, f.count(table), want)
	}
}

// count is of all rows of all tenants.
func (f *fleet) count(table string) int {
	var n uint64
	require.NoError(f.t, f.conn.QueryRow(f.t.Context(), "SELECT count() FROM "+table).Scan(&n))
	return int(n)
}

// checkTables holds ClickHouse against Kafka, row by row.
func (f *fleet) checkTables(events []said, histories map[itemKey][]stated) {
	f.t.Helper()
	f.checkEvents(events)
	f.checkRevisions(histories)
	f.checkVerdicts(histories)
	f.checkDays(histories)
	require.Zero(f.t, f.count("event_conflicts"))
	require.Zero(f.t, f.count("rejected FINAL"))
	require.Empty(f.t, f.readAll("rejected"))
	require.Empty(f.t, f.readAll("quarantine"))
}

// eventRow is a row of events, without what has nothing to compare with.
type eventRow struct {
	Topic     string `ch:"topic"`
	Partition int32  `ch:"partition"`
	Offset    int64  `ch:"offset"`
	Source    string `ch:"source"`
	ID        string `ch:"id"`
	Type      string `ch:"type"`
	Key       string `ch:"key"`
	Sequence  uint64 `ch:"sequence"`
	Micros    int64  `ch:"micros"`
	SHA256    string `ch:"sha256"`
}

// checkEvents: each record of the log is one row, and nothing else is.
func (f *fleet) checkEvents(events []said) {
	f.t.Helper()
	var rows []eventRow
	require.NoError(f.t, f.conn.Select(f.t.Context(), &rows, `SELECT topic, partition, offset, source, id, type, key, sequence,
		toUnixTimestamp64Micro(time) AS micros, lower(hex(sha256)) AS sha256 FROM events ORDER BY topic, partition, offset`))
	require.Len(f.t, rows, len(events), "rows of events against records of the log")
	want := make(map[string]eventRow, len(events))
	for _, ev := range events {
		want[fmt.Sprint(ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset)] = eventRow{
			ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset, ev.Source, ev.ID, ev.Type, string(ev.record.Key),
			ev.Sequence, int64(ev.Time), ev.Ref.SHA256.String(),
		}
	}
	for _, row := range rows {
		place := fmt.Sprint(row.Topic, row.Partition, row.Offset)
		require.Equal(f.t, want[place], row)
		delete(want, place) // a second row of this record finds nothing
	}
}

// checkRevisions: each committed revision is one row.
func (f *fleet) checkRevisions(histories map[itemKey][]stated) {
	f.t.Helper()
	var rows []struct {
		Control  string `ch:"control"`
		Item     string `ch:"item_id"`
		Revision uint32 `ch:"revision"`
	}
	require.NoError(f.t, f.conn.Select(f.t.Context(), &rows, "SELECT control, item_id, revision FROM verdict_revisions"))
	seen := make(map[string]bool, len(rows))
	for _, r := range rows {
		k := itemKey{record.DefaultTenant, r.Control, r.Item}
		name := fmt.Sprintf("%s#%d", k, r.Revision)
		require.False(f.t, seen[name], "%s is in verdict_revisions twice", name)
		require.LessOrEqual(f.t, int(r.Revision), len(histories[k]), "%s was never committed", name)
		seen[name] = true
	}
	total := 0
	for _, history := range histories {
		total += len(history)
	}
	require.Len(f.t, rows, total, "rows of verdict_revisions against committed revisions")
}

// verdictRow is a row of verdicts.
type verdictRow struct {
	Tenant     string    `ch:"tenant"`
	Control    string    `ch:"control"`
	Item       string    `ch:"item_id"`
	ItemTime   time.Time `ch:"item_time"`
	Revision   uint32    `ch:"revision"`
	Outcome    string    `ch:"outcome"`
	Reason     string    `ch:"reason"`
	RuleHash   string    `ch:"rule_hash"`
	Remediated time.Time `ch:"remediated_at"`
	Evidence   string    `ch:"evidence"`
	Partition  int32     `ch:"partition"`
	Offset     int64     `ch:"offset"`
}

// checkVerdicts: the table says of each item what its last revision says.
func (f *fleet) checkVerdicts(histories map[itemKey][]stated) {
	f.t.Helper()
	var rows []verdictRow
	require.NoError(f.t, f.conn.Select(f.t.Context(), &rows, `SELECT tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, remediated_at, evidence, partition, offset FROM verdicts FINAL`))
	require.Len(f.t, rows, len(histories), "rows of verdicts against items")
	for _, row := range rows {
		k := itemKey{row.Tenant, row.Control, row.Item}
		history, ok := histories[k]
		require.True(f.t, ok, "%s was never committed", k)
		rev := last(history)
		var evidence []compliance.Evidence
		require.NoError(f.t, json.Unmarshal([]byte(row.Evidence), &evidence))
		if len(evidence) == 0 {
			evidence = nil
		}
		got := row
		got.Evidence = ""
		require.Equal(f.t, verdictRow{
			rev.Tenant, rev.Control, rev.Item.ID, rev.Item.Time.Time(), uint32(rev.Number), string(rev.Outcome), rev.Reason,
			rev.RuleHash, rev.RemediatedAt.Time(), "", rev.record.Partition, rev.record.Offset,
		}, got, "%s", k)
		require.Equal(f.t, rev.Evidence, evidence, "%s", k)
	}
}

// dayRow is a count of verdict_days.
type dayRow struct {
	Control    string
	Day        string
	Outcome    string
	Reason     string
	Remediated bool
}

// checkDays: the sums by day are a recount of the last revisions.
func (f *fleet) checkDays(histories map[itemKey][]stated) {
	f.t.Helper()
	want := map[dayRow]int64{}
	for k, history := range histories {
		rev := last(history)
		want[dayRow{k.control, rev.Item.Time.Time().Format(time.DateOnly), string(rev.Outcome), rev.Reason, rev.RemediatedAt != 0}]++
	}
	rows, err := f.conn.Query(f.t.Context(), `SELECT control, toString(day), outcome, reason, remediated, sum(n) AS items
		FROM verdict_days GROUP BY control, day, outcome, reason, remediated HAVING items != 0`)
	require.NoError(f.t, err)
	got := map[dayRow]int64{}
	for rows.Next() {
		var d dayRow
		var n int64
		require.NoError(f.t, rows.Scan(&d.Control, &d.Day, &d.Outcome, &d.Reason, &d.Remediated, &n))
		got[d] = n
	}
	require.NoError(f.t, rows.Err())
	require.NoError(f.t, rows.Close())
	require.Equal(f.t, want, got)
	require.Zero(f.t, f.count("verdict_days_drift"))
}
