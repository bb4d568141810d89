package daemon_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/daemon"
)

// freePort is one that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func get(url string) (int, string) {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

// TestProbesThroughALife follows one process from start to end.
func TestProbesThroughALife(t *testing.T) {
	addr := freePort(t)
	readies, asked, release := make(chan daemon.Ready), make(chan struct{}), make(chan struct{})
	evaluator := daemon.Component{Name: "evaluator", Run: func(ctx context.Context, ready daemon.Ready) error {
		ready("router", errors.New("starting"))
		readies <- ready
		<-ctx.Done()
		close(asked)
		<-release
		return nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error)
	go func() {
		result <- daemon.Run(ctx, daemon.Options{
			Admin: daemon.Admin{Listen: addr}, Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(),
		}, evaluator)
	}()
	ready := <-readies
	url := "http://" + addr
	expect := func(path string, code int, body string) {
		t.Helper()
		gotCode, gotBody := get(url + path)
		require.Equal(t, body, gotBody)
		require.Equal(t, code, gotCode)
	}

	ready("judge", errors.New("restoring"))
	expect("/livez", 200, "ok\n")
	expect("/startupz", 503, "[+] admin: ok\n[-] evaluator: starting\nnot ready\n")
	expect("/readyz", 503, "[+] admin: ok\n[-] evaluator/judge: restoring\n[-] evaluator/router: starting\nnot ready\n")

	ready("router", nil)
	ready("judge", nil)
	expect("/startupz", 200, "ok\n")
	expect("/readyz", 200, "ok\n")
	expect("/readyz?verbose", 200, "[+] admin: ok\n[+] evaluator/judge: ok\n[+] evaluator/router: ok\nok\n")
	_, metrics := get(url + "/metrics")
	require.Contains(t, metrics, `assay_daemon_component_ready{component="evaluator"} 1`)

	ready("judge", errors.New("the group rebalances"))
	expect("/readyz", 503, "[+] admin: ok\n[-] evaluator/judge: the group rebalances\n[+] evaluator/router: ok\nnot ready\n")
	expect("/startupz", 200, "ok\n")
	ready("judge", nil)

	cancel()
	<-asked
	expect("/readyz", 503, "[-] process: stopping\n[+] admin: ok\n[+] evaluator/judge: ok\n[+] evaluator/router: ok\nnot ready\n")
	expect("/livez", 200, "ok\n")
	_, metrics = get(url + "/metrics")
	require.Contains(t, metrics, `assay_daemon_component_ready{component="evaluator"} 0`)

	close(release)
	require.NoError(t, <-result)
	code, _ := get(url + "/livez")
	require.Zero(t, code, "the port is closed")
}

func TestPprofOnlyWhenAsked(t *testing.T) {
	for on, want := range map[bool]int{false: 404, true: 200} {
		addr := freePort(t)
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			result <- daemon.Run(ctx, daemon.Options{Admin: daemon.Admin{Listen: addr, Pprof: on}, Log: zerolog.Nop()})
		}()
		require.Eventually(t, func() bool {
			code, _ := get("http://" + addr + "/debug/pprof/")
			return code == want
		}, 5*time.Second, 10*time.Millisecond)
		cancel()
		require.NoError(t, <-result)
	}
}

func TestTakenPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	err = daemon.Run(t.Context(), daemon.Options{Admin: daemon.Admin{Listen: listener.Addr().String()}, Log: zerolog.Nop()})
	require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
	require.ErrorContains(t, err, "set admin.listen to a free port")
}

func TestAdminValidate(t *testing.T) {
	require.NoError(t, daemon.Admin{}.Validate())
	require.NoError(t, daemon.Admin{Listen: "127.0.0.1:9090"}.Validate())
	require.ErrorContains(t, daemon.Admin{Listen: "9090"}.Validate(), `listen: "9090" is not host:port`)
}
