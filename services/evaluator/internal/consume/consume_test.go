package consume_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/consume"
)

const topic = "t"

func cluster(t *testing.T) []kgo.Opt {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic), kfake.ListenFn(network.Listen))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext), kgo.FetchMaxWait(time.Second)}
}

func client(t *testing.T, base []kgo.Opt, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(slices.Concat(base, opts, []kgo.Opt{kgo.DefaultProduceTopic(topic)})...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func toEnd(t *testing.T, base []kgo.Opt) (values []string, next int64) {
	t.Helper()
	next, err := consume.ToEnd(t.Context(), base, topic, 0, func(r *kgo.Record) error {
		values = append(values, string(r.Value))
		return nil
	})
	require.NoError(t, err)
	return values, next
}

func write(t *testing.T, cl *kgo.Client, value string) {
	t.Helper()
	require.NoError(t, cl.ProduceSync(t.Context(), kgo.StringRecord(value)).FirstErr())
}

func TestToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := cluster(t)
		values, next := toEnd(t, base)
		require.Empty(t, values)
		require.Zero(t, next)
		plain, txn := client(t, base), client(t, base, kgo.TransactionalID("x"))
		write(t, plain, "a")
		for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
			require.NoError(t, txn.BeginTransaction())
			write(t, txn, map[kgo.TransactionEndTry]string{kgo.TryCommit: "b", kgo.TryAbort: "c"}[end])
			require.NoError(t, txn.EndTransaction(t.Context(), end))
		}
		// The last records are aborted, and the end is found nevertheless.
		values, next = toEnd(t, base)
		require.Equal(t, []string{"a", "b"}, values)
		require.Equal(t, int64(5), next)
	})
}

// What an open transaction wrote may still be committed, so the end isn't there yet.
func TestToEndWaitsForOpenTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := cluster(t)
		txn := client(t, base, kgo.TransactionalID("x"))
		require.NoError(t, txn.BeginTransaction())
		write(t, txn, "a")
		time.AfterFunc(5*time.Second, func() {
			_ = txn.EndTransaction(context.WithoutCancel(t.Context()), kgo.TryCommit)
		})
		began := time.Now()
		values, _ := toEnd(t, base)
		require.Equal(t, []string{"a"}, values)
		require.GreaterOrEqual(t, time.Since(began), 5*time.Second)
	})
}

func TestFailure(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, consume.Failure(ended, kgo.NewErrFetch(context.Canceled)))
	require.Error(t, consume.Failure(t.Context(), kgo.NewErrFetch(context.Canceled)))
	require.ErrorIs(t, consume.Failure(ended, kgo.NewErrFetch(kerr.OffsetOutOfRange)), kerr.OffsetOutOfRange)
}

// The work in flight may outlive the request to stop, but not for ever.
func TestOutlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		work, cancel := consume.Outlive(ctx, time.Second)
		defer cancel()
		stop()
		time.Sleep(900 * time.Millisecond)
		require.NoError(t, work.Err())
		time.Sleep(200 * time.Millisecond)
		require.Error(t, work.Err())
	})
}

// Who is told to stop while an open transaction holds the end back does so.
func TestToEndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := cluster(t)
		txn := client(t, base, kgo.TransactionalID("x"))
		require.NoError(t, txn.BeginTransaction())
		write(t, txn, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := consume.ToEnd(ctx, base, topic, 0, func(*kgo.Record) error { return nil })
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
