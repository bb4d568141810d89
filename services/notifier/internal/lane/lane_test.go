package lane_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/message"
	"assay.example/assay/services/notifier/internal/receivertest"
)

const (
	routingKey = "0123456789abcdef0123456789abcdef"
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
)

// rig is a lane, its log of attempts, and one session at a time.
type rig struct {
	t      *testing.T
	cfg    lane.Config
	lane   *lane.Lane
	log    strings.Builder
	cancel context.CancelFunc
	ctx    context.Context
	*lane.Session

	mu         sync.Mutex
	deliveries []record.Delivery
	done       []string
	recording  error
}

func config() lane.Config {
	return lane.Config{
		Target: "t", Kind: "pagerduty", Incidents: true, Queue: 100, Concurrency: 4, Timeout: 10 * time.Second, MaxAge: 24 * time.Hour,
		FirstWait: time.Second, LastWait: 5 * time.Minute, MaxRetryAfter: 10 * time.Minute, Remember: 1000,
	}
}

func newRig(t *testing.T, cfg lane.Config, f message.Format, client lane.Doer) *rig {
	r := &rig{t: t, cfg: cfg}
	r.lane = lane.New(cfg, lane.Deps{
		Format: f, Client: client, Metrics: lane.NewMetrics(prometheus.NewRegistry()), Log: zerolog.New(&r.log),
		Record: func(_ context.Context, d *record.Delivery) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.recording == nil {
				r.deliveries = append(r.deliveries, *d)
			}
			return r.recording
		},
	})
	return r
}

func pagerRig(t *testing.T, cfg lane.Config) (*rig, *receivertest.PagerDuty) {
	to := receivertest.NewPagerDuty(routingKey)
	f := &message.PagerDuty{Address: message.Address{URL: "https://events.example.com"}, RoutingKey: routingKey}
	return newRig(t, cfg, f, receivertest.Client{Handler: to}), to
}

// open begins a session whose routes have everything, by a route named after the
// severity, at once.
func (r *rig) open() {
	r.openWith(func(v *record.Violation) (string, time.Duration, bool) { return v.Severity, 0, true })
}

func (r *rig) openWith(match lane.Match) {
	r.ctx, r.cancel = context.WithCancel(r.t.Context())
	r.Session = r.lane.Session(r.ctx, match)
}

func (r *rig) end() {
	r.cancel()
	r.Close()
}

func (r *rig) take(list ...*record.Violation) {
	for _, v := range list {
		require.NoError(r.t, r.Take(r.ctx, v, time.Now(), func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.done = append(r.done, v.ID)
		}))
	}
}

func (r *rig) finished() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.done)
}

// outcomes are those of the attempts for one violation, in order.
func (r *rig) outcomes(id string) []record.DeliveryOutcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []record.DeliveryOutcome
	for _, d := range r.deliveries {
		if slices.Contains(d.Violations, id) {
			list = append(list, d.Outcome)
		}
	}
	return list
}

func (r *rig) last() record.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deliveries[len(r.deliveries)-1]
}

func violation(item string, n int) *record.Violation {
	episode := record.ItemKey("default", "CH-01", item)
	v := &record.Violation{
		Schema: record.ViolationSchema, ID: fmt.Sprintf("%s#%d", episode, n), Episode: episode, Change: record.Opened, Severity: "high", Title: "t",
		Verdict: compliance.Revision{Tenant: "default", Control: "CH-01", Number: n, KnownAt: compliance.InstantOf(time.Now())},
	}
	v.Verdict.Item.ID, v.Verdict.Outcome = item, compliance.Deviation
	return v
}

func resolved(item string, n int) *record.Violation {
	v := violation(item, n)
	v.Change, v.Verdict.Outcome = record.Corrected, compliance.Pass
	return v
}

