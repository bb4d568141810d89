package console_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Somebody who reads a list page by page, while rows arrive, gets each row that was there
// at the first page exactly once, as it was then.
func TestPagesHoldStill(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	arrived := 0
	var rows []row
	for i := range 10 {
		id := fmt.Sprintf("walk-%02d", i)
		rows = append(rows, row{"default", id, id, fmt.Sprintf("2026-08-%02d", 1+i%5), 1000 + i})
	}
	w.insert(rows...)
	for _, route := range r.routes() {
		if !route.takes("cursor") {
			continue
		}
		query := "?period=2026-08&limit=3"
		whole := r.page(route.path + "?period=2026-08&limit=1000")
		require.GreaterOrEqual(t, len(whole.Items), 11, route.path)
		var got []any
		asOf := ""
		for address := route.path + query; address != ""; {
			p := r.page(address)
			require.LessOrEqual(t, len(p.Items), 3)
			if asOf != "" {
				require.Equal(t, asOf, p.AsOf, "all pages are of one moment")
			}
			got, asOf = append(got, p.Items...), p.AsOf
			address = ""
			if p.Next != "" {
				address = route.path + query + "&cursor=" + p.Next
			}
			if route.id != "conflicts" && len(got) < 10 { // conflicts grow, and are not held to a moment
				arrived++
				id := fmt.Sprintf("new-%02d", arrived)
				w.insert(row{"default", id, id, fmt.Sprintf("2026-08-31 12:00:%02d", arrived), 2000 + arrived})
			}
		}
		require.Truef(t, slices.Equal(keys(t, whole.Items), keys(t, got)), "%s: %d rows, of %d", route.path, len(got), len(whole.Items))
		if route.id != "conflicts" {
			require.Greater(t, len(r.page(route.path+"?period=2026-08&limit=1000").Items), len(whole.Items), "what arrived is there for who begins anew")
		}
	}
}

// keys are rows as text, in their order.
func keys(t *testing.T, rows []any) []string {
	t.Helper()
	list := make([]string, len(rows))
	for i, row := range rows {
		raw, err := json.Marshal(row)
		require.NoError(t, err)
		list[i] = string(raw)
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(list))), len(list), "no row comes twice")
	return list
}

// list is a page of a list.
type list struct {
	AsOf  string `json:"as_of"`
	Items []any  `json:"items"`
	Next  string `json:"next"`
}

func (r *running) page(address string) (p list) {
	r.Helper()
	a := r.get(address, r.as("engineer"))
	require.Equal(r, http.StatusOK, a.status, "%s: %s", address, a.body)
	require.NoError(r, json.Unmarshal([]byte(a.body), &p))
	return p
}

// A cursor that is damaged is refused; one that isn't can be used again, with another limit.
func TestDamagedCursors(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	next := r.page("/api/v1/events?limit=1").Next
	damaged := map[string]string{
		"cut": next[:len(next)-1], "longer": next + "A", "another first character": "A" + next[1:], "half": next[:len(next)/2], "one character": "x",
		"no base64": "!" + next[1:], "spaces": "%20" + next, "twice": next + next,
	}
	for _, tried := range slices.Sorted(maps.Keys(damaged)) {
		a := r.get("/api/v1/events?limit=1&cursor="+damaged[tried], r.as("engineer"))
		p := a.problem(t, http.StatusBadRequest, tried)
		require.True(t, strings.HasPrefix(p.Detail, "the cursor is damaged"), p.Detail)
		tab.row("damaged cursor", tried, "400")
	}
	for _, limit := range []string{"1", "2", "1000"} {
		require.NotEmpty(t, r.page("/api/v1/events?limit="+limit+"&cursor="+next).Items)
	}
}
