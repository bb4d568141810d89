package guard_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/notifier/internal/guard"
)

func TestAddresses(t *testing.T) {
	p := guard.NewPolicy()
	for name, list := range map[string][]string{
		"loopback":      {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"},
		"private":       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "::ffff:10.0.0.1"},
		"link-local":    {"169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"},
		"ULA":           {"fc00::1", "fd12:3456::1", "fd00:ec2::254"},
		"multicast":     {"224.0.0.1", "239.255.255.255", "ff02::1"},
		"unspecified":   {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"},
		"CGNAT":         {"100.64.0.1", "100.127.255.255"},
		"NAT64":         {"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1"},
		"tunnels":       {"2002:7f00:1::", "2001::1", "::7f00:1", "::ffff:0:7f00:1"},
		"site-local":    {"fec0::1"},
		"broadcast":     {"255.255.255.255", "240.0.0.1"},
		"documentation": {"192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"},
		"others":        {"198.18.0.1", "192.0.0.1", "100::1", "4000::1", "168.63.129.16"},
	} {
		for _, text := range list {
			require.ErrorIs(t, p.Check(netip.MustParseAddr(text)), guard.ErrForbidden, "%s: %s", name, text)
		}
	}
	for _, text := range []string{"1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "11.0.0.1", "2606:4700::1111", "::ffff:8.8.8.8"} {
		require.NoError(t, p.Check(netip.MustParseAddr(text)), text)
	}
	own := guard.NewPolicy(netip.MustParsePrefix("10.1.2.3/24"))
	require.NoError(t, own.Check(netip.MustParseAddr("10.1.2.200")))
	require.NoError(t, own.Check(netip.MustParseAddr("::ffff:10.1.2.200")))
	require.ErrorIs(t, own.Check(netip.MustParseAddr("10.1.3.1")), guard.ErrForbidden)
}

// server counts the requests that reach this machine's loopback.
func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	var hits atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if handler != nil {
			handler(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s, &hits
}

// post gives the status of an answer.
func post(t *testing.T, c *http.Client, address string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader("{}"))
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// However the loopback is written, nothing of the request arrives there.
func TestSpellingsOfTheLoopback(t *testing.T) {
	s, hits := server(t, nil)
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	c := guard.NewClient(guard.Options{Policy: guard.NewPolicy(), Timeout: 2 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "0.0.0.0", "0", "[::]", "[64:ff9b::7f00:1]", "localhost.",
	} {
		_, err := post(t, c, "http://"+host+":"+at.Port())
		require.Error(t, err, host) // refused, or no resolver knows the spelling
	}
	require.Zero(t, hits.Load())
	_, err = post(t, c, s.URL)
	require.ErrorIs(t, err, guard.ErrForbidden)

	open := guard.NewClient(guard.Options{Policy: guard.NewPolicy(netip.MustParsePrefix("127.0.0.0/8")), Timeout: 2 * time.Second})
	status, err := post(t, open, s.URL)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.EqualValues(t, 1, hits.Load(), "the test would see a request")
}

// A redirect is an answer: nobody goes where it points.
func TestRedirectsAreNotFollowed(t *testing.T) {
	inside, hits := server(t, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		door, _ := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, code) })
		c := guard.NewClient(guard.Options{Policy: guard.NewPolicy(netip.MustParsePrefix("127.0.0.0/8")), Timeout: 2 * time.Second})
		status, err := post(t, c, door.URL)
		require.NoError(t, err)
		require.Equal(t, code, status)
	}
	require.Zero(t, hits.Load())
}

func TestProxiesOfTheEnvironmentAreIgnored(t *testing.T) {
	proxy, hits := server(t, nil)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	c := guard.NewClient(guard.Options{Policy: guard.NewPolicy(netip.MustParsePrefix("127.0.0.0/8")), Timeout: time.Second})
	transport, ok := c.Transport.(*http.Transport)
	require.True(t, ok)
	require.Nil(t, transport.Proxy)
	_, err := post(t, c, "http://proxied.invalid/")
	require.Error(t, err)
	require.Zero(t, hits.Load())
}

// rebinding is a DNS server whose answers change: public first, loopback after.
type rebinding struct {
	conn  net.PacketConn
	asked atomic.Int32
}

func startRebinding(t *testing.T) *rebinding {
	t.Helper()
	conn, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	d := &rebinding{conn: conn}
	go d.serve()
	return d
}

func (d *rebinding) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := d.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if answer := d.answer(buf[:n]); answer != nil {
			_, _ = d.conn.WriteTo(answer, from)
		}
	}
}

// answer speaks just enough DNS for one A question without compression.
func (d *rebinding) answer(q []byte) []byte {
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	if end += 5; end > len(q) {
		return nil
	}
	out := append([]byte{}, q[:end]...)
	out[2], out[3] = 0x81, 0x80
	copy(out[8:12], []byte{0, 0, 0, 0})
	if binary.BigEndian.Uint16(q[end-4:]) != 1 { // not A: no answers
		out[6], out[7] = 0, 0
		return out
	}
	out[6], out[7] = 0, 1
	ip := []byte{127, 0, 0, 1}
	if d.asked.Add(1) == 1 {
		ip = []byte{93, 184, 216, 34}
	}
	return append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip...)
}

func (d *rebinding) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", d.conn.LocalAddr().String())
	}}
}

// A name that was public when somebody looked, and is the loopback when it is
// dialled, is refused: what counts is the address of the connection.
func TestDNSRebinding(t *testing.T) {
	s, hits := server(t, nil)
	at, err := url.Parse(s.URL)
	require.NoError(t, err)
	d := startRebinding(t)
	looked, err := d.resolver().LookupNetIP(t.Context(), "ip4", "rebind.example.com.")
	require.NoError(t, err)
	require.NoError(t, guard.NewPolicy().Check(looked[0]), "the first look is fine")

	c := guard.NewClient(guard.Options{Policy: guard.NewPolicy(), Timeout: 2 * time.Second, Resolver: d.resolver()})
	_, err = post(t, c, "http://rebind.example.com.:"+at.Port())
	require.ErrorIs(t, err, guard.ErrForbidden)
	require.Zero(t, hits.Load())
	require.GreaterOrEqual(t, d.asked.Load(), int32(2))

	open := guard.NewClient(guard.Options{Policy: guard.NewPolicy(netip.MustParsePrefix("127.0.0.0/8")), Timeout: 2 * time.Second, Resolver: d.resolver()})
	_, err = post(t, open, "http://rebind.example.com.:"+at.Port())
	require.NoError(t, err, "the test's resolver leads to the server")
}

func TestTLSIsChecked(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	local := guard.NewPolicy(netip.MustParsePrefix("127.0.0.0/8"))
	_, err := post(t, guard.NewClient(guard.Options{Policy: local, Timeout: 2 * time.Second}), s.URL)
	require.ErrorContains(t, err, "certificate")
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	_, err = post(t, guard.NewClient(guard.Options{Policy: local, Timeout: 2 * time.Second, TLS: &tls.Config{RootCAs: roots}}), s.URL)
	require.NoError(t, err)
}
