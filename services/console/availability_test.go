package console_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/console"
)

// wire stands between the console and ClickHouse, and can be cut.
type wire struct {
	testing.TB
	address, target string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
	held     chan struct{} // closed when answers may pass; nil if they may
	asked    chan struct{} // hears of each request that is held
}

// wired is a wire to the world's ClickHouse, cut for now, and a configuration that uses it.
func (w *world) wired() (*wire, func(*console.Config)) {
	w.Helper()
	u, err := url.Parse(w.cfg.ClickHouse.Address)
	require.NoError(w, err)
	x := &wire{TB: w, address: nowhere(w), target: u.Host, asked: make(chan struct{}, 100)}
	w.Cleanup(x.cut)
	return x, func(c *console.Config) { c.ClickHouse.Address = "http://" + x.address }
}

// mend lets requests through.
func (x *wire) mend() {
	x.Helper()
	l, err := net.Listen("tcp", x.address)
	require.NoError(x, err)
	x.mu.Lock()
	x.listener = l
	x.mu.Unlock()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go x.carry(conn)
		}
	}()
}

func (x *wire) carry(in net.Conn) {
	out, err := net.Dial("tcp", x.target)
	if err != nil {
		in.Close()
		return
	}
	x.mu.Lock()
	x.conns = append(x.conns, in, out)
	x.mu.Unlock()
	go func() { _, _ = io.Copy(out, in); out.Close() }()
	_, _ = io.Copy(in, &gate{out, x})
	in.Close()
}

// gate holds what comes back while its wire is held.
type gate struct {
	net.Conn
	wire *wire
}

func (g *gate) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.wire.mu.Lock()
	held := g.wire.held
	g.wire.mu.Unlock()
	if held != nil {
		g.wire.asked <- struct{}{}
		<-held
	}
	return n, err
}

// hold keeps answers back, until release is called.
func (x *wire) hold() (release func()) {
	held := make(chan struct{})
	x.mu.Lock()
	defer x.mu.Unlock()
	x.held = held
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.held = nil
		close(held)
	}
}

// cut ends all connections and accepts no more.
func (x *wire) cut() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.listener != nil {
		_ = x.listener.Close()
	}
	for _, c := range x.conns {
		_ = c.Close()
	}
	x.listener, x.conns = nil, nil
}

// Without ClickHouse everything is refused with 503, whenever it goes, and nothing else
// ends: once it is there, so are the answers.
func TestClickHouseComesAndGoes(t *testing.T) {
	w := newWorld(t)
	x, through := w.wired()
	r := w.launch(through)
	for _, path := range []string{"/", "/login", "/api/v1/me", "/openapi.json", "/none"} {
		a := r.get(path)
		a.problem(t, http.StatusServiceUnavailable, path)
		require.NotEmpty(t, a.header.Get("Retry-After"), path)
	}
	require.Eventually(t, func() bool { return r.saidOf("clickhouse") != nil }, patience, 5*time.Millisecond)
	require.False(t, r.isReady(""))
	x.mend()
	r.awaitReady()
	require.True(t, r.isReady("clickhouse"))
	require.Equal(t, http.StatusOK, r.get("/api/v1/items", r.as("engineer")).status)
	session := r.session("engineer")
	x.cut()
	for _, path := range []string{"/api/v1/items", "/api/v1/items/CH-01/DEP-1", "/api/v1/periods/2026-Q3/report", "/api/v1/health", "/api/v1/events/assay.events.access/0/1"} {
		p := r.get(path, cookie(session)).problem(t, http.StatusServiceUnavailable, path)
		require.Contains(t, p.Detail, "ClickHouse")
		require.NotContains(t, p.Detail, x.address, "outsiders aren't told what lies inside")
	}
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(session)).status, "what needs no ClickHouse goes on")
	before := len(r.reads())
	r.get("/api/v1/items", r.as("auditor")).problem(t, http.StatusServiceUnavailable)
	require.Len(t, r.reads(), before, "nothing was read")
	x.mend()
	require.Equal(t, http.StatusOK, r.get("/api/v1/items", cookie(session)).status)
}

