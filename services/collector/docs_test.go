package collector_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/collector"
)

// The commands that the documentation shows are run as they stand.
func TestTheDocumentedCommandsWork(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on this machine")
	}
	page, err := os.ReadFile("../../docs/formats/events.md")
	require.NoError(t, err)
	commands := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, commands, 3)
	r := start(t, config())
	for i, c := range commands {
		text := strings.ReplaceAll(c[1], "http://127.0.0.1:8081", r.url)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", text)
		cmd.Env = append(os.Environ(), "ASSAY_KEY="+secret)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.JSONEq(t, []string{`{"accepted": 1}`, `{"accepted": 1}`, `{"accepted": 2}`}[i], string(out))
	}
	r.read(3, "events.access")
	r.read(1, "events.assurance")
}

// What the page shows for a vendor that isn't there yet is run, too.
func TestTheDocumentedDeliveryIsBelieved(t *testing.T) {
	for _, tool := range []string{"curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no " + tool + " on this machine")
		}
	}
	page, err := os.ReadFile("../../docs/formats/sources.md")
	require.NoError(t, err)
	commands := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	require.Len(t, commands, 1)
	cfg := withSources()
	cfg.Sources = cfg.Sources[:1]
	r := startWith(t, cfg, func(*collector.Deps) {}) // with the product's vendors
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(commands[0][1], "http://127.0.0.1:8081", r.url))
	cmd.Env = append(os.Environ(), "SECRET="+secretOf("github"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `{"accepted":`)
	require.Equal(t, "github.ping", r.received(1)[0].Kind)

	for _, scheme := range []string{"bearer", "github", "gitlab", "none", "pagerduty", "promptlayer", "standard"} {
		require.Contains(t, string(page), "| `"+scheme+"` |")
	}
}
