package driver

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/story"
)

const (
	testSecret = "a-secret-of-the-test"
	testKey    = "a-key-of-the-test"
)

// fakeCollector believes who knows the secret, says how many events it made, and
// notes what came in which order.
type fakeCollector struct {
	tellers *Tellers

	mu sync.Mutex
	// came are the types and sources of CloudEvents, and the paths of deliveries.
	came []string
	// gullible ones believe everybody; short ones lose an event.
	gullible, short bool
}

func (f *fakeCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if !f.gullible && !f.believes(r, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path == "/v1/events":
		var batch []cloudEvent
		if json.Unmarshal(body, &batch) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, ev := range batch {
			f.came = append(f.came, ev.Type+" "+ev.Source)
		}
		w.WriteHeader(http.StatusAccepted)
	case strings.HasPrefix(r.URL.Path, "/v1/sources/"):
		f.came = append(f.came, r.URL.Path)
		n := 1
		if strings.Contains(string(body), `"opened"`) {
			n = 2
		}
		if f.short {
			n--
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, `{"accepted": %d, "unmapped": [], "faults": 0}`, n)
	default:
		f.came = append(f.came, r.URL.Path)
		_, _ = io.WriteString(w, "{}")
	}
}

// believes works the proof out once more.
func (f *fakeCollector) believes(r *http.Request, body []byte) bool {
	if r.Header.Get("Authorization") == "Bearer "+testKey {
		return true
	}
	for _, v := range f.tellers.vendors {
		if v.path != r.URL.Path || v.Vendor == otlp {
			continue
		}
		proof := http.Header{}
		v.sign(testSecret, proof, body)
		for name := range proof {
			return proof.Get(name) == r.Header.Get(name)
		}
	}
	return false
}

func play(t *testing.T, of func(*fakeCollector)) (*fakeCollector, *courier, error) {
	t.Helper()
	s := story.New(story.Options{Seed: 1, Size: story.Small})
	f := &fakeCollector{tellers: NewTellers(s)}
	of(f)
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	c := newCourier(newPoster(server.URL, testKey), s, testSecret)
	var batch []story.Emission
	for e := range s.Events() {
		if e.Barrier != nil {
			continue
		}
		if batch = append(batch, e); len(batch) == 200 {
			if err := c.post(t.Context(), batch); err != nil {
				return f, c, err
			}
			batch = batch[:0]
		}
	}
	if err := c.post(t.Context(), batch); err != nil {
		return f, c, err
	}
	return f, c, c.replay(t.Context())
}

// Everything arrives, each door refuses its lie and takes its replay, and the numbers
// are those of the story.
func TestCourierCounts(t *testing.T) {
	t.Parallel()
	_, c, err := play(t, func(*fakeCollector) {})
	require.NoError(t, err)
	events, distinct := 0, 0
	for _, tally := range c.tally() {
		require.Equal(t, tally.Sent, tally.Accepted+tally.Refused, "%+v", tally)
		require.Positive(t, tally.Repeated, "%+v", tally)
		require.GreaterOrEqual(t, tally.Events, tally.Distinct+tally.Repeated, "%+v", tally)
		if tally.Door != cloudEvents() {
			require.Equal(t, 1, tally.Refused, "%+v", tally)
		}
		events, distinct = events+tally.Events, distinct+tally.Distinct
	}
	emitted, once, pulls := 0, 0, map[string]bool{}
	for e := range story.New(story.Options{Seed: 1, Size: story.Small}).Events() {
		if e.Barrier != nil {
			continue
		}
		emitted++
		if !e.Duplicate {
			once++
		}
		if e.Event.Type == "change.pushed" {
			pulls[text(e.Event, "change_id")] = true
		}
	}
	require.Equal(t, once+len(pulls), distinct, "each event, and that each change was proposed")
	require.GreaterOrEqual(t, events, emitted+len(pulls)+len(c.tellers.vendors), "each door has a replay")
}

// A heartbeat says that all before it has arrived.
func TestHeartbeatsComeAfterWhatWasBefore(t *testing.T) {
	t.Parallel()
	f, c, err := play(t, func(*fakeCollector) {})
	require.NoError(t, err)
	last := f.came[:len(f.came)-len(c.replays)]
	for _, v := range c.tellers.vendors {
		retired := -1
		for i, what := range last {
			if what == "source.retired "+v.Source {
				retired = i
			}
			require.False(t, retired >= 0 && (what == v.path || strings.HasSuffix(what, " "+v.Source)) && i > retired,
				"%s after its source retired", what)
		}
		require.Positive(t, retired, v.Source)
	}
}

func TestACollectorThatBelievesEverybodyIsFoundOut(t *testing.T) {
	t.Parallel()
	_, _, err := play(t, func(f *fakeCollector) { f.gullible = true })
	require.ErrorContains(t, err, "a forged delivery")
}

func TestACollectorThatLosesAnEventIsFoundOut(t *testing.T) {
	t.Parallel()
	_, _, err := play(t, func(f *fakeCollector) { f.short = true })
	require.ErrorContains(t, err, "it tells of")
}

// What an answer says in part is no yes.
func TestAnswersThatRefuse(t *testing.T) {
	t.Parallel()
	hook, exporter := parcel{Delivery: Delivery{Events: 1}}, parcel{Delivery: Delivery{Door: Door{Vendor: otlp}, Events: 1}}
	require.NoError(t, hook.became([]byte(`{"accepted":1,"unmapped":[],"faults":0}`)))
	require.NoError(t, exporter.became([]byte(`{}`)))
	for answer, of := range map[string]parcel{
		`{"accepted":1,"unmapped":["x"],"faults":0}`: hook, `{"accepted":1,"unmapped":[],"faults":1}`: hook, `{}`: hook, `no`: hook,
		`{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}`: exporter,
	} {
		require.Error(t, of.became([]byte(answer)), answer)
	}
}
