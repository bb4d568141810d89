package console_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console"
)

// send sends JSON.
func (r *running) send(method, path, body string, changes ...change) answer {
	r.Helper()
	return r.ask(method, path, strings.NewReader(body), append([]change{header("Content-Type", "application/json")}, changes...)...)
}

// writes are all that can be sent, each as it would be taken from whoever may send it.
func writes() []struct{ method, path, body, by string } {
	const one = "/api/v1/workspaces/soc2-2026"
	return []struct{ method, path, body, by string }{
		{http.MethodPost, "/api/v1/workspaces", `{"name": "another", "period": "2026-Q3"}`, "auditor"},
		{http.MethodPost, one + "/requests", `{"title": "The list of leavers", "due": "2026-11-15"}`, "auditor"},
		{http.MethodPatch, one + "/requests/R-1", `{"version": 1, "title": "changed"}`, "auditor"},
		{http.MethodPut, one + "/requests/R-1/answer", `{"version": 2, "answer": "here"}`, "engineer"},
		{http.MethodPost, one + "/samples", `{"control": "CH-01"}`, "auditor"},
		{http.MethodPatch, one + "/samples/S-1", `{"version": 2, "attributes": [{"letter": "A", "text": "Approved"}]}`, "auditor"},
		{http.MethodPut, one + "/samples/S-1/items/DEP-1", `{"version": 0, "result": "exception", "attributes": {"A": "exception"}, "note": "n"}`, "auditor"},
	}
}

func (w *world) workspace(tenant string) *workspace.Workspace {
	w.Helper()
	got, err := workspace.Read(w.Context(), w.conn, tenant, "soc2-2026")
	require.NoError(w, err)
	return got
}

// Who may write what, in a table: each role, each operation; others' tenants, other sites,
// others' periods. What isn't allowed keeps nothing.
func TestWhoMayWriteInWorkspaces(t *testing.T) {
	w := newWorld(t)
	r, tab := w.start(), newTable(t)
	session := r.session("auditor")
	refused := func(a answer, status int, attack, tried string) {
		t.Helper()
		a.problem(t, status, attack, tried)
		requireSecured(t, a, tried)
		tab.row(attack, tried, strconv.Itoa(a.status))
	}
	before := w.workspace("default")
	for _, c := range writes() {
		tried := c.method + " " + c.path
		refused(r.send(c.method, c.path, c.body), http.StatusUnauthorized, "nobody writes", tried)
		for _, role := range []string{"engineer", "approver", "auditor", "admin"} {
			if role != c.by && (c.by == "auditor" || role == "auditor") {
				refused(r.send(c.method, c.path, c.body, r.as(role)), http.StatusForbidden, "the other side writes: "+role, tried)
			}
		}
		right := r.as(c.by)
		for _, tenant := range []string{"other", "none"} {
			refused(r.send(c.method, c.path+"?tenant="+tenant, c.body, right), http.StatusNotFound, "into another tenant", tried)
		}
		if c.path != "/api/v1/workspaces" {
			for _, engagement := range []string{"default-q2", "none"} {
				if c.by == "auditor" {
					refused(r.send(c.method, strings.Replace(c.path, "soc2-2026", engagement, 1), c.body, right), http.StatusNotFound, "of another period", tried)
				}
			}
		}
		for _, other := range []change{header("Sec-Fetch-Site", "cross-site"), header("Origin", "https://evil.example"), header("Origin", "null"), header("Sec-Fetch-Site", "same-site")} {
			refused(r.send(c.method, c.path, c.body, cookie(session), other), http.StatusForbidden, "another site's page writes", tried)
		}
		refused(r.send(c.method, c.path, strings.Replace(c.body, "{", `{"by": "somebody else", `, 1), right), http.StatusUnprocessableEntity, "in another's name", tried)
		refused(r.send(c.method, c.path, `{`, right), http.StatusBadRequest, "no JSON", tried)
	}
	for _, path := range []string{"/workspace", "/workspace/soc2-2026/requests", "/workspace/soc2-2026/samples/S-1/items/DEP-1"} {
		refused(r.post(path, nil, cookie(session), header("Sec-Fetch-Site", "cross-site")), http.StatusForbidden, "another site's form", path)
		refused(r.post(path, nil), http.StatusUnauthorized, "a form of nobody", path)
	}
	require.Equal(t, before, w.workspace("default"), "nothing of it was kept")
	others := w.workspace("other")
	for _, c := range writes() {
		a := r.send(c.method, c.path, c.body, r.as(c.by))
		require.Equal(t, http.StatusOK, a.status, "%s %s: %s", c.method, c.path, a.body)
		again := r.send(c.method, c.path, c.body, r.as(c.by))
		if strings.Contains(c.body, "version") || c.path == "/api/v1/workspaces" {
			again.problem(t, http.StatusConflict, c.path)
			tab.row("the same version again", c.method+" "+c.path, "409")
		}
	}
	require.Equal(t, others, w.workspace("other"), "other tenants have what they had")
	require.Empty(t, r.reads(), "what is sent reads nothing")
}

