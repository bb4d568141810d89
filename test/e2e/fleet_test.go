//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/stream"
)

// smallStory is a fiftieth of the whole one, over the same quarter.
const smallStory = "--small"

// fleet is one installation: topics under a prefix and a database of its own, and
// the services as processes.
type fleet struct {
	t          *testing.T
	size       []string // the flag of the story's
	kafka      stream.Config
	database   clickhouse.Config
	conn       clickhouse.Conn
	folder     string
	config     string
	door       string // the collector's address
	collector  *process
	evaluators []*process
	recorders  []*process
	types      *dictionary.Dictionary
	bundle     *control.Bundle
}

// newFleet makes topics, tables and the controls of a story with the product's own
// tools, and starts nothing.
func newFleet(t *testing.T, size ...string) *fleet {
	t.Helper()
	if os.Getenv("ASSAY_E2E_SMALL") != "" {
		size = []string{smallStory}
	}
	f := &fleet{t: t, size: size, folder: t.TempDir(), kafka: stream.Default(), database: clickhousetest.Database(t)}
	f.kafka.Brokers = []string{broker(t)}
	f.kafka.TopicPrefix = fmt.Sprintf("%s-%d.", lowerName(t), time.Now().UnixMilli())
	f.config = filepath.Join(f.folder, "assay.yaml")
	f.writeConfig()
	f.run(time.Minute, "topics", "create")
	f.run(time.Minute, "migrate")
	controls := filepath.Join(f.folder, "controls")
	f.run(time.Minute, append([]string{"demo", "controls", controls}, f.size...)...)
	var err error
	f.types, err = dictionary.Default()
	require.NoError(t, err)
	f.bundle, err = control.Load(os.DirFS(controls), f.types)
	require.NoError(t, err)
	f.conn, err = clickhouse.Open(t.Context(), f.database)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.conn.Close()) })
	return f
}

func (f *fleet) writeConfig() {
	text, err := yaml.Marshal(map[string]any{
		"demo":     true,
		"controls": filepath.Join(f.folder, "controls"),
		"log":      map[string]any{"level": "info", "format": "json"},
		"kafka":    map[string]any{"brokers": f.kafka.Brokers, "topicPrefix": f.kafka.TopicPrefix},
		"clickhouse": map[string]any{
			"address": f.database.Address, "database": f.database.Database,
			"username": f.database.Username, "password": f.database.Password.Reveal(),
		},
		// The shortest session that brokers allow: what is killed comes back sooner.
		"evaluator": map[string]any{"clock": "external", "sessionTimeout": "6s"},
		"recorder":  map[string]any{"group": f.kafka.TopicPrefix + "recorder", "sessionTimeout": "6s"},
	})
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(f.config, text, 0o600))
}

// service prepares a process and sees to its end.
func (f *fleet) service(name string, args ...string) *process {
	p := &process{name: name, admin: freeAddress(f.t), path: binary(f.t), log: filepath.Join(f.folder, name+".log")}
	p.args = append(args, "--config", f.config, "--set", "admin.listen="+p.admin, "--set", "admin.pprof=true")
	require.NoError(f.t, p.start())
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.keep(p)
		}
		if p.running() {
			p.kill()
		}
	})
	return p
}

// keep saves what a process said, and what it is doing, of a test that failed.
func (f *fleet) keep(p *process) {
	folder := filepath.Join(os.TempDir(), "assay-e2e-failed", f.kafka.TopicPrefix+p.name)
	f.t.Logf("%s wrote last (more is in %s):\n%s", p.name, folder, tail(p.log))
	require.NoError(f.t, os.MkdirAll(folder, 0o700))
	raw, err := os.ReadFile(p.log)
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(folder, "log"), raw, 0o600))
	for name, path := range map[string]string{"goroutines": "/debug/pprof/goroutine?debug=2", "metrics": "/metrics"} {
		require.NoError(f.t, os.WriteFile(filepath.Join(folder, name), p.ask(path), 0o600))
	}
}

// start runs the services and waits until all are ready.
func (f *fleet) start(evaluators, recorders int) {
	f.t.Helper()
	f.door = freeAddress(f.t)
	f.collector = f.service("collector", "collector", "--set", "collector.listen="+f.door)
	for i := range evaluators {
		name := fmt.Sprintf("evaluator-%d", i+1)
		f.evaluators = append(f.evaluators, f.service(name, "evaluator", "--set", "evaluator.instance="+name))
	}
	for i := range recorders {
		f.recorders = append(f.recorders, f.service(fmt.Sprintf("recorder-%d", i+1), "recorder"))
	}
	for _, p := range f.all() {
		require.NoError(f.t, p.awaitReady())
	}
}

// all are the services along the flow.
func (f *fleet) all() []*process {
	list := []*process{f.collector}
	list = append(list, f.evaluators...)
	return append(list, f.recorders...)
}

// run is one of the product's tools; it must succeed.
func (f *fleet) run(within time.Duration, args ...string) string {
	f.t.Helper()
	out, err := f.try(f.t.Context(), within, args...)
	require.NoError(f.t, err)
	return out
}

// try is run for a tool that may fail.
func (f *fleet) try(ctx context.Context, within time.Duration, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c := exec.CommandContext(ctx, binary(f.t), append(args, "--config", f.config)...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("assay %v: %w\n%s%s", args, errors.Join(err, context.Cause(ctx)), out.String(), said.String())
	}
	return out.String(), nil
}

// client reads and writes as anybody could.
func (f *fleet) client(opts ...kgo.Opt) *kgo.Client {
	f.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.kafka.Brokers...)}, opts...)...)
	require.NoError(f.t, err)
	f.t.Cleanup(cl.Close)
	return cl
}
