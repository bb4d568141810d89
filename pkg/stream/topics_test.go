package stream_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/stream"
)

func TestTopologyHoldsEveryEventTopic(t *testing.T) {
	topology, err := stream.Topology()
	require.NoError(t, err)
	for _, name := range stream.EventTopics() {
		require.Contains(t, topology.Topics, name)
	}
	require.Equal(t, "routed", topology.Topics["verdicts"].SamePartitionsAs)
	require.True(t, topology.Topics["verdicts"].Transactional)
}

func TestCreateTopics(t *testing.T) {
	cfg := newCluster(t)
	cl := newClient(t, cfg)
	require.NoError(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Fleet))
	require.NoError(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Fleet), "a second time changes nothing")

	topology, err := stream.Topology()
	require.NoError(t, err)
	admin := kadm.NewClient(cl)
	details, err := admin.ListTopics(t.Context())
	require.NoError(t, err)
	require.Len(t, details, len(topology.Topics))
	for name, topic := range topology.Topics {
		require.Len(t, details[cfg.Topic(name)].Partitions, int(topic.Partitions), name)
	}
	for name, want := range map[string]map[string]string{
		"events.access": {"cleanup.policy": "delete", "retention.ms": "34560000000", "retention.bytes": "-1", "message.timestamp.type": "LogAppendTime", "max.message.bytes": "2097152"},
		"state":         {"cleanup.policy": "compact"},
		"verdicts":      {"cleanup.policy": "delete", "retention.ms": "-1"},
	} {
		configs, err := admin.DescribeTopicConfigs(t.Context(), cfg.Topic(name))
		require.NoError(t, err)
		got := map[string]string{}
		for _, c := range configs[0].Configs {
			got[c.Key] = c.MaybeValue()
		}
		require.Subset(t, got, want, name)
	}
}

func TestCreateTopicsAtOnce(t *testing.T) {
	cfg := newCluster(t)
	var group errgroup.Group
	for range 4 {
		cl := newClient(t, cfg)
		group.Go(func() error { return stream.CreateTopics(t.Context(), cl, cfg, stream.Embedded) })
	}
	require.NoError(t, group.Wait())
}

func TestCreateTopicsReportsWhatDiffers(t *testing.T) {
	cfg := newCluster(t, kfake.SeedTopics(3, "assay.routed", "assay.state"))
	err := stream.CreateTopics(t.Context(), newClient(t, cfg), cfg, stream.Embedded)
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	for _, want := range []string{
		"topic assay.routed has 3 partitions, not 2",
		"topic assay.state has 3 partitions, not 2",
		"topic assay.state has cleanup.policy=delete, not compact",
		"topic assay.routed has message.timestamp.type=CreateTime, not LogAppendTime",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "assay.events", "topics made just now are as they should be")
}

func TestCreateTopicsAcceptsLongerRetention(t *testing.T) {
	cfg := newCluster(t)
	cl := newClient(t, cfg)
	require.NoError(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Embedded))
	admin := kadm.NewClient(cl)
	set := func(value string) {
		_, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &value}}, cfg.Topic("events.access"))
		require.NoError(t, err)
	}
	set("-1")
	require.NoError(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Embedded))
	set("1000")
	require.ErrorContains(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Embedded), "assay.events.access has retention.ms=1000, not 34560000000")
}

func TestCreateTopicsWithoutTheRight(t *testing.T) {
	cfg := newCluster(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser(stream.ScramSHA256, "root", password), kfake.User(stream.ScramSHA256, "alice", password))
	cfg.SASL = stream.SASL{Mechanism: stream.ScramSHA256, Username: "alice", Password: password}
	err := stream.CreateTopics(t.Context(), newClient(t, cfg), cfg, stream.Embedded)
	require.Equal(t, compliance.Forbidden, compliance.CodeOf(err))
	require.ErrorContains(t, err, "creating topic assay.control")
}
