package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/daemon/daemontest"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/collector"
)

// TestUpSurvivesAKillAndAStop: after kill -9 verdicts are made again from the
// events and say so; after a smooth stop nothing is made again; both times the
// next event is judged.
func TestUpSurvivesAKillAndAStop(t *testing.T) {
	clickhousetest.Library(t)
	dir := t.TempDir()
	first := startUp(t, dir)
	first.signIn("one", true)
	first.awaitOutcome("one", "pass")
	first.end(syscall.SIGKILL)

	second := startUp(t, dir)
	require.Contains(t, second.log.String(), "the last stop was unclean")
	second.awaitOutcome("one", "pass")
	second.signIn("two", false)
	second.awaitOutcome("two", "deviation")
	require.NoError(t, second.end(syscall.SIGTERM), second.log.String())

	third := startUp(t, dir)
	require.NotContains(t, third.log.String(), "the last stop was unclean")
	third.awaitOutcome("one", "pass")
	third.awaitOutcome("two", "deviation")
	third.signIn("three", true)
	third.awaitOutcome("three", "pass")
	require.NoError(t, third.end(syscall.SIGTERM), third.log.String())
}

// upProcess is one `assay up`.
type upProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    *daemontest.Log
	dir    string
	events string
	ended  chan error
	conn   clickhouse.Conn
}

func startUp(t *testing.T, dir string) *upProcess {
	t.Helper()
	free, err := daemontest.Addresses(2)
	require.NoError(t, err)
	events, admin := free[0], free[1]
	p := &upProcess{t: t, log: &daemontest.Log{}, dir: dir, events: events, ended: make(chan error, 1)}
	p.cmd = exec.Command("assay", "up", "--set", "demo=true", "--set", "embedded.dataDir="+dir, "--set", "embedded.kafkaPort=0",
		"--set", "collector.listen="+events, "--set", "admin.listen="+admin)
	p.cmd.Stderr = p.log
	require.NoError(t, p.cmd.Start())
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond, "not ready:\n%s", p.log)
	p.connect()
	return p
}

// connect reads the addresses as a tool would.
func (p *upProcess) connect() {
	text, err := os.ReadFile(filepath.Join(p.dir, clientConfigFile))
	require.NoError(p.t, err)
	var file struct {
		ClickHouse struct{ Address, Database, Username, Password string }
	}
	require.NoError(p.t, yaml.Unmarshal(text, &file))
	p.conn, err = clickhouse.Open(p.t.Context(), clickhouse.Config{
		Address: file.ClickHouse.Address, Database: file.ClickHouse.Database,
		Username: file.ClickHouse.Username, Password: settings.Secret(file.ClickHouse.Password),
	})
	require.NoError(p.t, err)
}

func (p *upProcess) signIn(id string, mfa bool) { p.signInAt(id, mfa, time.Now()) }

func (p *upProcess) signInAt(id string, mfa bool, at time.Time) {
	body := fmt.Sprintf(`{"specversion": "1.0", "id": %q, "source": "/me", "type": "access.login", "time": %q,
		"datacontenttype": "application/json", "data": {"user_id": "u1", "system": "console", "mfa": %t, "privileged": true}}`,
		id, at.UTC().Format(time.RFC3339Nano), mfa)
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, "http://"+p.events+"/v1/events", strings.NewReader(body))
	require.NoError(p.t, err)
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("Authorization", "Bearer "+collector.DemoKey)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(p.t, err)
	defer resp.Body.Close()
	require.Equal(p.t, http.StatusAccepted, resp.StatusCode)
}

func (p *upProcess) awaitOutcome(id, outcome string) {
	var rows []struct {
		Outcome string `ch:"outcome"`
	}
	require.Eventually(p.t, func() bool {
		rows = nil
		err := outcomeQuery.Select(context.Background(), p.conn, &rows, defaultTenant,
			clickhouse.Named("control", "AC-01"), clickhouse.Named("item", id))
		return err == nil && len(rows) == 1 && rows[0].Outcome == outcome
	}, time.Minute, 100*time.Millisecond, "%s is not %s:\n%s", id, outcome, p.log)
}

// end signals the process and waits.
func (p *upProcess) end(s syscall.Signal) error {
	require.NoError(p.t, p.conn.Close())
	require.NoError(p.t, p.cmd.Process.Signal(s))
	select {
	case err := <-p.ended:
		return err
	case <-time.After(time.Minute):
		p.t.Fatalf("it doesn't end:\n%s", p.log)
		return nil
	}
}

// What people write stays when what is made from events is dropped, and the tables come back.
func TestTablesThatPeopleWriteStay(t *testing.T) {
	conn, c := clickhousetest.Open(t)
	eve := &workspace.Desk{Conn: conn, Tenant: "default", Person: workspace.Person{Name: "eve", Role: "auditor", Auditor: true}, Now: 1}
	require.NoError(t, eve.Engage(t.Context(), workspace.Engagement{Name: "soc2-2026", From: 1, To: 2}))
	require.NoError(t, dropTables(t.Context(), conn, c.Database))
	var left []struct {
		Name string `ch:"name"`
	}
	require.NoError(t, conn.Select(t.Context(), &left, "SELECT name FROM system.tables WHERE database = $1", c.Database))
	require.Len(t, left, 1)
	require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.Nop()))
	all, err := workspace.Engagements(t.Context(), conn, "default")
	require.NoError(t, err)
	require.Len(t, all, 1)
}
