package reads

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/console/internal/access"
)

// Whatever somebody asks for, it can be recorded.
func TestEveryQuestionCanBeRecorded(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	r, err := New(nil, "events.access", types, 0, nil)
	require.NoError(t, err)
	v := access.Viewer{User: "u-eve", Role: access.Auditor, Tenant: "acme"}
	long := strings.Repeat("ä", 5000)
	for _, c := range []struct{ pattern, path, target string }{
		{"GET /api/v1/items/{control}/{item}", "/api/v1/items/CH-01/a%2Fb", "CH-01/a/b"},
		{"GET /api/v1/items/{control}/{item}", "/api/v1/items/" + long + "/%ff%00", ""},
		{"GET /api/v1/events/{topic}/{partition}/{offset}", "/api/v1/events/t/0/7", "t/0/7"},
		{"GET /periods/{period}/report.{format}", "/periods/2026-Q3/report.csv", "2026-Q3"},
		{"GET /controls/{id}", "/controls/CH-01?period=2026-08", "CH-01"},
		{"GET /workspace/{engagement}", "/workspace/soc2%202026?period=2026-08", "soc2 2026"},
		{"GET /api/v1/workspaces/{engagement}/samples/{sample}", "/api/v1/workspaces/soc2/samples/S-1", "soc2/S-1"},
		{"GET /workspace/{engagement}/samples/{sample}/items/{item}", "/workspace/" + long + "/samples/S-1/items/" + long, ""},
		{"GET /{$}", "/", "/{$}"},
		{"/", "/no/such/page?x=" + strings.Repeat("%ff", 2000), "/"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, c.path, nil)
		read := Of(v, c.pattern, req)
		if c.target != "" {
			require.Equal(t, c.target, read.Target)
		}
		raw, err := encoded(read)
		require.NoError(t, err)
		_, err = r.kind.Decode(raw)
		require.NoError(t, err, c.path[:min(len(c.path), 60)])
	}
}