// wait lets time pass, in a bubble.
func wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		r.open()
		defer r.end()
		r.take(violation("a", 1), resolved("a", 2))
		wait(time.Second)
		require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/a"))
		require.Equal(t, []string{"default/CH-01/a#1", "default/CH-01/a#2"}, r.finished())
		d := r.last()
		require.Equal(t, record.Delivery{
			Schema: record.DeliverySchema, ID: d.ID, Tenant: "default", Violations: []string{"default/CH-01/a#2"}, Items: []string{"a"}, Revisions: []int{2},
			Control: "CH-01", Route: "high", Target: "t", Kind: "pagerduty", Action: record.Resolve, Group: "default/CH-01/a#2", Attempt: 1,
			Outcome: record.Delivered, Status: 202, RequestSHA256: d.RequestSHA256, At: d.At,
		}, d)
		require.NotZero(t, d.RequestSHA256)
		require.Len(t, d.ID, 36)
	})
}

// A resolve waits for its trigger, however long that is tried; other episodes don't.
func TestResolveNeverOvertakesItsTrigger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		to.Fail(7, http.StatusInternalServerError, `"default/CH-01/a"`, nil)
		r.open()
		defer r.end()
		r.take(violation("a", 1), violation("b", 1), resolved("a", 2), resolved("b", 2), violation("a", 3), resolved("a", 4))
		wait(500 * time.Millisecond)
		require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/b"), "b waits for nobody")
		require.Empty(t, to.Events("default/CH-01/a"))
		wait(time.Hour)
		require.Equal(t, []string{"trigger", "resolve", "trigger", "resolve"}, to.Events("default/CH-01/a"))
		outcomes := r.outcomes("default/CH-01/a#1")
		require.Equal(t, append(slices.Repeat([]record.DeliveryOutcome{record.Retried}, 7), record.Delivered), outcomes)
		require.Len(t, r.finished(), 6)
	})
}

// The pauses between attempts grow, are random, and end at LastWait.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		to.Fail(1000, http.StatusBadGateway, "", nil)
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(3 * time.Hour)
		got := to.Got()
		require.Greater(t, len(got), 20)
		require.Less(t, len(got), 100)
		for i := 1; i < len(got); i++ {
			pause := got[i].At.Sub(got[i-1].At)
			require.LessOrEqual(t, pause, time.Duration(1.5*float64(5*time.Minute))+time.Second)
			require.GreaterOrEqual(t, pause, 500*time.Millisecond)
		}
		require.Greater(t, got[len(got)-1].At.Sub(got[len(got)-2].At), 2*time.Minute)
		require.Empty(t, r.finished())
	})
}

func TestRetryAfter(t *testing.T) {
	for name, c := range map[string]struct {
		header func() string
		status int
		wait   time.Duration
	}{
		"seconds":        {func() string { return "90" }, 429, 90 * time.Second},
		"a date":         {func() string { return time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat) }, 503, 2 * time.Minute},
		"capped":         {func() string { return "86400" }, 429, 10 * time.Minute},
		"capped date":    {func() string { return time.Now().Add(time.Hour).UTC().Format(http.TimeFormat) }, 429, 10 * time.Minute},
		"an old date":    {func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 429, 0},
		"nonsense":       {func() string { return "soon" }, 429, 0},
		"negative":       {func() string { return "-5" }, 429, 0},
		"a large number": {func() string { return "99999999999999999999" }, 429, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, to := pagerRig(t, config())
				to.Fail(1, c.status, `"default/CH-01/a"`, http.Header{"Retry-After": {c.header()}})
				r.open()
				defer r.end()
				r.take(violation("a", 1))
				wait(time.Millisecond)
				r.take(violation("b", 1))
				wait(time.Hour)
				got := to.Got()
				require.Len(t, got, 3)
				first := got[1].At.Sub(got[0].At) // of whichever comes next: the pause is the target's
				if c.wait == 0 {
					require.Less(t, first, 2*time.Second)
					return
				}
				require.InDelta(t, c.wait.Seconds(), first.Seconds(), 1.1)
				require.InDelta(t, c.wait.Seconds(), got[2].At.Sub(got[0].At).Seconds(), 1.1)
			})
		})
	}
}

