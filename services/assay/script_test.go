package main

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/daemon/daemontest"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// suite stops the ClickHouse that a test started.
type suite struct{ *testing.M }

func (s suite) Run() int { return clickhousetest.Main(s.M) }

func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"assay": main})
}

// TestScripts runs testdata/script: each is a session of a user, with its exit
// codes. $KAFKA is a broker; $ADMIN and $EVENTS are free ports, and at $CLOSED
// nobody listens.
func TestScripts(t *testing.T) {
	testscript.Run(t, params("testdata/script", setUp))
}

// TestFleet runs testdata/fleet: all services as processes of their own, on a
// ClickHouse that is real.
func TestFleet(t *testing.T) {
	c := clickhousetest.Database(t)
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	p := params("testdata/fleet", func(env *testscript.Env) error {
		env.Setenv("ASSAY_CLICKHOUSE_ADDRESS", c.Address)
		env.Setenv("ASSAY_CLICKHOUSE_DATABASE", c.Database)
		env.Setenv("ASSAY_CLICKHOUSE_USERNAME", c.Username)
		env.Setenv("ASSAY_CLICKHOUSE_PASSWORD", c.Password.Reveal())
		return errors.Join(setUp(env), setPorts(env, "ADMIN2", "ADMIN3"))
	})
	p.Cmds["rows"] = func(ts *testscript.TestScript, _ bool, args []string) {
		awaitRows(ts, conn, strings.ReplaceAll(args[1], "DB", c.Database), args[0])
	}
	testscript.Run(t, p)
}

// awaitRows waits until a query gives one number: rows 1 'SELECT count() FROM DB.events'.
func awaitRows(ts *testscript.TestScript, conn clickhouse.Conn, query, want string) {
	var got uint64
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ts.Check(conn.QueryRow(context.Background(), query).Scan(&got))
		if strconv.FormatUint(got, 10) == want {
			return
		}
	}
	ts.Fatalf("%s gives %d, not %s", query, got, want)
}

func params(dir string, setUp func(*testscript.Env) error) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		Setup:               setUp,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "ready": ready, "unready": unready, "send": send, "terminate": terminate, "browse": browse, "quarter": quarter, "proposed": proposed, "item": item,
		},
	}
}

// proposed puts what the last command proposed into PROPOSAL.
func proposed(ts *testscript.TestScript, neg bool, args []string) {
	found := regexp.MustCompile(`assay approve (\w+)`).FindStringSubmatch(ts.ReadFile("stdout"))
	if neg || len(args) > 0 || found == nil {
		ts.Fatalf("nothing was proposed")
	}
	ts.Setenv("PROPOSAL", found[1])
}

// item puts the first item of a sample, which the last command wrote as CSV, into ITEM.
func item(ts *testscript.TestScript, neg bool, args []string) {
	rows, err := csv.NewReader(strings.NewReader(ts.ReadFile("stdout"))).ReadAll()
	ts.Check(err)
	if neg || len(args) > 0 || len(rows) < 2 {
		ts.Fatalf("nothing was drawn")
	}
	ts.Setenv("ITEM", rows[1][slices.Index(rows[0], "ITEM")])
}

func setUp(env *testscript.Env) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return err
	}
	env.Defer(cluster.Close)
	env.Setenv("KAFKA", cluster.ListenAddrs()[0])
	return setPorts(env, "CLOSED", "ADMIN", "EVENTS")
}

// setPorts puts addresses into variables at which nobody listens just now.
func setPorts(env *testscript.Env, names ...string) error {
	addresses, err := daemontest.Addresses(len(names))
	for i, address := range addresses {
		env.Setenv(names[i], address)
	}
	return err
}

// ready waits until a service says so: ready $ADMIN.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ready address")
	}
	await(ts, args[0], func(err error) bool { return err == nil })
}

// unready waits until a service says why it isn't: unready $ADMIN pattern.
func unready(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: unready address pattern")
	}
	pattern := regexp.MustCompile(args[1])
	await(ts, args[0], func(err error) bool { return err != nil && pattern.MatchString(err.Error()) })
}

func await(ts *testscript.TestScript, addr string, enough func(error) bool) {
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = probe(context.Background(), "http://"+addr+"/readyz"); enough(err) {
			return
		}
	}
	ts.Fatalf("it did not say so in time, but: %v", err)
}

// terminate sends SIGTERM, as a container's end does, to what runs in the background.
func terminate(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
	}
}

// send posts a file as a CloudEvent, NOW being the time, and wants a status:
// send 202 url file [key].
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: send status url file [key]")
	}
	event := strings.ReplaceAll(ts.ReadFile(args[2]), "NOW", time.Now().UTC().Format(time.RFC3339Nano))
	request, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(event))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/cloudevents+json")
	if len(args) > 3 {
		request.Header.Set("Authorization", "Bearer "+args[3])
	}
	response, err := http.DefaultClient.Do(request)
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	if strconv.Itoa(response.StatusCode) != args[0] {
		ts.Fatalf("status %d, not %s: %s", response.StatusCode, args[0], body)
	}
}

// exits runs a command and wants one exit code: exits 3 assay bogus.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [argument]...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, not %d", got, want)
	}
}

// TestEveryCommandIsDescribed holds each command to a line in --help and to an error.
func TestEveryCommandIsDescribed(t *testing.T) {
	a := &app{}
	commands := a.rootCommand().Commands()
	for len(commands) > 0 {
		c := commands[0]
		commands = append(commands[1:], c.Commands()...)
		require.NotEmpty(t, c.Short, c.CommandPath())
		require.NotNil(t, c.RunE, c.CommandPath())
	}
}
