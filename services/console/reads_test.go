package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What an auditor reads by any route becomes an evidence.read, one for each answer. What
// is refused leaves none, nor do others.
func TestAuditorsReadsAreOnRecord(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	want := 0
	for _, route := range r.routes() {
		require.Equal(t, http.StatusOK, r.get(route.address(t), r.as("engineer")).status)
		if !strings.Contains(may[route.id], "auditor") {
			require.Equal(t, http.StatusForbidden, r.get(route.address(t), r.as("auditor")).status)
			continue
		}
		require.Equal(t, http.StatusOK, r.get(route.address(t), r.as("auditor")).status)
		want++
		reads := r.reads()
		require.Len(t, reads, want, route.path)
		last := reads[want-1]
		require.Equal(t, "default", last.Tenant)
		require.Equal(t, "/assay/console", last.Source)
		require.Equal(t, w.clock.Load()/1000, int64(last.Time))
		for key, value := range map[string]any{"reader": "auditor-program", "role": "auditor", "with": "token", "route": route.path} {
			require.Equal(t, value, last.data[key], route.path)
		}
	}
	for _, path := range []string{
		"/api/v1/none", "/api/v1/health", "/api/v1/items?tenant=other", "/api/v1/items?period=2026-Q2", "/api/v1/items?limit=0", "/api/v1/items?period=2026-13", "/api/v1/items?cursor=x",
		"/api/v1/items/CH-01/default-q2", "/api/v1/items/CH-01/none", "/api/v1/events/assay.events.access/0/2", "/api/v1/periods/2026/report", "/api/v1/controls/XX-99", "/no/such/page",
	} {
		require.GreaterOrEqual(t, r.get(path, r.as("auditor")).status, 400, path)
	}
	r.ask(http.MethodPost, "/api/v1/items", http.NoBody, r.as("auditor")).problem(t, http.StatusMethodNotAllowed)
	require.Len(t, r.reads(), want, "what is refused isn't read")
}

// Pages are answers as well.
func TestAuditorsPagesAreOnRecord(t *testing.T) {
	r := newWorld(t).start()
	session, want := r.session("auditor"), 0
	for _, path := range []string{"/", "/controls/CH-01", "/no/such/page"} {
		if r.get(path, cookie(session)).status == http.StatusOK {
			want++
		}
		require.Len(t, r.reads(), want, path)
	}
}

// An evidence.read says what was read: of which tenant, item, control, period and place.
func TestReadsSayWhatWasRead(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	session := r.session("both")
	for _, c := range []struct {
		method, path, tenant string
		want                 map[string]any
	}{
		{http.MethodGet, "/api/v1/items/CH-01/DEP-1", "default", map[string]any{"target": "CH-01/DEP-1", "control": "CH-01", "item": "DEP-1"}},
		{http.MethodGet, "/api/v1/items/CH-01/other-q3?tenant=other", "other", map[string]any{"target": "CH-01/other-q3", "query": "tenant=other"}},
		{http.MethodGet, "/api/v1/items/CH-01/other-q3?%74enant=other", "other", map[string]any{"target": "CH-01/other-q3"}},
		{http.MethodGet, "/api/v1/events/assay.events.access/0/1", "default", map[string]any{"target": "assay.events.access/0/1"}},
		{http.MethodGet, "/api/v1/periods/2026-08/report", "default", map[string]any{"target": "2026-08", "period": "2026-08"}},
		{http.MethodGet, "/api/v1/items?period=2026&control=CH-01&limit=5", "default", map[string]any{"target": "CH-01", "period": "2026", "query": "period=2026&control=CH-01&limit=5"}},
		{http.MethodGet, "/api/v1/events?source=" + url.QueryEscape(strings.Repeat("ä", 1000)), "default", map[string]any{"target": "/api/v1/events"}},
		{http.MethodGet, "/api/v1/controls/CH-01", "default", map[string]any{"target": "CH-01", "control": "CH-01"}},
		{http.MethodHead, "/api/v1/violations", "default", map[string]any{"target": "/api/v1/violations"}},
	} {
		before := len(r.reads())
		a := r.ask(c.method, c.path, http.NoBody, cookie(session))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", c.path, a.body)
		reads := r.reads()
		require.Len(t, reads, before+1, c.path)
		last := reads[before]
		require.Equal(t, c.tenant, last.Tenant, c.path)
		require.Equal(t, []any{"both", "session"}, []any{last.data["reader"], last.data["with"]})
		for key, value := range c.want {
			require.Equal(t, value, last.data[key], c.path)
		}
	}
}

const produce = int16(0) // kmsg's key of Produce

// An auditor's answer begins when Kafka has the read, and not before.
func TestReadsComeBeforeAnswers(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	asked, let := make(chan struct{}), make(chan struct{})
	w.cluster.ControlKey(produce, func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.DropControl()
		close(asked)
		w.cluster.SleepControl(func() { <-let })
		return nil, nil, false
	})
	got := make(chan answer, 1)
	go func() { got <- r.get("/api/v1/items", r.as("auditor")) }()
	select {
	case <-asked:
	case <-time.After(patience):
		require.Fail(t, "nothing was written to Kafka")
	}
	require.Equal(t, http.StatusOK, r.get("/api/v1/items", r.as("engineer")).status, "others don't wait")
	require.Empty(t, got, "the auditor waits")
	close(let)
	require.Equal(t, http.StatusOK, (<-got).status)
	require.Len(t, w.reads(), 1)
}

// While Kafka is away an auditor gets nothing, and others their answers. Once it is back,
// so is the auditor.
func TestAuditorsReadNothingWithoutKafka(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	require.Equal(t, http.StatusOK, r.get("/api/v1/items", r.as("auditor")).status)
	var away atomic.Bool
	away.Store(true)
	w.cluster.ControlKey(produce, func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		return nil, errors.New("away"), away.Load()
	})
	for _, path := range []string{"/api/v1/items", "/api/v1/items/CH-01/DEP-1", "/api/v1/periods/2026-Q3/report"} {
		a := r.get(path, r.as("auditor"))
		a.problem(t, http.StatusServiceUnavailable, path)
		require.NotEmpty(t, a.header.Get("Retry-After"))
		require.NotContains(t, a.body, "DEP-1")
		requireSecured(t, a, path)
		require.Equal(t, http.StatusOK, r.get(path, r.as("engineer")).status, "others get their answers")
	}
	require.Equal(t, http.StatusServiceUnavailable, r.ask(http.MethodHead, "/api/v1/items", http.NoBody, r.as("auditor")).status)
	require.Equal(t, http.StatusForbidden, r.get("/api/v1/health", r.as("auditor")).status, "what is refused needs no record")
	require.Contains(t, r.log.String(), "an auditor was not answered")
	require.Len(t, r.reads(), 1)
	away.Store(false)
	require.Eventually(t, func() bool { // the client tries again in a while
		return r.get("/api/v1/items", r.as("auditor")).status == http.StatusOK
	}, patience, time.Millisecond)
	require.GreaterOrEqual(t, len(r.reads()), 2)
}
