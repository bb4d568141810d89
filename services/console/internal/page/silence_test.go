package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What numbers say is missing is shown as silence, and never as heard all through.
func TestHolesAreShown(t *testing.T) {
	w := filled(t)
	bob := engineer()
	sources := w.get(t.Context(), bob, "/sources?period=2026-Q3").Body.String()
	require.Contains(t, sources, "1 event missing")
	require.Contains(t, sources, "events are missing")
	overview := w.get(t.Context(), bob, "/?period=2026-Q3").Body.String()
	require.Contains(t, overview, "/backup")
	query := w.get(t.Context(), bob, "/query/holes?period=2026-Q3").Body.String()
	require.Contains(t, query, "/backup")
}
