//go:build e2e

package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/compliance"
)

// kills is how often each kind of service is killed in one story.
const kills = 10

func on(month time.Month, day int) compliance.Instant {
	return compliance.InstantOf(time.Date(2026, month, day, 0, 0, 0, 0, time.UTC))
}

// TestKills plays the story while evaluators and the recorder are killed with -9,
// ten times each, and started again by the same name.
func TestKills(t *testing.T) {
	n := seed(t)
	f := newFleet(t)
	f.start(2, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	hunts := []*hunt{
		{kind: "evaluator", prey: f.evaluators, progress: f.verdicts(ctx), from: on(time.July, 1), to: on(time.September, 25), rng: rand.New(rand.NewPCG(n, 1))},
		{kind: "recorder", prey: f.recorders, progress: f.rows, from: on(time.May, 26), to: on(time.September, 15), rng: rand.New(rand.NewPCG(n, 2))},
	}
	took := f.playWhile(ctx, stop, hunts[0].run, hunts[1].run)
	for _, h := range hunts {
		say(t, "%s", h)
		require.Len(t, h.moments, kills, "the story ended before all kills of the %s", h.kind)
	}
	found := f.check()
	say(t, "kills: evaluator %d, recorder %d; %s; violations %d and %d repeats; played in %.1f s",
		len(hunts[0].moments), len(hunts[1].moments), found.verdicts, found.violations, found.repeats, took.Seconds())
}

// playWhile plays the story while others do harm; all must succeed. They are
// stopped when the story ends.
func (f *fleet) playWhile(ctx context.Context, stop func(), harm ...func(context.Context) error) time.Duration {
	f.t.Helper()
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, do := range harm {
		group.Go(func() error { return do(ctx) })
	}
	var out string
	group.Go(func() (err error) {
		defer stop()
		out, err = f.try(context.WithoutCancel(ctx), playWithin, append(f.play(), "--settle", playWithin.String())...)
		return err
	})
	require.NoError(f.t, group.Wait())
	require.Regexp(f.t, judged, out)
	return time.Since(began)
}

// TestBrokerKilled kills Kafka itself in the middle of the story and starts it again.
func TestBrokerKilled(t *testing.T) {
	run, port := os.Getenv("ASSAY_E2E_KAFKA_RUN"), os.Getenv("ASSAY_E2E_KAFKA_PORT")
	require.NotEmpty(t, run, "ASSAY_E2E_KAFKA_RUN is not set: run scripts/e2e.sh")
	rng := rand.New(rand.NewPCG(seed(t), 3))
	f := newFleet(t, smallStory)
	f.start(2, 1)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	h := &hunt{progress: f.verdicts(ctx)}
	moment := on(time.July, 15).Add(time.Duration(rng.Int64N(int64(60 * 24 * time.Hour))))
	var at compliance.Instant
	var up time.Duration
	took := f.playWhile(ctx, stop, func(ctx context.Context) error {
		if !h.await(ctx, reached(moment)) {
			return nil
		}
		at = h.progress(ctx).at
		began := time.Now()
		if err := script(t, "kafka-down.sh", "-9", "-k", "1", "-d", run); err != nil {
			return err
		}
		err := script(t, "kafka-up.sh", "-k", "1", "-d", run, "-p", port)
		up = time.Since(began)
		return err
	})
	require.NotZero(t, at, "the story ended before the kill")
	found := f.check()
	say(t, "kills: broker 1 at %s, up again after %.1f s; %s; violations %d and %d repeats; played in %.1f s",
		at.Time().Format("01-02 15:04"), up.Seconds(), found.verdicts, found.violations, found.repeats, took.Seconds())
}

// script runs one of the repository's scripts. Its output goes to files, for the
// broker that it leaves running would hold a pipe open.
func script(t *testing.T, name string, args ...string) error {
	out, err := os.CreateTemp(t.TempDir(), name)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	c := exec.Command("scripts/"+name, args...)
	c.Dir = root
	c.Stdout, c.Stderr = out, out
	if err := c.Run(); err != nil {
		t.Logf("%s wrote:\n%s", name, tail(out.Name()))
		return err
	}
	return nil
}
