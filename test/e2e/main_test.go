//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/embedded/clickhousetest"
)

// root is the repository, from this folder.
const root = "../.."

// suite is what the tests share: the binary, and what they found, which is said
// after the last test, since the output of a test that passes is seldom shown.
var suite struct {
	sync.Mutex
	folder string
	lines  []string
}

func TestMain(m *testing.M) {
	code := clickhousetest.Main(m)
	for _, line := range suite.lines {
		fmt.Println(line)
	}
	if suite.folder != "" {
		_ = os.RemoveAll(suite.folder)
	}
	os.Exit(code)
}

// say keeps a finding for the end of the run.
func say(t *testing.T, format string, args ...any) {
	t.Helper()
	line := fmt.Sprintf(format, args...)
	t.Log(line)
	suite.Lock()
	defer suite.Unlock()
	suite.lines = append(suite.lines, t.Name()+": "+line)
}

// build makes the binary, once.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		return "", err
	}
	suite.folder = folder
	binary := filepath.Join(folder, "assay")
	c := exec.Command("go", "build", "-trimpath", "-o", binary, "./services/assay")
	c.Dir = root
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building assay: %w\n%s", err, out)
	}
	return binary, nil
})

func binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	require.NoError(t, err)
	return path
}

// broker is the address of real Kafka. To ask for these tests is to ask for Kafka,
// so its absence is no reason to skip.
func broker(t *testing.T) string {
	t.Helper()
	address := os.Getenv("ASSAY_E2E_KAFKA")
	require.NotEmpty(t, address, "ASSAY_E2E_KAFKA is not set: run scripts/e2e.sh, which starts Kafka")
	return address
}

// seed decides where the kills strike.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano() % 1_000_000)
	if text := os.Getenv("ASSAY_E2E_SEED"); text != "" {
		var err error
		n, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, "ASSAY_E2E_SEED")
	}
	say(t, "seed %d (ASSAY_E2E_SEED=%d repeats it)", n, n)
	return n
}

// lowerName is the test's name as Kafka and files take it.
func lowerName(t *testing.T) string {
	return strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))
}
