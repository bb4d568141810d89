// Package backup takes the record out of ClickHouse and brings it back, exactly.
//
// A backup may be made while recorders write. Coverage, which says up to where rows are
// complete, is taken first and on its own; what is taken afterwards holds at least as much.
// Restoring cuts off what lies beyond, and works out again what is worked out of other
// tables. So the restored record is the one that coverage speaks of, and a recorder goes
// on from there: what came since is read again from Kafka, as far as Kafka still has it.
package backup

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// DefaultTo is where a backup goes unless said: a file within the folder that the server
// allows for backups.
const DefaultTo = "File('{name}')"

// coverageSuffix names the part that is taken first.
const coverageSuffix = "-coverage"

// Place says where backups are: ClickHouse's destination, with {name} in it.
type Place struct {
	To   string // such as Disk('backups', '{name}')
	Name string
}

var (
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	toPattern   = regexp.MustCompile(`^(Disk|File|S3|AzureBlobStorage)\([^;]*\{name\}[^;]*\)$`)
)

// Validate refuses what is no name or no destination.
func (p Place) Validate() error {
	if !namePattern.MatchString(p.Name) {
		return compliance.Errorf(compliance.Invalid, "%q is no name of a backup: letters, digits, points and dashes, such as 2026-11-30", p.Name)
	}
	if !toPattern.MatchString(p.To) {
		return compliance.Errorf(compliance.Invalid, "%q is no destination: write it as ClickHouse does, with {name} in it, such as Disk('backups', '{name}')", p.To)
	}
	return nil
}

func (p Place) coverage() string { return strings.ReplaceAll(p.To, "{name}", p.Name+coverageSuffix) }

func (p Place) rest() string { return strings.ReplaceAll(p.To, "{name}", p.Name) }

// Make takes the database.
func Make(ctx context.Context, conn clickhouse.Conn, database string, p Place) error {
	if err := p.Validate(); err != nil {
		return err
	}
	for _, statement := range []string{
		fmt.Sprintf("BACKUP TABLE %s.coverage TO %s", clickhouse.Quoted(database), p.coverage()),
		fmt.Sprintf("BACKUP DATABASE %[1]s EXCEPT TABLES %[1]s.coverage TO %[2]s", clickhouse.Quoted(database), p.rest()),
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return compliance.Errorf(compliance.Unavailable, "backing up: %w", err)
		}
	}
	return nil
}

// Restored is what came back.
type Restored struct {
	// Cut counts the rows beyond coverage, by table: they were being recorded.
	Cut map[string]uint64 `json:"cut"`
	// Rebuilt are the tables that were worked out again.
	Rebuilt []string `json:"rebuilt"`
}

// Restore brings the database back; it must not be there. No recorder may run.
func Restore(ctx context.Context, conn clickhouse.Conn, database string, p Place) (*Restored, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	var there uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = $1", database).Scan(&there); err != nil {
		return nil, unavailable(err)
	}
	if there > 0 {
		return nil, compliance.Errorf(compliance.Conflict,
			"database %s has %d tables, and nothing is written over; drop it if you are sure, or restore on another server", database, there)
	}
	for _, statement := range []string{
		fmt.Sprintf("RESTORE DATABASE %s FROM %s", clickhouse.Quoted(database), p.rest()),
		fmt.Sprintf("RESTORE TABLE %s.coverage FROM %s", clickhouse.Quoted(database), p.coverage()),
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return nil, unavailable(err)
		}
	}
	r := &restore{conn: conn, database: database, result: &Restored{Cut: map[string]uint64{}}}
	return r.result, r.settle(ctx)
}

// restore makes what was brought back agree with coverage.
type restore struct {
	conn     clickhouse.Conn
	database string
	result   *Restored
}

func (r *restore) settle(ctx context.Context) error {
	ends, err := r.ends(ctx)
	if err != nil {
		return err
	}
	feeds, err := clickhouse.Feeds(ctx, r.conn, r.database)
	if err != nil {
		return err
	}
	tables, err := r.recorded(ctx, feeds)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if err := r.cut(ctx, table, ends); err != nil {
			return err
		}
	}
	for _, f := range feeds {
		if err := r.rebuild(ctx, f); err != nil {
			return err
		}
		r.result.Rebuilt = append(r.result.Rebuilt, f.Target)
	}
	return nil
}

// end is up to where a partition is recorded.
type end struct {
	Topic     string `ch:"topic"`
	Partition int32  `ch:"partition"`
	End       int64  `ch:"upto"`
}

func (r *restore) ends(ctx context.Context) (ends []end, err error) {
	err = r.conn.Select(ctx, &ends, "SELECT toString(topic) AS topic, partition, max(end_offset) AS upto FROM "+r.name("coverage")+" GROUP BY topic, partition")
	return ends, unavailable(err)
}

// recorded are the tables whose rows stand for a place in the log, but for those that
// others feed.
func (r *restore) recorded(ctx context.Context, feeds []clickhouse.Feed) (names []string, err error) {
	var rows []struct {
		Table string `ch:"table"`
	}
	err = r.conn.Select(ctx, &rows, `SELECT table FROM system.columns WHERE database = $1 AND name IN ('topic', 'partition', 'offset')
		AND table IN (SELECT name FROM system.tables WHERE database = $1 AND engine LIKE '%MergeTree') GROUP BY table HAVING count() = 3 ORDER BY table`, r.database)
	for _, row := range rows {
		if !slices.ContainsFunc(feeds, func(f clickhouse.Feed) bool { return f.Target == row.Table }) {
			names = append(names, row.Table)
		}
	}
	return names, unavailable(err)
}

// cut takes away what lies beyond coverage.
func (r *restore) cut(ctx context.Context, table string, ends []end) error {
	var places []end
	err := r.conn.Select(ctx, &places, "SELECT toString(topic) AS topic, partition, max(offset) + 1 AS upto FROM "+r.name(table)+" GROUP BY topic, partition")
	if err != nil {
		return unavailable(err)
	}
	for _, p := range places {
		covered := int64(0)
		if i := slices.IndexFunc(ends, func(e end) bool { return e.Topic == p.Topic && e.Partition == p.Partition }); i >= 0 {
			covered = ends[i].End
		}
		if p.End <= covered {
			continue
		}
		var rows uint64
		where := " WHERE topic = $1 AND partition = $2 AND offset >= $3"
		if err := r.conn.QueryRow(ctx, "SELECT count() FROM "+r.name(table)+where, p.Topic, p.Partition, covered).Scan(&rows); err != nil {
			return unavailable(err)
		}
		if err := r.conn.Exec(ctx, "ALTER TABLE "+r.name(table)+" DELETE"+where+" SETTINGS mutations_sync = 2", p.Topic, p.Partition, covered); err != nil {
			return unavailable(err)
		}
		r.result.Cut[table] += rows
	}
	return nil
}

// rebuild works a table out again from the one that feeds it.
func (r *restore) rebuild(ctx context.Context, f clickhouse.Feed) error {
	for _, statement := range []string{"TRUNCATE TABLE " + r.name(f.Target), f.Insert(r.database, "")} {
		if err := r.conn.Exec(ctx, statement); err != nil {
			return compliance.Errorf(compliance.Unavailable, "working out %s again: %w", f.Target, err)
		}
	}
	return nil
}

func (r *restore) name(table string) string {
	return clickhouse.Quoted(r.database) + "." + clickhouse.Quoted(table)
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return compliance.Errorf(compliance.Unavailable, "restoring: %w", err)
}
