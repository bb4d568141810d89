package control_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

// Keys are kept in logs for years, and say where state lives: they are what
// encoding/json makes of the list, to the byte.
func FuzzEncodeKey(f *testing.F) {
	for _, s := range []string{"a", "acme/web#17", "<&>", `"\`, "\x00\x1f\x7f", "é", "\xff", "\u2028", " "} {
		f.Add(s, s, int64(7))
	}
	f.Fuzz(func(t *testing.T, a, b string, n int64) {
		for _, values := range [][]any{{a}, {a, b}, {a, n}, {n, true, a}} {
			want, err := json.Marshal(values)
			require.NoError(t, err)
			key, ok := control.EncodeKey(values...)
			require.Equal(t, ok, a != "" && (len(values) != 2 || values[1] != ""))
			if ok {
				require.Equal(t, string(want), key)
			}
		}
	})
}
