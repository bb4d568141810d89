package console_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/console"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

const patience = 60 * time.Second

// library is a bundle of two controls.
func library() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"boundary.yaml": file(`
effective_from: 2026-01-01T00:00:00Z
sources:
  /pager: {types: [incident.*], max_gap: 3h}
  /cd: {types: [deploy.*]}
`),
		"CH-01.yaml": file(`
id: CH-01
title: Deployments <script>alert(1)</script> are approved
criteria: [CC8.1]
severity: high
population: {event: deploy.completed, item: event.deploy_id}
assert: item.environment == "staging"
`),
		"IN-01.yaml": file(`
id: IN-01
title: Incidents have a severity
criteria: [CC7.3]
population: {event: incident.opened, item: event.incident_id}
assert: item.severity != ""
`),
	}
}

// world is a ClickHouse and a Kafka of a test's own, with rows of two tenants (default,
// other) in two quarters (q2, q3). What a row is about is in its ids: other-q2 is the
// other tenant's of the second quarter.
type world struct {
	testing.TB
	conn    clickhouse.Conn
	cluster *kfake.Cluster
	kafka   stream.Config
	bundle  *control.Bundle
	types   *dictionary.Dictionary
	cfg     console.Config
	tokens  map[string]string
	// clock is the console's, in nanoseconds; it stands still unless a test moves it.
	clock *atomic.Int64
}

// password is that of all users.
const password = "correct horse battery"

// everybody is who may sign in, each also with a token of the name and "-program".
func everybody() map[string]console.Grant {
	return map[string]console.Grant{
		"engineer": {Role: "engineer", Tenants: []string{"default"}},
		"approver": {Role: "approver", Tenants: []string{"default"}},
		"auditor":  {Role: "auditor", Tenants: []string{"default"}, Periods: []string{"2026-Q3"}},
		"admin":    {Role: "admin", Tenants: []string{"default"}},
		"olga":     {Role: "engineer", Tenants: []string{"other"}},
		"both":     {Role: "auditor", Tenants: []string{"default", "other"}, Periods: []string{"2026-Q3"}},
		"bound":    {Role: "engineer", Tenants: []string{"default"}, Periods: []string{"2026-Q3"}},
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, store := clickhousetest.Open(t)
	w := &world{TB: t, conn: conn, tokens: map[string]string{}, kafka: stream.Default(), clock: new(atomic.Int64)}
	w.clock.Store(time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC).UnixNano())
	var err error
	w.types, err = dictionary.Default()
	require.NoError(t, err)
	w.bundle, err = control.Load(library(), w.types)
	require.NoError(t, err)
	w.cluster, err = kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(w.cluster.Close)
	w.kafka.Brokers = w.cluster.ListenAddrs()
	require.NoError(t, stream.CreateTopics(t.Context(), w.client(), w.kafka, stream.Embedded))
	w.fill()

	w.cfg = console.Default()
	w.cfg.ClickHouse, w.cfg.Workspace = store, store
	if reader, ok := clickhousetest.Reader(t, store); ok {
		w.cfg.ClickHouse = reader
	}
	w.cfg.SessionKey = settings.Secret(strings.Repeat("k", 32))
	w.cfg.RecordTimeout = time.Second
	w.letIn(everybody())
	require.NoError(t, w.cfg.Validate())
	return w
}

// reading is a world that other tests have, too, each with its own clock: it saves a second
// each. Nothing is written to it, but what auditors read is on record there, whoever it was.
func reading(t testing.TB) *world {
	t.Helper()
	clickhousetest.Start(t)
	shared.once.Do(func() { shared.world = newWorld(clickhousetest.Lasting(t)) })
	s := shared.world
	require.NotNil(t, s, "making the world failed in an earlier test")
	w := *s
	w.TB, w.clock = t, new(atomic.Int64)
	w.clock.Store(s.clock.Load())
	return &w
}

var shared struct {
	once  sync.Once
	world *world
}