// saidOf is the fault that the console told of a part, if any.
func (r *running) saidOf(part string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ready[part]
}

// Requests in hand are answered when the console is stopped.
func TestRequestsInHandAreAnswered(t *testing.T) {
	w := newWorld(t)
	x, through := w.wired()
	x.mend()
	r := w.start(through)
	require.Equal(t, http.StatusOK, r.get("/api/v1/items", r.as("auditor")).status)
	release := x.hold()
	got := make(chan answer, 1)
	go func() { got <- r.get("/api/v1/items", r.as("auditor")) }()
	select {
	case <-x.asked:
	case <-time.After(patience):
		require.Fail(t, "nothing was asked")
	}
	r.cancel()
	require.Eventually(t, func() bool { // it takes no more
		conn, err := net.Dial("tcp", r.url[len("http://"):])
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, patience, 5*time.Millisecond)
	release()
	a := <-got
	require.Equal(t, http.StatusOK, a.status, a.body)
	require.Contains(t, a.body, "DEP-1")
	r.stop()
	require.Len(t, w.reads(), 2)
}

// A configuration that can't be used ends the console, and does not make it wait.
func TestFaultsAtTheStart(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[string]func(*console.Config){
		"sessionKeyFile": func(c *console.Config) { c.SessionKey, c.SessionKeyFile = "", filepath.Join(t.TempDir(), "none") },
		"nobody could":   func(c *console.Config) { c.Users, c.Tokens = nil, nil },
		"is not a name":  func(c *console.Config) { c.ClickHouse.Database = "a b" },
		"no such file":   func(c *console.Config) { c.CertFile, c.KeyFile = "none.pem", "none.pem" },
	} {
		r := w.launch(change)
		select {
		case <-r.ended:
		case <-time.After(patience):
			require.Fail(t, "it goes on", want)
		}
		require.ErrorContains(t, r.err, want)
		require.NotContains(t, r.err.Error(), "argon2id")
	}
}

// selfSigned writes a certificate for 127.0.0.1 and its key.
func selfSigned(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secretDER, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	certFile, keyFile = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(certFile, certPEM, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secretDER}), 0o600))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return certFile, keyFile, pool
}

// With a certificate it speaks TLS only, with cookies that need it.
func TestTLS(t *testing.T) {
	w := reading(t)
	certFile, keyFile, pool := selfSigned(t)
	r := w.start(func(c *console.Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, CheckRedirect: browser.CheckRedirect}
	defer client.CloseIdleConnections()
	resp, err := client.PostForm(r.url+"/login", signIn("engineer", password))
	require.NoError(t, err)
	defer resp.Body.Close()
	c := answer{resp.StatusCode, resp.Header, ""}.cookie(t)
	require.Equal(t, []any{"__Host-assay", true}, []any{c.Name, c.Secure})
	require.NotEmpty(t, resp.Header.Get("Strict-Transport-Security"))
	plain, err := http.Get("http" + r.url[len("https"):])
	require.NoError(t, err)
	defer plain.Body.Close()
	require.Equal(t, http.StatusBadRequest, plain.StatusCode)
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}}
	_, err = old.Get(r.url) //nolint:bodyclose // there is none
	require.Error(t, err)
}

// The log warns where passwords can be read on their way.
func TestWarnsWithoutTLS(t *testing.T) {
	w := reading(t)
	const warning = "without TLS"
	require.NotContains(t, w.start().log.String(), warning)
	everywhere := func(c *console.Config) { c.Listen = "0.0.0.0:8080" }
	require.Contains(t, w.start(everywhere).log.String(), warning)
	require.NotContains(t, w.start(everywhere, withTLSInFront).log.String(), warning)
}
