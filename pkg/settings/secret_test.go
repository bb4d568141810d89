package settings_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/settings"
)

func TestSecretNeverPrints(t *testing.T) {
	type holder struct {
		S settings.Secret            `yaml:"s" json:"s"`
		M map[string]settings.Secret `yaml:"m" json:"m"`
	}
	h := holder{"hunter2", map[string]settings.Secret{"a": "hunter2"}}
	var out strings.Builder
	// vet refuses %p for a string; it is the one verb that asks no Formatter.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		fmt.Fprintf(&out, verb, h)
		fmt.Fprintf(&out, verb, h.S)
		fmt.Fprintf(&out, verb, &h)
	}
	asJSON, err := json.Marshal(h)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(h)
	require.NoError(t, err)
	var logged bytes.Buffer
	log := zerolog.New(&logged)
	log.Info().Interface("a", h).Any("b", h.S).Stringer("c", h.S).Msg("x")
	all := out.String() + string(asJSON) + string(asYAML) + logged.String()
	require.NotContains(t, all, "hunter2")
	require.NotContains(t, strings.ToLower(all), fmt.Sprintf("%x", "hunter2"))
	require.Contains(t, all, settings.Redacted)
	require.Empty(t, settings.Secret("").String())
}

func TestReadSecret(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "secret")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	for text, want := range map[string]string{"a b": "a b", "a\n": "a", "a\r\n": "a", " a\n\n": " a\n"} {
		got, err := settings.ReadSecret("ignored", write(text))
		require.NoError(t, err)
		require.Equal(t, want, got.Reveal())
	}
	got, err := settings.ReadSecret("in place", "")
	require.NoError(t, err)
	require.Equal(t, "in place", got.Reveal())

	_, err = settings.ReadSecret("", write("\n"))
	require.ErrorContains(t, err, "is empty")
	_, err = settings.ReadSecret("", write(strings.Repeat("x", 70_000)))
	require.ErrorContains(t, err, "has more than 65536 bytes")
	_, err = settings.ReadSecret("", t.TempDir())
	require.ErrorContains(t, err, "reading a secret: read ")
	_, err = settings.ReadSecret("", "absent")
	require.ErrorContains(t, err, "open absent")
}