func (w *world) letIn(people map[string]console.Grant) {
	w.Helper()
	hash, err := console.HashPassword(password)
	require.NoError(w, err)
	for _, name := range slices.Sorted(maps.Keys(people)) {
		grant := people[name]
		w.cfg.Users = append(w.cfg.Users, console.User{Name: name, PasswordHash: settings.Secret(hash), Grant: grant})
		token, digest := console.NewToken()
		w.tokens[name] = token
		w.cfg.Tokens = append(w.cfg.Tokens, console.Token{ID: name + "-program", SHA256: digest.String(), Grant: grant})
	}
}

func (w *world) client(more ...kgo.Opt) *kgo.Client {
	w.Helper()
	opts, err := w.kafka.Options(zerolog.Nop())
	require.NoError(w, err)
	client, err := kgo.NewClient(append(opts, more...)...)
	require.NoError(w, err)
	w.Cleanup(client.Close)
	return client
}

// running is a console at work.
type running struct {
	*world
	url    string
	log    *lines
	cancel context.CancelFunc
	ended  chan struct{}
	err    error

	mu    sync.Mutex
	ready map[string]error
	lie   error
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// launch starts a console and doesn't wait for it.
func (w *world) launch(changes ...func(*console.Config)) *running {
	w.Helper()
	cfg := w.cfg
	for _, change := range changes {
		change(&cfg)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(w.Context())
	scheme := "http://"
	if cfg.CertFile != "" {
		scheme = "https://"
	}
	r := &running{world: w, url: scheme + listener.Addr().String(), log: &lines{}, cancel: cancel, ended: make(chan struct{}), ready: map[string]error{}}
	go func() {
		defer close(r.ended)
		r.err = console.Run(ctx, cfg, console.Deps{
			Log: zerolog.New(r.log), Metrics: prometheus.NewRegistry(), Ready: r.hear, Kafka: w.kafka,
			Bundle: w.bundle, Files: library(), Types: w.types, Program: "test", Listener: listener,
			Now: func() time.Time { return time.Unix(0, w.clock.Load()).UTC() },
		})
	}()
	w.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// hear holds the console to its word: once it says that a part is ready, it answers.
func (r *running) hear(part string, err error) {
	if err == nil && strings.HasPrefix(r.url, "http://") {
		resp, getErr := http.Get(r.url + "/login")
		if getErr == nil {
			resp.Body.Close()
		}
		if getErr != nil || resp.StatusCode != http.StatusOK {
			r.mu.Lock()
			r.lie = fmt.Errorf("it said that %q was ready, and answered no 200: %w", part, getErr)
			r.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready[part] = err
}

// isReady says whether the console said so of a part.
func (r *running) isReady(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	err, said := r.ready[part]
	return said && err == nil
}

// start starts a console and waits until it is ready.
func (w *world) start(changes ...func(*console.Config)) *running {
	w.Helper()
	r := w.launch(changes...)
	r.awaitReady()
	return r
}

func (r *running) awaitReady() {
	r.Helper()
	require.Eventually(r, func() bool {
		select {
		case <-r.ended:
			require.NoError(r, r.err)
			return false
		default:
			return r.isReady("")
		}
	}, patience, 5*time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NoError(r, r.lie)
}

func (r *running) stop() {
	r.Helper()
	r.cancel()
	select {
	case <-r.ended:
		require.NoError(r, r.err)
	case <-time.After(patience):
		require.Fail(r, "the console doesn't end")
	}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// problem is a refusal of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// change changes a request before it is sent.
type change = func(*http.Request)

func header(name, value string) change {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(token string) change { return header("Authorization", "Bearer "+token) }

func cookie(c *http.Cookie) change { return func(r *http.Request) { r.AddCookie(c) } }

// as sends the token of one of everybody.
func (w *world) as(name string) change {
	w.Helper()
	require.Contains(w, w.tokens, name)
	return bearer(w.tokens[name])
}

var browser = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       patience,
}

// ask sends a request to a path, and follows no redirect.
func (r *running) ask(method, path string, body io.Reader, changes ...change) answer {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+path, body)
	require.NoError(r, err)
	for _, c := range changes {
		c(req)
	}
	resp, err := browser.Do(req)
	require.NoError(r, err, path)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(r, err, path)
	return answer{resp.StatusCode, resp.Header, string(content)}
}

func (r *running) get(path string, changes ...change) answer {
	r.Helper()
	return r.ask(http.MethodGet, path, http.NoBody, changes...)
}

func (r *running) post(path string, form url.Values, changes ...change) answer {
	r.Helper()
	changes = append([]change{header("Content-Type", "application/x-www-form-urlencoded")}, changes...)
	return r.ask(http.MethodPost, path, strings.NewReader(form.Encode()), changes...)
}

// signIn is the form of somebody, filled in.
func signIn(user, with string) url.Values { return url.Values{"user": {user}, "password": {with}} }

// session signs somebody in and is the cookie.
func (r *running) session(user string) *http.Cookie {
	r.Helper()
	a := r.post("/login", signIn(user, password))
	require.Equal(r, http.StatusSeeOther, a.status, a.body)
	return a.cookie(r)
}

// cookie is the one that an answer sets.
func (a answer) cookie(t testing.TB) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	require.Len(t, cookies, 1)
	return cookies[0]
}

// problem is an answer read as one, which it must be.
func (a answer) problem(t testing.TB, status int, context ...any) problem {
	t.Helper()
	require.Equal(t, status, a.status, append(context, a.body)...)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"), context...)
	var p problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), context...)
	require.Equal(t, status, p.Status, context...)
	require.True(t, strings.HasPrefix(p.Type, "https://assay.example/problems/"), "%s: %v", p.Type, context)
	require.NotEmpty(t, p.Detail, context...)
	return p
}

// read is an evidence.read.
type read struct {
	*compliance.Event
	data map[string]any
}

// reads are all of them that stand in events.access.
func (w *world) reads() (list []read) {
	w.Helper()
	name := w.kafka.Topic("events.access")
	client := w.client(kgo.ConsumeTopics(name), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(w.Context(), name)
	require.NoError(w, err)
	left := int64(0)
	ends.Each(func(o kadm.ListedOffset) { left += o.Offset })
	kind, ok := w.types.Type("evidence.read")
	require.True(w, ok)
	for left > 0 {
		fetches := client.PollFetches(w.Context())
		require.NoError(w, fetches.Err())
		fetches.EachRecord(func(rec *kgo.Record) {
			left--
			ev, err := record.DecodeEvent(rec)
			require.NoError(w, err)
			require.Equal(w, "evidence.read", ev.Type)
			data, err := kind.Decode(rec.Value)
			require.NoError(w, err, "what is written is what the dictionary knows")
			list = append(list, read{ev, data})
		})
	}
	return list
}

// readCount is how many of them there are.
func (w *world) readCount(admin *kadm.Client) (n int64) {
	w.Helper()
	ends, err := admin.ListEndOffsets(w.Context(), w.kafka.Topic("events.access"))
	require.NoError(w, err)
	ends.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

// table is what was tried, and how it was answered; it is in the log of the test.
type table struct {
	testing.TB
	rows []string
}

func newTable(t testing.TB) *table {
	t.Helper()
	tab := &table{TB: t}
	t.Cleanup(func() {
		t.Logf("\n%-34s  %-58s  %s\n%s", "ATTACK", "TRIED", "ANSWERED", strings.Join(tab.rows, "\n"))
	})
	return tab
}

func (t *table) row(attack, tried, answered string) {
	t.rows = append(t.rows, fmt.Sprintf("%-34s  %-58s  %s", attack, tried, answered))
}

// withTLSInFront is a console behind a proxy that has TLS.
func withTLSInFront(c *console.Config) { c.PublicURL = "https://assay.example.com" }

// tally counts answers by status.
type tally map[int]int

func (t tally) String() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(t)) {
		parts = append(parts, fmt.Sprintf("%d × %d", t[status], status))
	}
	return strings.Join(parts, ", ")
}
