package recount_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/recount"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

const topic = "assay.verdicts"

var now = compliance.InstantOf(time.Date(2026, 8, 1, 3, 0, 0, 0, time.UTC))

// world is a ClickHouse with verdicts of a test.
type world struct {
	testing.TB
	conn   clickhouse.Conn
	counts *recount.Counts
	offset int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, _ := clickhousetest.Open(t)
	return &world{TB: t, conn: conn, counts: &recount.Counts{Conn: conn, Verdicts: topic}}
}

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	require.NoError(w, w.conn.Exec(w.Context(), sql, args...), sql)
}

// say inserts the only revision of an item, after those before it in the log.
func (w *world) say(control, item, day, outcome string) {
	w.Helper()
	w.offset++
	w.exec(`INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, topic, partition, offset) VALUES
		('default', $1, $2, $3, 1, $4, '', $5, 0, $6)`, control, item, day+" 10:00:00", outcome, topic, w.offset)
}

// cover says that all that was said is in all tables.
func (w *world) cover() {
	w.Helper()
	w.exec("INSERT INTO coverage (topic, partition, start_offset, end_offset) VALUES ($1, 0, 0, $2)", topic, w.offset+1)
}

func (w *world) drift() (n uint64) {
	w.Helper()
	require.NoError(w, w.conn.QueryRow(w.Context(), "SELECT count() FROM verdict_days_drift").Scan(&n))
	return n
}

func (w *world) compare() *recount.Found {
	w.Helper()
	tenants, err := w.counts.Tenants(w.Context())
	require.NoError(w, err)
	found, err := w.counts.Compare(w.Context(), tenants)
	require.NoError(w, err)
	return found
}

func (w *world) repair() *recount.Found {
	w.Helper()
	found, err := w.counts.Repair(w.Context(), []string{"default"}, now)
	require.NoError(w, err)
	return found
}

func filled(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	for i := range 12 {
		w.say(fmt.Sprintf("CH-0%d", i%2), fmt.Sprint("item-", i), fmt.Sprintf("2026-07-%02d", 1+i%3), []string{"pass", "deviation"}[i%2])
	}
	w.cover()
	return w
}

func TestRightCountsAreLeftAlone(t *testing.T) {
	w := filled(t)
	found := w.compare()
	require.True(t, found.Right())
	require.Equal(t, 2, found.Controls)
	require.True(t, w.repair().Right())
	require.Zero(t, w.drift())
}

// Whatever is done to the counts behind our back, a repair names it, and afterwards all
// agrees.
func TestWhatDiffersIsNamedAndPutRight(t *testing.T) {
	for name, harm := range map[string]func(*world){
		"counted twice": func(w *world) {
			w.exec("INSERT INTO verdict_days VALUES ('default', 'CH-00', '2026-07-01', 'pass', '', false, 1)")
		},
		"a count is lost":     func(w *world) { w.exec("DELETE FROM verdict_days WHERE control = 'CH-01' AND day = '2026-07-02'") },
		"all counts are lost": func(w *world) { w.exec("TRUNCATE TABLE verdict_days") },
		"an item that isn't": func(w *world) {
			w.exec("INSERT INTO verdict_days VALUES ('default', 'CH-00', '2026-06-01', 'deviation', 'x', true, 3)")
		},
		"verdicts lack items": func(w *world) { w.exec("DELETE FROM verdicts WHERE control = 'CH-01'") },
		"verdicts are lost":   func(w *world) { w.exec("TRUNCATE TABLE verdicts") },
	} {
		t.Run(name, func(t *testing.T) {
			w := filled(t)
			harm(w)
			require.NotZero(t, w.drift(), "the harm must be harmful")
			require.False(t, w.compare().Right())
			require.NotZero(t, w.drift(), "to compare changes nothing")
			found := w.repair()
			require.False(t, found.Right())
			require.Zero(t, w.drift())
			require.True(t, w.compare().Right())
			var repaired uint64
			require.NoError(t, w.conn.QueryRow(t.Context(), "SELECT count() FROM count_repairs").Scan(&repaired))
			require.Len(t, found.Differences, int(repaired), "each is written down")
		})
	}
}

// What is being inserted isn't missing: coverage doesn't reach it yet.
func TestWhatIsUnderWayIsLeftAlone(t *testing.T) {
	w := filled(t)
	w.say("CH-00", "new", "2026-07-02", "pass")
	w.exec("DELETE FROM verdict_days WHERE control = 'CH-00'") // as if the view had not been fed yet
	found := w.compare()
	for _, d := range found.Differences {
		require.NotEqual(t, 2, d.Day.Day(), "the day of the item that is under way")
	}
	require.NotEmpty(t, found.Differences)
	w.cover()
	require.Greater(t, len(w.compare().Differences), len(found.Differences))
}

// Two that recount at once put a difference right once, while others insert.
func TestRepairsAtOnceAreOne(t *testing.T) {
	w := filled(t)
	w.exec("TRUNCATE TABLE verdict_days")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			_, err := w.counts.Repair(context.WithoutCancel(t.Context()), []string{"default"}, now)
			require.NoError(t, err)
		})
	}
	all.Wait()
	require.Zero(t, w.drift())
}

// Random harm, with inserts between, until nothing is under way: what is left is right.
func TestRecountAmongInserts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	w := filled(t)
	for round := range 12 {
		switch r.IntN(3) {
		case 0:
			w.say("CH-00", fmt.Sprint("more-", round), fmt.Sprintf("2026-07-%02d", 1+r.IntN(4)), "pass")
		case 1:
			w.exec("INSERT INTO verdict_days VALUES ('default', 'CH-01', $1, 'pass', '', false, 1)", fmt.Sprintf("2026-07-%02d", 1+r.IntN(4)))
		case 2:
			w.cover()
		}
		w.repair()
	}
	w.cover()
	w.repair()
	require.Zero(t, w.drift())
}
