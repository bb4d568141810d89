package receiver

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/collector/internal/door"
)

// What panics ends one request; gRPC would end the process.
func TestAPanicEndsOneRequest(t *testing.T) {
	ctx := context.WithValue(t.Context(), admittedKey{}, &admitted{key: &door.Key{}}) // without a lease
	_, p := New(Options{}).safely(ctx, traces(), nil)
	require.NotNil(t, p)
	require.Equal(t, http.StatusInternalServerError, p.Status)
	require.NotContains(t, p.Detail, "nil", "what it was is not shown")
}