// Of many programs that change one thing at once one is answered with 200, the others
// with 409, and what is kept is what the one said.
func TestNoChangeIsLost(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	var mu sync.Mutex
	var all sync.WaitGroup
	var kept string
	got := tally{}
	for i := range 8 {
		all.Go(func() {
			note := fmt.Sprint("of ", i)
			a := r.send(http.MethodPut, "/api/v1/workspaces/soc2-2026/samples/S-1/items/DEP-1", fmt.Sprintf(`{"version": 0, "result": "no_exception", "note": %q}`, note), r.as("auditor"))
			mu.Lock()
			defer mu.Unlock()
			if got[a.status]++; a.status == http.StatusOK {
				kept = note
			}
		})
	}
	all.Wait()
	require.Equal(t, tally{http.StatusOK: 1, http.StatusConflict: 7}, got)
	s, err := w.workspace("default").Sample("S-1")
	require.NoError(t, err)
	require.Equal(t, kept, s.Item("DEP-1").Test.Note)
}

// The entity sees tests as far as they are shared, over the API as on pages; and reads of
// auditors are on record, with what was read.
func TestWorkspacesAreSharedByAuditorsAlone(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	const one = "/api/v1/workspaces/soc2-2026"
	require.Equal(t, http.StatusOK, r.send(http.MethodPut, one+"/samples/S-1/items/DEP-1", `{"version": 0, "result": "exception", "note": "SECRET"}`, r.as("auditor")).status)
	require.Contains(t, r.get(one, r.as("engineer")).body, "SECRET")
	for version, share := range []string{"items", "nothing"} {
		require.Equal(t, http.StatusOK, r.send(http.MethodPatch, one+"/samples/S-1", fmt.Sprintf(`{"version": %d, "share": %q}`, version+2, share), r.as("auditor")).status)
		for _, role := range []string{"engineer", "approver", "admin"} {
			for _, path := range []string{one, one + "/history", one + "/samples/S-1", "/workspace/soc2-2026", "/workspace/soc2-2026/samples/S-1", "/workspace/soc2-2026/files/testing.csv", "/workspace/soc2-2026/history"} {
				a := r.get(path, r.as(role))
				require.NotContains(t, a.body, "SECRET", path)
				require.NotContains(t, a.body, "exception", path)
				require.Contains(t, []int{http.StatusOK, http.StatusNotFound}, a.status)
			}
		}
	}
	require.Contains(t, r.get(one, r.as("auditor")).body, "SECRET")
	r.get("/api/v1/workspaces/default-q2", r.as("auditor")).problem(t, http.StatusNotFound)
	reads := r.reads()
	require.Len(t, reads, 1)
	require.Equal(t, "soc2-2026", reads[0].data["target"])
	var list struct{ Items []workspace.Engagement }
	require.NoError(t, json.Unmarshal([]byte(r.get("/api/v1/workspaces", r.as("auditor")).body), &list))
	require.Len(t, list.Items, 1, "of the own period")
}

// Without Kafka an auditor reads no workspace. And a connection that may not write says so,
// while all else goes on.
func TestWorkspacesWhileSomethingIsAway(t *testing.T) {
	w := newWorld(t)
	if w.cfg.ClickHouse == w.cfg.Workspace {
		t.Skip("this ClickHouse has no user that only reads")
	}
	r := w.start(func(c *console.Config) { c.Workspace = c.ClickHouse })
	a := r.send(http.MethodPost, "/api/v1/workspaces/soc2-2026/requests", `{"title": "x"}`, r.as("auditor"))
	a.problem(t, http.StatusServiceUnavailable)
	require.Contains(t, r.log.String(), "INSERT on workspace_changes")
	require.Len(t, w.workspace("default").Requests, 1)
	require.Equal(t, http.StatusOK, r.get("/api/v1/workspaces/soc2-2026", r.as("engineer")).status)
	w.cluster.ControlKey(produce, func(kmsg.Request) (kmsg.Response, error, bool) {
		w.cluster.KeepControl()
		return nil, errors.New("away"), true
	})
	r.get("/api/v1/workspaces/soc2-2026", r.as("auditor")).problem(t, http.StatusServiceUnavailable)
}
