// Package otlptest has exports for tests: our own, one of each generation of the
// semantic conventions, and those of real exporters where they are on this machine.
package otlptest

import (
	"embed"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"assay.example/assay/services/collector/internal/otlp"
)

// Export is one request in both encodings.
type Export struct {
	Name           string
	Logs           bool // else it is of traces
	JSON, Protobuf []byte
}

//go:embed exports/*.json
var own embed.FS

// Own are the exports that the product brings.
func Own(tb testing.TB) []Export {
	tb.Helper()
	files, err := fs.Glob(own, "exports/*.json")
	require.NoError(tb, err)
	list := make([]Export, 0, len(files))
	for _, file := range files {
		raw, err := own.ReadFile(file)
		require.NoError(tb, err)
		e := Export{Name: path.Base(file), Logs: strings.HasSuffix(file, ".logs.json"), JSON: raw}
		e.Protobuf = protobuf(tb, e)
		list = append(list, e)
	}
	return list
}

func protobuf(tb testing.TB, e Export) []byte {
	tb.Helper()
	var message proto.Message
	var err error
	if e.Logs {
		message, err = otlp.Logs(e.JSON, otlp.JSON)
	} else {
		message, err = otlp.Traces(e.JSON, otlp.JSON)
	}
	require.NoError(tb, err, e.Name)
	raw, err := proto.Marshal(message)
	require.NoError(tb, err, e.Name)
	return raw
}

// All are our own and, from the folder otlp of fallback or of ASSAY_TEST_FIXTURES, those
// that instrumentations wrote, each in both encodings. Where there are none it says so.
func All(tb testing.TB, fallback string) []Export {
	tb.Helper()
	folder := os.Getenv("ASSAY_TEST_FIXTURES")
	if folder == "" {
		folder = fallback
	}
	files, err := filepath.Glob(filepath.Join(folder, "otlp", "*.json"))
	require.NoError(tb, err)
	list := Own(tb)
	for _, file := range files {
		e := Export{Name: filepath.Base(file), Logs: strings.Contains(file, ".logs.")}
		e.JSON, err = os.ReadFile(file)
		require.NoError(tb, err)
		e.Protobuf, err = os.ReadFile(strings.TrimSuffix(file, ".json") + ".pb")
		require.NoError(tb, err)
		list = append(list, e)
	}
	switch {
	case len(files) > 0:
		require.GreaterOrEqual(tb, len(files), 19, "some of the real payloads are missing in %s", folder)
	default:
		tb.Log("NOTHING OF REAL EXPORTERS IS TESTED: set ASSAY_TEST_FIXTURES to a folder that has otlp/*.json and *.pb")
	}
	return list
}
