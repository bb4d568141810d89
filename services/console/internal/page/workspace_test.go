package page_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

// post sends a form as a viewer.
func (w *world) post(v access.Viewer, address string, pairs ...string) *httptest.ResponseRecorder {
	w.Helper()
	f := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequestWithContext(access.With(w.Context(), v), http.MethodPost, address, strings.NewReader(f.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

// kept is a form that was taken, and leads to where it shows.
func (w *world) kept(v access.Viewer, to, address string, pairs ...string) {
	w.Helper()
	rec := w.post(v, address, pairs...)
	require.Equal(w, http.StatusSeeOther, rec.Code, "%s: %s", address, rec.Body)
	require.Equal(w, to, rec.Header().Get("Location"))
	require.Empty(w, strings.TrimSpace(strings.ReplaceAll(rec.Body.String(), "<a", "")), "a form reads nothing")
}

// An auditor's work from the opening to the sheet, by forms alone; and what the entity
// sees of it.
func TestAnEngagementByForms(t *testing.T) {
	w := filled(t)
	eve, bob := auditor(t), engineer()
	const at = "/workspace/soc2%202026"
	w.kept(eve, "/workspace", "/workspace", "name", "soc2 2026", "period", "2026-Q3")
	w.kept(eve, at+"/requests/R-1", at+"/requests", "title", "Leavers "+hostile, "text", "All of Q3", "control", "CH-01", "due", "2026-10-01")
	page := w.body(bob, at+"/requests/R-1")
	require.Contains(t, page, "overdue")
	require.Contains(t, page, `action="/workspace/soc2%202026/requests/R-1/answer"`)
	require.NotContains(t, page, "Change it")
	w.kept(bob, at+"/requests/R-1", at+"/requests/R-1/answer", "version", "1", "answer", "Attached in the ticket")
	require.Contains(t, w.body(eve, at+"/requests/R-1"), "Attached in the ticket")
	w.kept(eve, at+"/requests/R-1", at+"/requests/R-1", "version", "2", "state", "closed")
	require.NotContains(t, w.body(bob, at+"/requests/R-1"), "/answer\"")

	w.kept(eve, at+"/samples/S-1", at+"/samples", "control", "CH-01", "plan", "chiaro")
	w.kept(eve, at+"/samples/S-1", at+"/samples/S-1/attributes", "version", "1", "attributes", "A Approved\r\nB By another "+hostile+"\r\n")
	require.NotContains(t, w.body(bob, at), "S-1")
	require.Equal(t, http.StatusNotFound, w.get(t.Context(), bob, at+"/samples/S-1").Code)
	w.kept(eve, at+"/samples/S-1", at+"/samples/S-1/items/d2", "version", "0", "attribute_A", "exception", "attribute_B", "not_applicable", "result", "exception", "note", unshared)
	sheet := w.body(eve, at+"/samples/S-1")
	checkPage(t, at, sheet)
	require.Contains(t, sheet, "<td>not applicable</td>")
	require.Contains(t, sheet, "and <strong>the same</strong>")
	without(t, at, sheet, "<script")
	require.Contains(t, sheet, "own. Assay keeps it, and makes none of its results of it.")

	w.kept(eve, at+"/samples/S-1", at+"/samples/S-1/share", "version", "2", "share", "items")
	items := w.body(bob, at+"/samples/S-1")
	checkPage(t, at, items)
	without(t, at, items, unshared, "<td>not applicable</td>", "Approved", "<form method=\"post\" action=\"/workspace")
	require.Contains(t, items, "not shared")
	require.Equal(t, http.StatusNotFound, w.get(t.Context(), bob, at+"/samples/S-1/items/d2").Code)
	w.kept(eve, at+"/samples/S-1", at+"/samples/S-1/share", "version", "3", "share", "tests")
	require.Contains(t, w.body(bob, at+"/samples/S-1"), unshared)
	require.Contains(t, w.body(bob, at+"/samples/S-1/items/d2"), unshared)
	require.Contains(t, w.body(bob, at+"/files/testing.csv"), unshared)
	without(t, at, w.body(bob, at+"/samples/S-1/items/d2"), "<textarea")
	without(t, at, w.body(bob, at+"/history"), unshared)
	require.Contains(t, w.body(eve, at+"/history"), unshared)

	// What Assay says of the item is what it was.
	require.Contains(t, w.body(eve, "/items/CH-01/d2"), "deviation")
	without(t, "/items", w.body(eve, "/items/CH-01/d2"), unshared)
}

// Whoever comes second is told so, and keeps what was written to make the change again.
func TestFormsOfAnOldVersion(t *testing.T) {
	w := filled(t)
	const at = "/workspace/soc2-q3"
	for _, c := range []struct {
		v       access.Viewer
		address string
		pairs   []string
	}{
		{auditor(t), at + "/samples/S-1/items/d2", []string{"version", "0", "result", "no_exception"}},
		{auditor(t), at + "/samples/S-1/share", []string{"version", "1", "share", "nothing"}},
		{engineer(), at + "/requests/R-1/answer", []string{"version", "7", "answer", "x"}},
		{auditor(t), "/workspace", []string{"name", "soc2-q3", "period", "2026-Q3"}},
	} {
		rec := w.post(c.v, c.address, c.pairs...)
		require.Equal(t, http.StatusConflict, rec.Code, c.address)
		checkPage(t, c.address, rec.Body.String())
		require.Contains(t, rec.Body.String(), "Somebody was there before you")
	}
}

// Each form asks who sends it, and of what.
func TestFormsAskWhoAsks(t *testing.T) {
	w := filled(t)
	before, err := workspace.Read(t.Context(), w.Conn, "default", "soc2-q3")
	require.NoError(t, err)
	fill := strings.NewReplacer("{request}", "R-1", "{sample}", "S-1", "{item}", "d2")
	require.Len(t, w.pages.Forms(), 8)
	for _, form := range w.pages.Forms() {
		right := auditor(t)
		wrong := engineer()
		if strings.HasSuffix(form, "/answer") {
			right, wrong = wrong, right
		}
		for _, c := range []struct {
			who        string
			v          access.Viewer
			engagement string
			add        string
			status     int
		}{
			{"nobody", access.Viewer{}, "soc2-q3", "", http.StatusForbidden},
			{"the other side", wrong, "soc2-q3", "", http.StatusForbidden},
			{"another tenant's", right, "soc2-q3", "?tenant=other", http.StatusNotFound},
			{"a tenant that isn't", right, "soc2-q3", "?tenant=ghost", http.StatusNotFound},
			{"an engagement that isn't", right, "nothing", "", http.StatusNotFound},
			{"another tenant's engagement", right, theirs, "", http.StatusNotFound},
			{"nothing sent", right, "soc2-q3", "", http.StatusBadRequest},
		} {
			if form == "/workspace" && c.status == http.StatusNotFound && c.add == "" {
				continue
			}
			address := strings.ReplaceAll(fill.Replace(form), "{engagement}", c.engagement)
			rec := w.post(c.v, address+c.add)
			want := c.status
			if strings.HasSuffix(form, "/samples") && want == http.StatusBadRequest {
				want = http.StatusNotFound // there is no such control
			}
			require.Equal(t, want, rec.Code, "%s at %s: %s", c.who, address, rec.Body)
		}
		require.Equal(t, http.StatusRequestEntityTooLarge, w.post(right, strings.ReplaceAll(fill.Replace(form), "{engagement}", "soc2-q3"), "note", strings.Repeat("x", 200<<10)).Code, form)
	}
	require.Equal(t, http.StatusNotFound, w.post(auditor(t), "/workspace/"+outside+"-workspace/requests", "title", "x").Code)
	require.Equal(t, http.StatusForbidden, w.post(auditor(t), "/workspace", "name", "x", "period", "2026").Code)
	require.Equal(t, http.StatusBadRequest, w.post(auditor(t), "/workspace", "name", "x").Code)
	require.Equal(t, http.StatusMethodNotAllowed, w.post(engineer(), "/controls").Code)
	after, err := workspace.Read(t.Context(), w.Conn, "default", "soc2-q3")
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing of it was kept")
}
