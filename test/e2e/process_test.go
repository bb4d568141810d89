//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/daemon/daemontest"
)

const (
	readyWithin = 60 * time.Second
	stopWithin  = 40 * time.Second
	askEvery    = 20 * time.Millisecond
)

// process is a service that runs by itself. It can be killed and started again
// with the same name, ports and folder.
type process struct {
	name  string
	admin string
	args  []string
	path  string // of the binary
	log   string
	cmd   *exec.Cmd
	done  chan struct{}
	exit  error // after done
}

// start runs it in a process group of its own, which dies with the test.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	done, cmd := make(chan struct{}), p.cmd
	p.done = done
	go func() {
		p.exit = cmd.Wait()
		close(done)
	}()
	return nil
}

// awaitReady polls /readyz.
func (p *process) awaitReady() error {
	deadline := time.Now().Add(readyWithin)
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	last := "it was never asked"
	for time.Now().Before(deadline) {
		select {
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, p.exit, tail(p.log))
		case <-time.After(askEvery):
		}
		response, err := client.Get("http://" + p.admin + "/readyz")
		if err != nil {
			last = err.Error()
			continue
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
		last = string(body)
	}
	return fmt.Errorf("%s is not ready after %s: %s\n%s", p.name, readyWithin, last, tail(p.log))
}

// ask gets something of the admin port; an error is an answer as well.
func (p *process) ask(path string) []byte {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://" + p.admin + path)
	if err != nil {
		return []byte(err.Error())
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return body
}

// kill is kill -9 of the whole group.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// running says whether it hasn't ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return p.cmd != nil
	}
}

// stop asks it to end and returns how it did.
func (p *process) stop() error {
	if !p.running() {
		return fmt.Errorf("%s had ended before it was asked to: %w", p.name, p.exit)
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopWithin):
		p.kill()
		return fmt.Errorf("%s did not stop within %s\n%s", p.name, stopWithin, tail(p.log))
	}
	if p.exit != nil {
		return fmt.Errorf("%s stopped with %w\n%s", p.name, p.exit, tail(p.log))
	}
	return nil
}

// tail is the end of a log.
func tail(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}

// faults are the lines of a log that are errors.
func faults(t *testing.T, path string) (lines []string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, `"level":"error"`) || strings.Contains(line, `"level":"fatal"`) || strings.HasPrefix(line, "panic") {
			lines = append(lines, line)
		}
	}
	return lines
}

// freeAddress is one on which nobody listens just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	addresses, err := daemontest.Addresses(1)
	require.NoError(t, err)
	return addresses[0]
}