// What another attempt can't change is not attempted again.
func TestFinalAnswers(t *testing.T) {
	for _, status := range []int{301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451} {
		synctest.Test(t, func(t *testing.T) {
			r, to := pagerRig(t, config())
			to.Fail(1, status, "", http.Header{"Location": {"https://elsewhere.example.com"}})
			r.open()
			defer r.end()
			r.take(violation("a", 1))
			wait(time.Hour)
			require.Len(t, to.Got(), 1, status)
			require.Equal(t, []record.DeliveryOutcome{record.Refused}, r.outcomes("default/CH-01/a#1"), status)
			require.Equal(t, status, r.last().Status)
			require.Contains(t, r.last().Error, fmt.Sprintf("answered %d", status))
			require.Len(t, r.finished(), 1)
		})
	}
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			r, to := pagerRig(t, config())
			to.Fail(1, status, "", nil)
			r.open()
			defer r.end()
			r.take(violation("a", 1))
			wait(time.Hour)
			require.Equal(t, []record.DeliveryOutcome{record.Retried, record.Delivered}, r.outcomes("default/CH-01/a#1"), status)
			require.Len(t, to.Got(), 2)
		})
	}
}

// What gets too old is abandoned, and that is written down; one that is old already
// still gets its one attempt.
func TestAbandons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		to.Fail(1_000_000, http.StatusServiceUnavailable, `"default/CH-01/a"`, nil)
		r.open()
		defer r.end()
		r.take(violation("a", 1), resolved("a", 2))
		wait(23 * time.Hour)
		require.Empty(t, r.finished())
		wait(3 * time.Hour)
		outcomes := r.outcomes("default/CH-01/a#1")
		require.Equal(t, record.Abandoned, outcomes[len(outcomes)-1])
		require.NotContains(t, outcomes[:len(outcomes)-1], record.Abandoned)
		require.Equal(t, 503, r.last().Status)

		require.NoError(t, r.Take(r.ctx, violation("b", 1), time.Now().Add(-48*time.Hour), func() {}))
		wait(time.Second)
		require.Equal(t, []string{"trigger"}, to.Events("default/CH-01/b"), "an old one is attempted once")
	})
}

// A repetition, or an older revision after a newer one, says nothing.
func TestRepeatsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		r.open()
		r.take(violation("a", 1), resolved("a", 2), violation("a", 1), resolved("a", 2))
		wait(time.Second)
		require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/a"))
		require.Len(t, r.finished(), 4, "they are finished all the same")
		r.end()

		r.open() // after a restart the log says what was told
		r.Restore(violation("a", 1))
		r.Restore(resolved("a", 2))
		r.take(violation("a", 1), resolved("a", 2), violation("a", 5))
		wait(time.Second)
		require.Equal(t, []string{"trigger", "resolve", "trigger"}, to.Events("default/CH-01/a"))
		r.end()
	})
}

// What was opened is resolved, although the routes would send the end elsewhere.
func TestEndFollowsWhatWasOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		high := func(v *record.Violation) (string, time.Duration, bool) { return "high", 0, v.Severity == "high" }
		low := func(item string, n int) *record.Violation {
			v := resolved(item, n)
			v.Severity = "low"
			return v
		}
		r.openWith(high)
		r.take(violation("a", 1), low("a", 2), low("never", 2))
		wait(time.Second)
		require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/a"))
		require.Empty(t, to.Events("default/CH-01/never"))
		require.Equal(t, "high", r.last().Route)
		r.end()

		r.openWith(high)
		r.Restore(violation("b", 1))
		r.take(low("b", 2))
		wait(time.Second)
		require.Equal(t, []string{"resolve"}, to.Events("default/CH-01/b"), "also after a restart")
		r.end()
	})
}

