//go:build e2e

package evaluator_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/evaluator"
)

// childEnv makes the test's program an evaluator, to be killed: "prefix instance".
const childEnv = "ASSAY_TEST_CHILD"

// TestChild is no test of its own: TestKill9 starts it as a process.
func TestChild(t *testing.T) {
	prefix, instance, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		return
	}
	kafka := stream.Default()
	kafka.Brokers, kafka.TopicPrefix = strings.Split(os.Getenv(brokersEnv), ","), prefix
	cfg := fast()
	cfg.Instance, cfg.SessionTimeout = instance, 6*time.Second
	require.NoError(t, evaluator.Run(t.Context(), cfg, evaluator.Deps{
		Log: zerolog.New(os.Stderr).Level(zerolog.WarnLevel), Metrics: prometheus.NewRegistry(),
		Kafka: kafka, Bundle: changed(t, map[string]string{"AC-02.yaml": readLogins}), Ready: func(string, error) {},
	}))
}

// readLogins says of each sign-in what the control of sign-ins says, a stage later.
const readLogins = `
id: AC-02
title: Sign-ins pass
criteria: [CC6.1]
severity: high
population: {event: access.login, where: event.privileged, item: event.id}
expect: {of: {verdicts: AC-01, on: {event.item.user_id: item.user_id}, between: "[0s, 1s]"}}
assert: of.passed >= 1
`

// child is an evaluator in a process of its own.
func (s *site) child(instance string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+s.kafka.TopicPrefix+" "+instance)
	cmd.Stderr = s.t.Output()
	require.NoError(s.t, cmd.Start())
	return cmd
}

// Two evaluators on a real Kafka, killed with SIGKILL at random times: a reader of
// committed verdicts sees each revision of each item once, of both stages.
func TestKill9(t *testing.T) {
	require.NotEmpty(t, os.Getenv(brokersEnv), "it needs a real Kafka: make e2e")
	s, at := newSite(t), start(t)
	rng := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	names := []string{"a", "b"}
	children := []*exec.Cmd{s.child("a"), s.child("b")}
	const kills, each = 12, 100
	for i := range kills {
		s.tellOfLogins(each*i, each, at.Add(time.Duration(i)*time.Hour))
		s.clock(at.Add(time.Duration(i)*time.Hour + time.Minute))
		<-time.After(time.Duration(rng.IntN(4000)) * time.Millisecond) // a moment nobody chose
		victim := i % 2
		require.NoError(t, children[victim].Process.Kill())
		require.Error(t, children[victim].Wait())
		children[victim] = s.child(names[victim])
	}
	s.clock(at.Add(48 * time.Hour))
	require.Eventually(t, func() bool { return len(s.lastWords()) == 2*kills*each }, 2*time.Minute, time.Second)
	want := map[string]compliance.Outcome{}
	for i := range kills * each {
		for _, c := range []string{"AC-01", "AC-02"} {
			want[fmt.Sprintf("%s/l%d", c, i)] = []compliance.Outcome{compliance.Pass, compliance.Deviation}[i%2]
		}
	}
	require.Eventually(t, func() bool { return maps.Equal(want, s.lastWords()) }, 2*time.Minute, time.Second)
	require.Len(t, s.violations(kills*each), kills*each)
	for _, c := range children {
		require.NoError(t, c.Process.Kill())
		require.Error(t, c.Wait())
	}
}

// lastWords reads the committed verdicts, and fails the test if the revisions of
// an item aren't 1, 2, 3, ….
func (s *site) lastWords() map[string]compliance.Outcome {
	s.t.Helper()
	opts, err := s.kafka.Options(zerolog.Nop())
	require.NoError(s.t, err)
	topic := s.kafka.Topic("verdicts")
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())...)
	require.NoError(s.t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(s.t.Context(), topic)
	require.NoError(s.t, err)
	words, revisions, left := map[string]compliance.Outcome{}, map[string]int{}, map[int32]bool{}
	for p, end := range ends[topic] {
		left[p] = end.Offset > 0
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	for left[0] || left[1] {
		fetches := cl.PollFetches(ctx)
		require.NoError(s.t, fetches.Err())
		for r := range fetches.RecordsAll() {
			left[r.Partition] = left[r.Partition] && r.Offset+1 < ends[topic][r.Partition].Offset
			if r.Attrs.IsControl() {
				continue
			}
			rev, err := record.DecodeRevision(r.Value)
			require.NoError(s.t, err)
			id := rev.Control + "/" + rev.Item.ID
			revisions[id]++
			require.Equal(s.t, revisions[id], rev.Number, "item %s", id)
			words[id] = rev.Outcome
		}
	}
	return words
}
