//go:build browser

package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay.example/assay/pkg/daemon/daemontest"
	"assay.example/assay/services/console"
)

// root is the repository, from this folder.
const root = "../.."

// suite is what the tests share: one demonstration, and what they found, which is said
// after the last test, since the output of a test that passes is seldom shown.
var suite struct {
	folder string
	// console is its base URL.
	console string
	demo    *exec.Cmd
	lines   []string
	pages   []string // that links lead to, once somebody has followed them
}

func TestMain(m *testing.M) {
	code, err := run(m)
	for _, line := range suite.lines {
		fmt.Println(line)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "browser:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if suite.folder, err = os.MkdirTemp("", "assay-browser-"); err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(suite.folder) }()
	defer stopDemo()
	if err := startDemo(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// playedWithin is how long the story may take.
const playedWithin = 8 * time.Minute

// startDemo builds the binary and waits until it has played the story.
func startDemo() error {
	binary := filepath.Join(suite.folder, "assay")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, "./services/assay")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building assay: %w\n%s", err, out)
	}
	ports, err := daemontest.Addresses(3)
	if err != nil {
		return err
	}
	args := []string{
		"demo", "--set", "embedded.dataDir=" + suite.folder, "--set", "embedded.kafkaPort=0", "--set", "embedded.clickhousePort=0",
		"--set", "collector.listen=" + ports[0], "--set", "admin.listen=" + ports[1], "--set", "console.listen=" + ports[2],
	}
	if os.Getenv("ASSAY_TEST_BROWSER_SMALL") != "" {
		args = append(args, "--small")
	}
	suite.console = "http://" + ports[2]
	path := filepath.Join(suite.folder, "demo.log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	suite.demo = exec.Command(binary, args...)
	suite.demo.Stdout, suite.demo.Stderr = log, log
	suite.demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := suite.demo.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- suite.demo.Wait() }()
	return awaitDemo(path, ended)
}

func awaitDemo(path string, ended <-chan error) error {
	deadline := time.After(playedWithin)
	for {
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.Contains(string(raw), "The demonstration stays up") {
			return nil
		}
		select {
		case err := <-ended:
			raw, _ = os.ReadFile(path)
			return fmt.Errorf("the demonstration ended: %w\n%s", err, raw)
		case <-deadline:
			return fmt.Errorf("the demonstration was not played within %s\n%s", playedWithin, raw)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stopDemo ends the demonstration's process group.
func stopDemo() {
	if suite.demo == nil || suite.demo.Process == nil {
		return
	}
	_ = syscall.Kill(-suite.demo.Process.Pid, syscall.SIGTERM)
	for range 200 {
		if syscall.Kill(-suite.demo.Process.Pid, 0) != nil {
			return
		}
		<-time.After(50 * time.Millisecond)
	}
	_ = syscall.Kill(-suite.demo.Process.Pid, syscall.SIGKILL)
}

// say keeps a finding for the end of the run.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	suite.lines = append(suite.lines, line)
}

// password lets the demonstration's users in.
const password = console.DemoPassword
