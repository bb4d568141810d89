package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
)

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
	// lockTimeout is how long a start waits for the lock of an engine that was
	// killed and hasn't let go yet.
	lockTimeout   = 15 * time.Second
	pollInterval  = 10 * time.Millisecond
	defaultMemory = 1200 << 20
	tailLines     = 15
	unsupported   = "this build can't run ClickHouse itself, which needs Linux on x86-64 with glibc: " +
		"set clickhouse.address to a server's"
)

// ClickHouseOptions say what to run and where.
type ClickHouseOptions struct {
	// DataDir belongs to one engine at a time, and is made if absent.
	DataDir string
	// Port is 127.0.0.1's; a free one if 0.
	Port int
	// Engine comes from FindEngine.
	Engine Engine
	// Database is put into Config; default "assay". Migrate makes it.
	Database string
	// MaxMemory bounds what queries and merges take together; default 1.2 GB.
	MaxMemory int64
	// Shards makes the engine one of a cluster.
	Shards Shards
	// StopAfter is how long Stop waits before it kills; default 30 s.
	StopAfter time.Duration
	Log       zerolog.Logger
}

// Shards are engines of one machine that hold a shard each, without replicas. For tests:
// engines then listen on ClickHouse's native protocol, of which garbage ends them.
type Shards struct {
	// Cluster is the name; empty for an engine by itself.
	Cluster string
	// Ports are those of the native protocol, one for each engine; This is the engine's own.
	Ports []int
	This  int
}

// ClickHouse is a running engine.
type ClickHouse struct {
	opts     ClickHouseOptions
	files    layout
	port     int
	writer   settings.Secret
	reader   settings.Secret
	cmd      *exec.Cmd
	lifeline *os.File
	unlock   func() // the folder, for the next engine of any process
	done     chan struct{}
	exit     error // after done
}

// StartClickHouse returns when the engine answers queries. ctx bounds the start
// only; an engine lives until Stop, or until this process ends.
func StartClickHouse(ctx context.Context, o ClickHouseOptions) (*ClickHouse, error) {
	if !supported {
		return nil, compliance.Errorf(compliance.Unavailable, "%s", unsupported)
	}
	o = o.withDefaults()
	files, err := layoutOf(o.DataDir)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	unlock, err := files.lock()
	if err != nil {
		return nil, err
	}
	c := &ClickHouse{
		opts: o, files: files, unlock: unlock,
		writer: settings.Secret(rand.Text()), reader: settings.Secret(rand.Text()),
	}
	began := time.Now()
	if err := c.start(ctx); err != nil {
		unlock()
		return nil, err
	}
	o.Log.Info().Int("port", c.port).Int("pid", c.cmd.Process.Pid).Dur("took", time.Since(began)).
		Msg("embedded ClickHouse is up")
	return c, nil
}

func (o ClickHouseOptions) withDefaults() ClickHouseOptions {
	if o.Database == "" {
		o.Database = "assay"
	}
	if o.MaxMemory == 0 {
		o.MaxMemory = defaultMemory
	}
	if o.StopAfter == 0 {
		o.StopAfter = stopTimeout
	}
	return o
}

// Config reaches the engine as a user that may do everything with tables and
// nothing with files, addresses or users.
func (c *ClickHouse) Config() clickhouse.Config { return c.config(writerName, c.writer) }

// ReaderConfig reaches the engine as a user that only reads.
func (c *ClickHouse) ReaderConfig() clickhouse.Config { return c.config(readerName, c.reader) }

func (c *ClickHouse) config(user string, password settings.Secret) clickhouse.Config {
	return clickhouse.Config{
		Address: c.url(""), Database: c.opts.Database, Username: user, Password: password,
	}
}

// Done is closed when the engine has ended, in order or not.
func (c *ClickHouse) Done() <-chan struct{} { return c.done }

// PID is the engine's process.
func (c *ClickHouse) PID() int { return c.cmd.Process.Pid }

func (c *ClickHouse) url(path string) string {
	return fmt.Sprintf("http://127.0.0.1:%d%s", c.port, path)
}

// start repeats a try that met the lock of an engine that was killed and hasn't
// let go yet.
func (c *ClickHouse) start(ctx context.Context) error {
	if err := c.files.claim(c.opts.Engine); err != nil {
		return err
	}
	patience, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		err := c.try(ctx)
		if !errors.Is(err, errLocked) {
			return err
		}
		select {
		case <-time.After(20 * pollInterval):
		case <-patience.Done():
			return err
		}
	}
}