// Nothing is taken beyond the queue, and nothing of it is dropped.
func TestFullQueueBlocksItsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Queue = 3
		r, to := pagerRig(t, cfg)
		to.Fail(3, http.StatusServiceUnavailable, "", http.Header{"Retry-After": {"60"}})
		r.open()
		defer r.end()
		var took []int
		go func() {
			for i := range 10 {
				r.take(violation(strconv.Itoa(i), 1))
				r.mu.Lock()
				took = append(took, i)
				r.mu.Unlock()
			}
		}()
		wait(30 * time.Second)
		r.mu.Lock()
		require.Len(t, took, 3)
		r.mu.Unlock()
		wait(10 * time.Minute)
		require.Len(t, r.finished(), 10)
		require.Equal(t, 10, to.Open())
	})
}

// A session that ends leaves what it didn't finish to the next: it is not done, and
// nothing is attempted any more.
func TestUnfinishedIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		to.Fail(2, http.StatusServiceUnavailable, "", nil)
		r.open()
		r.take(violation("a", 1), resolved("a", 2))
		wait(100 * time.Millisecond)
		r.end()
		attempts := len(to.Got())
		wait(time.Hour)
		require.Len(t, to.Got(), attempts)
		require.Empty(t, r.finished())

		r.open()
		r.take(violation("a", 1), resolved("a", 2))
		wait(time.Hour)
		r.end()
		require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/a"))
		require.Len(t, r.finished(), 2)
	})
}

// An attempt under way is finished and written down when the session ends, for the
// request might have arrived.
func TestAttemptUnderWayOutlivesTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		hold := make(chan struct{})
		to.Hold(hold)
		r.open()
		r.take(violation("a", 1))
		wait(time.Second)
		r.cancel()
		go func() { time.Sleep(3 * time.Second); close(hold) }()
		r.Close()
		require.Equal(t, []string{"default/CH-01/a#1"}, r.finished())
		require.Equal(t, []record.DeliveryOutcome{record.Delivered}, r.outcomes("default/CH-01/a#1"))
	})
}

// A target that doesn't answer is given up after Timeout and tried again.
func TestSilentTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		hold := make(chan struct{})
		to.Hold(hold)
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(15 * time.Second)
		require.Equal(t, record.Retried, r.last().Outcome)
		require.Zero(t, r.last().Status)
		require.InDelta(t, 10_000, r.last().DurationMS, 100)
		close(hold)
	})
}

// While Kafka doesn't take what is to be written down, nothing counts as finished
// and nothing is sent twice.
func TestWaitsUntilItIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		r.recording = io.ErrClosedPipe
		r.open()
		defer r.end()
		r.take(violation("a", 1))
		wait(time.Minute)
		require.Empty(t, r.finished())
		require.Len(t, to.Got(), 1)
		r.mu.Lock()
		r.recording = nil
		r.mu.Unlock()
		wait(5 * time.Minute)
		require.Len(t, r.finished(), 1)
		require.Len(t, to.Got(), 1)
	})
}

// The log speaks when a target begins to fail and when it works again.
func TestLogTellsOfChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, to := pagerRig(t, config())
		to.Fail(30, http.StatusBadGateway, "", nil)
		r.open()
		for i := range 20 {
			r.take(violation(strconv.Itoa(i), 1))
		}
		wait(time.Hour)
		r.end()
		require.Equal(t, 1, strings.Count(r.log.String(), "target fails"))
		require.Equal(t, 1, strings.Count(r.log.String(), "target works again"))
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Remember = 2
		r, to := pagerRig(t, cfg)
		r.open()
		defer r.end()
		for i := range 4 {
			r.take(violation(strconv.Itoa(i), 1))
		}
		wait(time.Second)
		r.take(violation("3", 1), violation("0", 1)) // 3 is known, 0 is forgotten
		wait(time.Second)
		require.Len(t, to.Events("default/CH-01/3"), 1)
		require.Len(t, to.Events("default/CH-01/0"), 2)
	})
}
