package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScripts runs testdata/script: each is a session of a user, with its exit
// codes. $KAFKA is a broker; $ADMIN and $EVENTS are free ports, and at $CLOSED
// nobody listens.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "ready": ready, "unready": unready, "send": send, "terminate": terminate},
		Setup: func(env *testscript.Env) error {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				return err
			}
			env.Defer(cluster.Close)
			env.Setenv("KAFKA", cluster.ListenAddrs()[0])
			return setPorts(env, "CLOSED", "ADMIN", "EVENTS")
		},
	})
}

// setPorts puts addresses into variables at which nobody listens just now.
func setPorts(env *testscript.Env, names ...string) error {
	for _, name := range names {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close()
		env.Setenv(name, listener.Addr().String())
	}
	return nil
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

// send posts a file as a CloudEvent and wants a status: send 202 url file [key].
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: send status url file [key]")
	}
	request, err := http.NewRequest(http.MethodPost, args[1], strings.NewReader(ts.ReadFile(args[2])))
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
