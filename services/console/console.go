// Package console is what people and programs read from: pages, and an API that is
// described in OpenAPI 3.1.
//
// It reads ClickHouse, with the questions of pkg/ask, and the controls of a bundle.
// It writes evidence.read events to events.access: one for each thing that an auditor
// asks for, before it is answered.
//
// It guarantees:
//   - Nothing but the login, its assets and the API's description is answered to
//     somebody who is not known.
//   - Every answer is about one tenant, which is one of the viewer's, and an auditor
//     sees nothing outside the own periods. How far topics are on record, which roles
//     that run the system may see, is the one thing about all tenants.
//   - What an auditor reads is in Kafka before the first byte of the answer is sent, or
//     isn't answered.
//   - No other site can act for somebody who is signed in, nor frame a page; no page
//     runs a script.
//   - It changes nothing that Assay says. What it writes are people's words in the
//     workspaces of engagements, by a connection that serves nothing else.
package console

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/console/internal/login"
	"assay.example/assay/services/console/internal/reads"
)

// Deps are what the console is given.
type Deps struct {
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Ready hears of the part "" (the port) and of "clickhouse".
	Ready daemon.Ready
	Kafka stream.Config
	// Bundle is the rule set that pages and reports speak of, Files where its controls
	// were read from, and Arguments those that named it on a command line.
	Bundle    *control.Bundle
	Files     fs.FS
	Arguments []string
	// Program is the version of the program.
	Program string
	// Types is the dictionary; nil stands for the product's.
	Types *dictionary.Dictionary
	// Now is the wall clock; nil stands for the machine's.
	Now func() time.Time
	// Listener is used instead of Config.Listen, if set. Run closes it.
	Listener net.Listener
}

// Run answers requests until ctx is cancelled, and then those in hand.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	access, err := cfg.resolve()
	if err != nil {
		return err
	}
	if err := deps.complete(); err != nil {
		return err
	}
	metrics, err := newMetrics(deps.Metrics)
	if err != nil {
		return fmt.Errorf("registering the console's metrics: %w", err)
	}
	gate, err := newGate(cfg, deps, access, metrics)
	if err != nil {
		return err
	}
	warn(cfg, deps, access)
	client, err := newClient(cfg, deps)
	if err != nil {
		return err
	}
	defer client.Close()
	listener, err := listen(ctx, cfg, deps)
	if err != nil {
		return err
	}
	deps.Log.Info().Stringer("address", listener.Addr()).Bool("tls", cfg.CertFile != "").Int("users", len(cfg.Users)).Int("tokens", len(cfg.Tokens)).Msg("console listens")
	group, ctx := errgroup.WithContext(ctx)
	late := &lateHandler{}
	var conn, writer clickhouse.Conn
	group.Go(func() error { return serve(ctx, cfg, deps, listener, secured(access.secure, late)) })
	group.Go(func() error {
		var err error
		if conn, err = awaitClickHouse(ctx, cfg.ClickHouse, deps); conn == nil || err != nil {
			return err
		}
		if writer, err = openWriter(ctx, cfg, conn); err != nil {
			return err
		}
		h, err := newHandler(cfg, deps, conns{conn, writer}, client, gate, metrics)
		if err != nil {
			return err
		}
		late.set(h)
		// Only now: whoever hears of one part that is ready, and of none that isn't, asks.
		deps.Ready("clickhouse", nil)
		deps.Ready("", nil)
		return nil
	})
	err = group.Wait()
	conns{conn, writer}.close() // the requests in hand, which serve has waited for, needed them
	return err
}

// conns are the connections: one reads, one writes in workspaces.
type conns struct{ reads, writes clickhouse.Conn }

func (c conns) close() {
	if c.writes != nil && c.writes != c.reads {
		_ = c.writes.Close()
	}
	if c.reads != nil {
		_ = c.reads.Close()
	}
}

// openWriter is the connection that workspaces are written by.
func openWriter(ctx context.Context, cfg Config, conn clickhouse.Conn) (clickhouse.Conn, error) {
	if cfg.Workspace.Address == "" {
		return conn, nil
	}
	return clickhouse.Open(ctx, cfg.Workspace)
}

// warn says what a configuration leaves open that may be meant.
func warn(cfg Config, deps Deps, access resolved) {
	host, _, _ := net.SplitHostPort(cfg.Listen)
	ip, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && ip.IsLoopback()
	if !access.secure && !loopback {
		deps.Log.Warn().Str("listen", cfg.Listen).Msg("others may reach the console without TLS and read passwords and sessions on their way; set certFile, or publicURL to https:// where a proxy in front has TLS")
	}
	if cfg.SessionKey == "" && cfg.SessionKeyFile == "" {
		deps.Log.Info().Msg("sessions end with this process, since sessionKey is not set")
	}
}

func (d *Deps) complete() error {
	if d.Bundle == nil || d.Files == nil {
		return compliance.Errorf(compliance.Internal, "the console needs a bundle of controls and its files")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	var err error
	if d.Types == nil {
		d.Types, err = dictionary.Default()
	}
	return err
}

func newGate(cfg Config, deps Deps, access resolved, metrics *metrics) (*login.Gate, error) {
	key, err := cfg.sessionKey()
	if err != nil {
		return nil, err
	}
	if len(key) == 0 {
		key = make([]byte, leastKey)
		_, _ = rand.Read(key) // never fails
	}
	return login.New(login.Options{
		Users: access.users, Tokens: access.tokens, Key: key, Secure: access.secure, Proxies: access.proxies,
		Now: deps.Now, Log: deps.Log, Count: func(outcome string) { metrics.logins.WithLabelValues(outcome).Inc() },
	}), nil
}

func newClient(cfg Config, deps Deps) (*kgo.Client, error) {
	opts, err := deps.Kafka.Options(deps.Log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, reads.Options(cfg.RecordTimeout)...)...)
	if err != nil {
		return nil, fmt.Errorf("making the Kafka client: %w", err)
	}
	return client, nil
}

// askEvery is how often a ClickHouse that doesn't answer is asked again.
const askEvery = time.Second

// awaitClickHouse waits until ClickHouse answers; nil if ctx ends first.
func awaitClickHouse(ctx context.Context, cfg clickhouse.Config, deps Deps) (clickhouse.Conn, error) {
	for said := false; ; {
		conn, err := clickhouse.Open(ctx, cfg)
		if err == nil {
			return conn, nil
		}
		if compliance.CodeOf(err) == compliance.Invalid {
			return nil, err
		}
		deps.Ready("clickhouse", err)
		if !said {
			deps.Log.Warn().Err(err).Msg("ClickHouse does not answer; asking again until it does")
			said = true
		}
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // the console ends before it began
		case <-time.After(askEvery):
		}
	}
}

func listen(ctx context.Context, cfg Config, deps Deps) (net.Listener, error) {
	if deps.Listener != nil {
		return deps.Listener, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "listening for browsers: %w; set console.listen to a free port", err)
	}
	return l, nil
}

// serve returns nil when ctx is cancelled and the requests in hand are answered.
func serve(ctx context.Context, cfg Config, deps Deps, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	cut, err := daemon.Serve(ctx, server, listener, cfg.CertFile, cfg.KeyFile, cfg.ShutdownTimeout)
	if err != nil {
		return fmt.Errorf("serving pages: %w", err)
	}
	if cut {
		deps.Log.Warn().Msg("some requests did not finish in time")
	}
	return nil
}
