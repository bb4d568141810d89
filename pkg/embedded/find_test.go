package embedded_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded"
)

// fakeBinary puts a `clickhouse` of a version on the PATH, with nothing else on
// it. As a server it is this test binary.
func fakeBinary(t *testing.T, version string) string {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("no engine runs here")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "clickhouse")
	self, err := filepath.Abs(os.Args[0])
	require.NoError(t, err)
	script := "#!/bin/sh\nif [ \"$1\" = local ]; then echo 'ClickHouse local version " + version + ".'; exit; fi\n" +
		"exec env " + helperEnv + "=server " + self + " \"$2\"\n"
	require.NoError(t, os.WriteFile(path, []byte(script), 0o700))
	t.Setenv("PATH", dir)
	t.Setenv("ASSAY_CACHE", t.TempDir())
	return path
}

// helpServer says yes to everything at the port of its configuration, until it
// is told to stop.
func helpServer(flag string) int {
	config, err := os.ReadFile(flag[len("--config-file="):])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	port := regexp.MustCompile(`<http_port>(\d+)<`).FindSubmatch(config)[1]
	go func() {
		_ = http.ListenAndServe("127.0.0.1:"+string(port), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintln(w, 0)
		}))
	}()
	<-stop
	fmt.Println("the server stops in order")
	return 0
}

func TestFindEngineTakesABinaryOfATestedVersion(t *testing.T) {
	path := fakeBinary(t, "26.3.1.1")
	engine, err := embedded.FindEngine(t.Context(), zerolog.Nop(), nil)
	require.NoError(t, err)
	require.Equal(t, embedded.Engine{Binary: path}, engine)

	t.Setenv("PATH", filepath.Dir(path)+":/usr/bin:/bin")
	dir := t.TempDir()
	c, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseOptions{DataDir: dir, Engine: engine, Log: zerolog.Nop()})
	require.NoError(t, err)
	require.NoError(t, c.Stop())
	log, err := os.ReadFile(filepath.Join(dir, "clickhouse.log"))
	require.NoError(t, err)
	require.Equal(t, "the server stops in order\n", string(log))
}

func TestFindEngineNamesEveryWay(t *testing.T) {
	path := fakeBinary(t, "18.16.1")
	var log bytes.Buffer
	_, err := embedded.FindEngine(t.Context(), zerolog.New(&log), nil)
	require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
	for _, part := range []string{
		"set clickhouse.address", path + ": version 18.16 is too old", "libchdb.so of npm's @chdb/lib-linux-x64-gnu@26.7.3-stable.1 into " +
			os.Getenv("ASSAY_CACHE"), "npm isn't on the PATH",
	} {
		require.ErrorContains(t, err, part)
	}
	require.Contains(t, log.String(), "the clickhouse on the PATH isn't used")

	_, ok := embedded.LibraryCached()
	require.False(t, ok, "an empty cache")
}
