package recorder

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/backup"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// A backup that is made while events and verdicts are recorded comes back as it was, and
// the recorder goes on from there: afterwards the tables are those that never were lost.
func TestBackupAndRestore(t *testing.T) {
	const events, items = 400, 80
	w := newWorld(t)
	place := backup.Place{To: backup.DefaultTo, Name: w.config.ClickHouse.Database}
	revisions := history(items)
	w.fillEvents(0, events/2)
	w.verdicts(revisions, 0, len(revisions)/2)
	r := w.start(seams{}, func(c *Config) { c.BatchRows = 30 })
	w.await(uint64(events/2), "SELECT count() FROM events")
	w.fillEvents(events/2, events-50)
	w.verdicts(revisions, len(revisions)/2, len(revisions))
	require.NoError(t, backup.Make(t.Context(), w.conn, w.config.ClickHouse.Database, place)) // rows come in meanwhile
	w.fillEvents(events-50, events)
	w.await(uint64(events), "SELECT count() FROM events")
	w.awaitCovered("verdicts", uint64(len(revisions)))
	r.stop()

	require.NoError(t, w.conn.Exec(t.Context(), "DROP DATABASE "+w.config.ClickHouse.Database+" SYNC"))
	server := w.elsewhere()
	restored, err := backup.Restore(t.Context(), server, w.config.ClickHouse.Database, place)
	require.NoError(t, err)
	t.Logf("cut %v", restored.Cut)
	require.ElementsMatch(t, []string{"verdicts", "verdict_days", "data_flows", "event_counts"}, restored.Rebuilt)
	w.requireContiguous()
	require.Zero(t, one[uint64](w, "SELECT count() FROM verdict_days_drift"))
	_, err = backup.Restore(t.Context(), server, w.config.ClickHouse.Database, place)
	require.ErrorContains(t, err, "nothing is written over")

	// The group still says that everything is recorded: no recorder believes it.
	require.ErrorContains(t, w.start(seams{}).wait(), "so they were restored")
	_, err = kadm.NewClient(w.kafka).DeleteGroups(t.Context(), w.config.Group)
	require.NoError(t, err)
	r = w.start(seams{})
	w.await(uint64(events), "SELECT count() FROM events")
	w.awaitCovered("verdicts", uint64(len(revisions)))
	r.stop()
	w.requireContiguous()
	w.requireExact(events, revisions)
}

// verdicts produces some revisions of a history.
func (w *world) verdicts(revisions []*compliance.Revision, from, until int) {
	w.Helper()
	var records []*kgo.Record
	for n := from; n < until; n++ {
		records = append(records, revisionRecord(w, revisions[n], int32(n%2)))
	}
	w.produce("verdicts", records...)
}

// elsewhere is a connection to the server that needs no database of the test's.
func (w *world) elsewhere() clickhouse.Conn {
	w.Helper()
	c := w.config.ClickHouse
	c.Database = "default"
	conn, err := clickhouse.Open(w.Context(), c)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, conn.Close()) })
	return conn
}
