package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWholeNumbers: 3.0 and 3e0 are 3, also deep within; what is no whole number, or no
// JSON, is refused as ever.
func TestWholeNumbers(t *testing.T) {
	type body struct {
		Version uint32 `json:"version"`
		Text    string `json:"text"`
		Deep    []struct {
			N int64 `json:"n"`
		} `json:"deep"`
	}
	for raw, want := range map[string]uint32{`{"version": 3}`: 3, `{"version": 3.0}`: 3, `{"version": 3e0}`: 3, `{"version": 30e-1, "text": "1.50"}`: 3} {
		var b body
		require.NoError(t, unmarshal([]byte(raw), &b), raw)
		require.Equal(t, want, b.Version, raw)
		if b.Text != "" {
			require.Equal(t, "1.50", b.Text)
		}
	}
	var b body
	require.NoError(t, unmarshal([]byte(`{"deep": [{"n": 9007199254740993}, {"n": 2.0}]}`), &b))
	require.Equal(t, int64(9007199254740993), b.Deep[0].N)
	require.Equal(t, int64(2), b.Deep[1].N)
	for _, raw := range []string{`{"version": 3.5}`, `{"version": -1.0}`, `{"version": 1e99}`, `{"version": 3.0} x`, `{"version": .`} {
		require.Error(t, unmarshal([]byte(raw), &body{}), raw)
	}
}
