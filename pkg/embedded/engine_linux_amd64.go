package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// supported says that this build can run ClickHouse in a child.
const supported = true

// engineEnv carries the child's orders, and is set in no other process.
const engineEnv = "ASSAY_CLICKHOUSE_ENGINE"

// lifelineFD is the child's end of the pipe that the parent holds open.
const lifelineFD = 3

// engineFault is the child's exit code for what goes wrong before ClickHouse runs.
const engineFault = 70

// orders is what the child does: open Library, or run Binary as a server.
type orders struct {
	Library string   `json:"library,omitempty"`
	Binary  string   `json:"binary,omitempty"`
	Args    []string `json:"args"`
}

// MaybeRunEngine does nothing in a parent; in the child it becomes ClickHouse
// and doesn't return. Call it first: what runs before it, runs in the child too.
func MaybeRunEngine() {
	raw, ok := os.LookupEnv(engineEnv)
	if !ok {
		return
	}
	var o orders
	err := errors.Join(os.Unsetenv(engineEnv), json.Unmarshal([]byte(raw), &o))
	// Orders come through the pipe alone: a Ctrl-C or SIGTERM that reaches the
	// whole group must not cut a write short.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	switch {
	case err != nil:
	case o.Binary != "":
		err = runBinary(o)
	default:
		err = runLibrary(o)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "embedded ClickHouse: %v\n", err)
		os.Exit(engineFault) //nolint:forbidigo // the child's main ends here
	}
	os.Exit(0) //nolint:forbidigo // the child's main ends here
}

// runLibrary gives ClickHouse the main thread until its last query ends.
func runLibrary(o orders) error {
	runtime.LockOSThread()
	lib, err := purego.Dlopen(o.Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("loading %s: %w", o.Library, err)
	}
	var (
		cmdline     func(argc int32, argv unsafe.Pointer) unsafe.Pointer
		resultError func(unsafe.Pointer) string
	)
	purego.RegisterLibFunc(&cmdline, lib, "chdb_query_cmdline")
	purego.RegisterLibFunc(&resultError, lib, "chdb_result_error")

	var pins runtime.Pinner
	defer pins.Unpin()
	result := cmdline(int32(len(o.Args)), cStrings(o.Args, &pins))
	if result == nil {
		return nil
	}
	if text := resultError(result); text != "" {
		return fmt.Errorf("ClickHouse: %s", text)
	}
	return nil
}

// cStrings is C's argv: zero-terminated strings and a null at the end.
func cStrings(args []string, pins *runtime.Pinner) unsafe.Pointer {
	pointers := make([]*byte, len(args)+1)
	for i, arg := range args {
		pointers[i] = &append([]byte(arg), 0)[0]
		pins.Pin(pointers[i])
	}
	pins.Pin(&pointers[0])
	return unsafe.Pointer(&pointers[0]) //nolint:gosec // C wants it, and pins keep it in place
}

// runBinary stands between the pipe and a server that knows signals alone.
func runBinary(o orders) error {
	cmd := exec.Command(o.Binary, o.Args...) //nolint:gosec,noctx // the parent found and checked it; its end is the pipe's
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // Pdeathsig follows the thread
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", o.Binary, err)
	}
	go func() {
		_, _ = os.NewFile(lifelineFD, "lifeline").Read(make([]byte, 1))
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}()
	return cmd.Wait()
}

// lifelineQuery opens the door and then blocks until the parent's end closes.
func lifelineQuery() string {
	return "SYSTEM START LISTEN HTTP; SELECT * FROM file('/dev/fd/" +
		strconv.Itoa(lifelineFD) + "', LineAsString) FORMAT Null"
}

// engineProcess is the child, not yet started.
func engineProcess(o orders, lifeline, log *os.File, dir string) (*exec.Cmd, error) {
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("writing the engine's orders: %w", err)
	}
	cmd := exec.Command("/proc/self/exe") //nolint:noctx // its end is the pipe's, in order
	cmd.Args = []string{"assay-clickhouse"}
	// The parent's environment may hold secrets that an engine has no use for.
	cmd.Env = []string{engineEnv + "=" + string(raw), "TZ=UTC", "HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lifeline}
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}
