package embedded

import (
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// changelog is a compacted topic on an embedded broker, and what writes to it.
type changelog struct {
	t   *testing.T
	dir string
	k   *Kafka
}

const changes = "state"

func newChangelog(t *testing.T) *changelog {
	t.Helper()
	c := &changelog{t: t, dir: t.TempDir()}
	c.start()
	_, err := kadm.NewClient(c.client()).CreateTopic(t.Context(), 1, -1, map[string]*string{"cleanup.policy": new("compact")}, changes)
	require.NoError(t, err)
	return c
}

func (c *changelog) start() {
	k, err := StartKafka(c.t.Context(), KafkaOptions{DataDir: c.dir, Log: zerolog.Nop()})
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = k.Close() })
	c.k = k
}

func (c *changelog) restart() {
	require.NoError(c.t, c.k.Close())
	c.start()
}

func (c *changelog) client(opts ...kgo.Opt) *kgo.Client {
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(c.k.Address()), kgo.DefaultProduceTopic(changes))...)
	require.NoError(c.t, err)
	c.t.Cleanup(cl.Close)
	return cl
}

// begin opens a transaction of a producer and writes key and value pairs, each in a
// batch of its own.
func (c *changelog) begin(name string, pairs ...string) *kgo.Client {
	cl := c.client(kgo.TransactionalID(name))
	require.NoError(c.t, cl.BeginTransaction())
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(c.t, cl.ProduceSync(c.t.Context(), &kgo.Record{Key: []byte(pairs[i]), Value: []byte(pairs[i+1])}).FirstErr())
	}
	return cl
}

func (c *changelog) end(cl *kgo.Client, how kgo.TransactionEndTry) {
	require.NoError(c.t, cl.EndTransaction(c.t.Context(), how))
	cl.Close()
}

// values are what a reader of committed records finds, and from how many offsets.
func (c *changelog) values() (found map[string]string, offsets int64) {
	start, end, decided, err := bounds(c.t.Context(), kadm.NewClient(c.client()), changes, 0)
	require.NoError(c.t, err)
	require.True(c.t, decided)
	records, err := c.k.lastValues(c.t.Context(), changes, 0, start, end)
	require.NoError(c.t, err)
	found = map[string]string{}
	for _, r := range records {
		found[string(r.Key)] = string(r.Value)
	}
	return found, end - start
}

// abortedBefore has one producer commit, and another abort before it commits.
func (c *changelog) abortedBefore(compact func()) {
	c.end(c.begin("a", "k", "1"), kgo.TryCommit)
	c.end(c.begin("b", "l", "aborted"), kgo.TryAbort)
	c.end(c.begin("a", "m", "1"), kgo.TryCommit)
	compact()
	c.end(c.begin("b", "l", "2"), kgo.TryCommit)
}

// abortedAcross has a producer write in two batches what another one's stand for, and
// abort after the compaction.
func (c *changelog) abortedAcross(compact func()) {
	c.end(c.begin("a", "k", "1"), kgo.TryCommit)
	open := c.begin("b", "k", "aborted", "l", "aborted")
	compact()
	c.end(open, kgo.TryAbort)
}

// The broker's own compaction loses, both ways. When this fails the broker has been
// mended, and may compact by itself.
func TestBrokersOwnCompactionLoses(t *testing.T) {
	c := newChangelog(t)
	c.abortedBefore(c.k.cluster.Compact)
	found, _ := c.values()
	require.NotContains(t, found, "l", "what was committed after an abort is hidden")

	c = newChangelog(t)
	c.abortedAcross(c.k.cluster.Compact)
	found, _ = c.values()
	require.NotContains(t, found, "k", "what stood before an aborted transaction is lost")
}

// So the broker never compacts by itself.
func TestBrokerDoesNotCompact(t *testing.T) {
	c := newChangelog(t)
	configs, err := kadm.NewClient(c.client()).DescribeBrokerConfigs(t.Context(), 0)
	require.NoError(t, err)
	for _, config := range configs[0].Configs {
		if config.Key == "log.cleaner.backoff.ms" {
			ms, err := strconv.ParseInt(config.MaybeValue(), 10, 64)
			require.NoError(t, err)
			require.Greater(t, ms, int64(10*365*24*60*60*1000))
			return
		}
	}
	require.Fail(t, "the broker says nothing of how often it compacts")
}

func TestCompactedAtTheStart(t *testing.T) {
	c := newChangelog(t)
	for i := range 50 {
		c.end(c.begin("a", "k", strconv.Itoa(i), "gone", "1"), kgo.TryCommit)
	}
	require.NoError(t, c.client().ProduceSync(t.Context(), &kgo.Record{Key: []byte("gone")}).FirstErr())
	c.abortedBefore(c.restart)
	found, offsets := c.values()
	require.Equal(t, map[string]string{"k": "1", "m": "1", "l": "2"}, found)
	require.Less(t, offsets, int64(10))
	c.restart()
	again, _ := c.values()
	require.Equal(t, found, again)
}

// What is older than a topic's retention goes, also in a second run, in which the broker
// doesn't look by itself.
func TestRetention(t *testing.T) {
	c := newChangelog(t)
	_, err := kadm.NewClient(c.client()).CreateTopic(t.Context(), 1, -1, map[string]*string{"retention.ms": new("1")}, "short")
	require.NoError(t, err)
	old := &kgo.Record{Topic: "short", Value: []byte("old"), Timestamp: time.Now().Add(-time.Hour)}
	require.NoError(t, c.client().ProduceSync(t.Context(), old).FirstErr())
	c.restart()
	hours := make(chan time.Time)
	go c.k.retain(hours)
	hours <- time.Now()
	hours <- time.Now() // the first is done with
	start, end, _, err := bounds(t.Context(), kadm.NewClient(c.client()), "short", 0)
	require.NoError(t, err)
	require.Equal(t, end, start)
}