func (c *ClickHouse) try(ctx context.Context) error {
	port, err := freePort(ctx, "ClickHouse", c.opts.Port)
	if err != nil {
		return err
	}
	c.port = port
	if err := c.files.write(port, c.writer.Reveal(), c.reader.Reveal(), c.opts); err != nil {
		return err
	}
	if err := c.launch(); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return c.failed(err)
	}
	return nil
}

// launch starts the child and its watcher.
func (c *ClickHouse) launch() error {
	log, err := c.files.openLog()
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	theirs, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the engine's lifeline: %w", err)
	}
	defer func() { _ = theirs.Close() }()
	c.cmd, err = engineProcess(c.orders(), theirs, log, c.files.data)
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting ClickHouse's process: %w", err), ours.Close())
	}
	c.lifeline, c.done = ours, make(chan struct{})
	go func() { c.exit = c.cmd.Wait(); close(c.done) }()
	return nil
}

// orders for the library avoid the word `local`, which it takes for a command.
func (c *ClickHouse) orders() orders {
	config := "--config-file=" + c.files.config
	if c.opts.Engine.Binary != "" {
		return orders{Binary: c.opts.Engine.Binary, Args: []string{"server", config}}
	}
	return orders{Library: c.opts.Engine.Library, Args: []string{
		"clickhouse", config, "--path=" + c.files.data, "--listen_host=127.0.0.1",
		fmt.Sprintf("--http_port=%d", c.port), "--log-level=warning", "--multiquery", "--query", c.opts.Shards.listen() + lifelineQuery(),
	}}
}

// listen opens the native protocol.
func (s Shards) listen() string {
	if s.Cluster == "" {
		return ""
	}
	return "SYSTEM START LISTEN TCP; "
}

// awaitReady asks with this start's own password, so that no other server on the
// port passes for ours.
func (c *ClickHouse) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-c.done:
			return fmt.Errorf("it ended while it started: %w", orEnded(c.exit))
		case <-ctx.Done():
			return fmt.Errorf("it wasn't ready in time: %w", ctx.Err())
		case <-tick.C:
		}
		if c.answers(ctx) {
			return nil
		}
	}
}

// errEnded is an exit with code 0, which is as wrong during a start as any other.
var errEnded = errors.New("it exited with code 0")

func orEnded(err error) error {
	if err == nil {
		return errEnded
	}
	return err
}

func (c *ClickHouse) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	// Asking for the second query shows that the first has passed and the
	// lifeline holds: HTTP answers a moment before that.
	const question = "SELECT count() FROM system.processes WHERE user = 'default' OR initial_user = ''"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url("/"), strings.NewReader(question))
	if err != nil {
		return false
	}
	request.SetBasicAuth(writerName, c.writer.Reveal())
	request.Close = true // an idle connection would hold up the engine's stop
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	_ = response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK {
		return false
	}
	return c.opts.Engine.Binary != "" || strings.TrimSpace(string(body)) != "0"
}

// Stop ends the engine in order: its writes are finished and its lock is freed.
// After StopAfter it is killed, which loses nothing acknowledged but is an error.
// Clients should be closed before. A second Stop returns the first one's answer.
func (c *ClickHouse) Stop() error {
	defer c.unlock()
	_ = c.lifeline.Close()
	select {
	case <-c.done:
	case <-time.After(c.opts.StopAfter):
		_ = c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("ClickHouse didn't stop within %s and was killed", c.opts.StopAfter)
	}
	if c.exit != nil {
		return fmt.Errorf("stopping ClickHouse: %w", c.exit)
	}
	return nil
}

// errLocked marks a start that may work a moment later.
var errLocked = errors.New("an engine that was killed still holds the data folder")

// failed ends what is left of a start and puts the log's end into the error.
func (c *ClickHouse) failed(cause error) error {
	_ = c.lifeline.Close()
	_ = c.cmd.Process.Kill()
	<-c.done
	tail := c.files.logTail()
	if strings.Contains(tail, "Cannot lock file") {
		cause = fmt.Errorf("%w (%w)", errLocked, cause)
	}
	return compliance.Errorf(compliance.Unavailable,
		"starting ClickHouse in %s: %w. Its log (%s) ends with:\n%s", c.files.root, cause, c.files.log, tail)
}

// freePort keeps a wanted port that nobody has, or finds one. Another process
// can still take it before the engine does; the start fails then.
func freePort(ctx context.Context, what string, wanted int) (int, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", wanted))
	if err != nil {
		return 0, compliance.Errorf(compliance.Unavailable, "finding a port for %s: %w: free it or choose another", what, err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck,forcetypeassert // a TCP listener's address
}
