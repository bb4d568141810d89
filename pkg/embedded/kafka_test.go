package embedded_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded"
)

func startKafka(t *testing.T, dir string) *embedded.Kafka {
	t.Helper()
	k, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{DataDir: dir, Log: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = k.Close() })
	return k
}

func client(t *testing.T, address string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(address)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func produce(t *testing.T, cl *kgo.Client, topic string, values ...string) {
	t.Helper()
	for _, v := range values {
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(v)}).FirstErr())
	}
}

// read polls until it has n records; more would show in the next poll.
func read(t *testing.T, cl *kgo.Client, n int) (values []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(values) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, ctx.Err(), "got %v", values)
		for _, e := range fetches.Errors() {
			require.ErrorIs(t, e.Err, kerr.UnknownMemberID) // of members from before a restart
		}
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func committed(t *testing.T, cl *kgo.Client, topic string) (values []string) {
	t.Helper()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(t.Context(), topic)
	require.NoError(t, err)
	end, ok := ends.Lookup(topic, 0)
	require.True(t, ok)
	reader := client(t, cl.OptValue(kgo.SeedBrokers).([]string)[0], kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}), kgo.KeepControlRecords())
	for next := int64(0); next < end.Offset; {
		fetches := reader.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			next = r.Offset + 1
			if !r.Attrs.IsControl() {
				values = append(values, string(r.Value))
			}
		})
	}
	return values
}

func TestKafkaKeepsRecordsTopicsAndOffsets(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	require.False(t, k.Unclean(), "the first start")
	cl := client(t, k.Address())
	compact := "compact"
	_, err := kadm.NewClient(cl).CreateTopic(t.Context(), 3, -1, map[string]*string{"cleanup.policy": &compact}, "state")
	require.NoError(t, err)
	_, err = kadm.NewClient(cl).CreateTopic(t.Context(), 1, -1, nil, "events")
	require.NoError(t, err)
	produce(t, cl, "events", "1", "2", "3")
	group := client(t, k.Address(), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("events"), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.Equal(t, []string{"1", "2", "3"}, read(t, group, 3))
	require.NoError(t, group.CommitUncommittedOffsets(t.Context()))
	group.Close()
	cl.Close()
	require.NoError(t, k.Close())
	require.NoError(t, k.Close(), "a second close says the same")

	k = startKafka(t, dir)
	require.False(t, k.Unclean(), "after a smooth stop")
	cl = client(t, k.Address())
	topics, err := kadm.NewClient(cl).ListTopics(t.Context(), "state", "events")
	require.NoError(t, err)
	require.Len(t, topics["state"].Partitions, 3)
	configs, err := kadm.NewClient(cl).DescribeTopicConfigs(t.Context(), "state")
	require.NoError(t, err)
	for _, c := range configs[0].Configs {
		if c.Key == "cleanup.policy" {
			require.Equal(t, "compact", *c.Value)
		}
	}
	produce(t, cl, "events", "4")
	require.Equal(t, []string{"1", "2", "3", "4"}, committed(t, cl, "events"))
	group = client(t, k.Address(), kgo.ConsumerGroup("g"), kgo.ConsumeTopics("events"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.Equal(t, []string{"4"}, read(t, group, 1), "the group goes on where it was")
	group.Close()
	cl.Close()
	require.NoError(t, k.Close())
}

// TestKafkaKeepsTransactions has one committed, one aborted and one that was
// open when the broker stopped; its successor fences it.
func TestKafkaKeepsTransactions(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	transactional := func() *kgo.Client { return client(t, k.Address(), kgo.TransactionalID("judge")) }
	cl := transactional()
	_, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, -1, nil, "verdicts")
	require.NoError(t, err)
	transaction := func(value string, end kgo.TransactionEndTry) {
		require.NoError(t, cl.BeginTransaction())
		produce(t, cl, "verdicts", value)
		require.NoError(t, cl.EndTransaction(t.Context(), end))
	}
	transaction("committed", kgo.TryCommit)
	transaction("aborted", kgo.TryAbort)
	require.NoError(t, cl.BeginTransaction())
	produce(t, cl, "verdicts", "open")
	require.NoError(t, k.Close())
	cl.Close()

	k = startKafka(t, dir)
	cl = transactional()
	transaction("after", kgo.TryCommit)
	require.Equal(t, []string{"committed", "after"}, committed(t, cl, "verdicts"))
	cl.Close()
	require.NoError(t, k.Close())
}

func TestKafkaKnowsAnUncleanStop(t *testing.T) {
	dir := t.TempDir()
	address, kill := helper(t, "kafka", dir)
	cl := client(t, address)
	_, err := kadm.NewClient(cl).CreateTopic(t.Context(), 1, -1, nil, "events")
	require.NoError(t, err)
	want := make([]string, 500)
	for i := range want {
		want[i] = strconv.Itoa(i)
	}
	produce(t, cl, "events", want...)
	kill()
	cl.Close()

	k := startKafka(t, dir)
	require.True(t, k.Unclean())
	cl = client(t, k.Address())
	require.Equal(t, want, committed(t, cl, "events"), "what was acknowledged is there")
	cl.Close()
	require.NoError(t, k.Close())

	k = startKafka(t, dir)
	require.True(t, k.Unclean(), "nobody has mended it yet")
	k.Mended()
	require.False(t, k.Unclean())
	require.NoError(t, k.Close())

	k = startKafka(t, dir)
	require.False(t, k.Unclean())
	require.NoError(t, k.Close())
}

func TestKafkaRefusesASecondBrokerOnItsFolder(t *testing.T) {
	dir := t.TempDir()
	k := startKafka(t, dir)
	_, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{DataDir: dir, Log: zerolog.Nop()})
	require.ErrorContains(t, err, dir+" is in use by another process")
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	require.NoError(t, k.Close())
}

func TestKafkaSaysWhichPortIsTaken(t *testing.T) {
	k := startKafka(t, t.TempDir())
	port, err := strconv.Atoi(k.Address()[len("127.0.0.1:"):])
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = embedded.StartKafka(t.Context(), embedded.KafkaOptions{DataDir: dir, Port: port, Log: zerolog.Nop()})
	require.ErrorContains(t, err, "finding a port for Kafka")
	_, err = os.Stat(filepath.Join(dir, "running"))
	require.ErrorIs(t, err, os.ErrNotExist, "a start that failed leaves no mark")
	require.NoError(t, k.Close())
}
