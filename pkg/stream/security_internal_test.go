package stream

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The fake broker doesn't speak OAUTHBEARER, so this looks at what would be sent
// (RFC 7628, section 3.1), before and after the token was renewed.
func TestOAuthBearerSendsTheTokenOfItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	mechanism, err := SASL{Mechanism: OAuthBearer, TokenFile: file}.mechanism()
	require.ErrorContains(t, err, "sasl.tokenFile: reading a secret: open")
	require.Nil(t, mechanism)

	for _, token := range []string{"first", "second"} {
		require.NoError(t, os.WriteFile(file, []byte(token+"\n"), 0o600))
		if mechanism == nil {
			mechanism, err = SASL{Mechanism: OAuthBearer, TokenFile: file}.mechanism()
			require.NoError(t, err)
		}
		require.Equal(t, "OAUTHBEARER", mechanism.Name())
		_, sent, err := mechanism.Authenticate(t.Context(), "kafka:9092")
		require.NoError(t, err)
		require.Equal(t, "n,,\x01auth=Bearer "+token+"\x01\x01", string(sent))
	}
}
