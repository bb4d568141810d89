package intake_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/collector/internal/intake"
)

// Who is told that there is no room, and that nothing was taken, may rely on it: once a
// portion is in the log the answer is another.
func TestNoRoomForTheSecondPortion(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	const limit = 16 << 10 // a portion is an eighth: two records
	budget := intake.NewBudget(limit, nil)
	client, err := kgo.NewClient(append(intake.Options(10*time.Second, budget), kgo.SeedBrokers(cluster.ListenAddrs()...))...)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	in := intake.New(client, 10*time.Second, func(error) {})
	records := make([]*kgo.Record, 5)
	for i := range records {
		records[i] = &kgo.Record{Topic: "events", Value: []byte("x")}
	}

	lease, others := budget.Lease(), budget.Lease()
	measured := 0
	size := func(r *kgo.Record) int64 {
		if measured++; measured == 5 { // of the second portion: two and the one that didn't fit were measured before
			require.NoError(t, others.Grow(limit-intake.RecordOverhead))
		}
		return intake.Overhead(r)
	}
	err = in.Send(t.Context(), lease, records, size)
	require.Error(t, err)
	require.False(t, intake.IsFull(err), "two are in the log: %v", err)
	require.EqualValues(t, 2, cluster.PartitionInfo("events", 0).HighWatermark)

	others.Release()
	require.NoError(t, in.Send(t.Context(), lease, records, intake.Overhead))
	require.EqualValues(t, 7, cluster.PartitionInfo("events", 0).HighWatermark)
	lease.Release()
	require.NoError(t, budget.Lease().Grow(limit), "everything was given back")

	full := budget.Lease()
	require.True(t, intake.IsFull(full.Grow(1)))
	require.True(t, intake.IsFull(in.Send(t.Context(), full, records, intake.Overhead)), "nothing was taken")
}
