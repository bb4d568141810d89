package flows_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/flows"
	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

func flowBundle(t *testing.T) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(fstest.MapFS{"boundary.yaml": {Data: []byte(`
effective_from: 2026-06-01T00:00:00Z
refs:
  data_flows:
    - {key: [assist, provider, acme], models: [large], regions: [eu], classes: [public]}
    - {key: [agent, tool, refund], classes: [pii]}
`)}}, types)
	require.NoError(t, err)
	return b
}

func compared(w *asktest.World, from, to string, asOf compliance.Instant) *flows.Boundary {
	w.Helper()
	p, err := ask.Between(from, to)
	require.NoError(w, err)
	b, err := flows.Make(w.Context(), w.Conn, w.Bundle, flows.Params{Tenant: w.Tenant, Period: p, AsOf: asOf, Now: asktest.At("2026-11-01")})
	require.NoError(w, err)
	return b
}

func call(id, when string, data map[string]any) compliance.Event {
	return compliance.Event{Source: "/assistant", ID: id, Type: "model.call.completed", Time: asktest.At(when), Data: data}
}

func TestBoundaryIsWhatCallsTell(t *testing.T) {
	w := asktest.New(t)
	w.Bundle = flowBundle(t)
	acme := map[string]any{"actor": "assist", "provider": "acme", "model": "large", "region": "eu", "data_class": "public"}
	other := map[string]any{"actor": "assist", "provider": "other", "model": "fast", "region": "us", "data_class": "pii"}
	events := []compliance.Event{
		call("m1", "2026-06-20T10:00:00Z", acme), call("m2", "2026-07-02T10:00:00Z", acme), call("m3", "2026-07-04T09:00:00Z", acme),
		call("m4", "2026-07-05T09:30:00Z", other), call("m5", "2026-07-05T12:00:00Z", other), call("m6", "2026-08-01T00:00:00Z", other),
		call("m7", "2026-07-03T00:00:00Z", map[string]any{"provider": "own", "model": "m", "data_class": "internal"}),
		{Source: "/assistant", ID: "t1", Type: "tool.call.completed", Time: asktest.At("2026-07-06T00:00:00Z"), Data: map[string]any{"agent": "agent", "tool": "refund", "data_class": "pii"}},
		{Source: "/assistant", ID: "t2", Type: "tool.call.completed", Time: asktest.At("2026-07-07T00:00:00Z"), Data: map[string]any{"agent": "agent", "tool": "refund"}},
		{Source: "/assistant", ID: "r1", Type: "retrieval.completed", Time: asktest.At("2026-07-07T00:00:00Z"), Data: map[string]any{"actor": "assist", "store": "kb", "data_class": "public"}},
		{Source: "/assistant", ID: "g1", Type: "guardrail.decision", Time: asktest.At("2026-07-07T00:00:00Z"), Data: map[string]any{"actor": "assist"}},
	}
	w.Event(events...)
	once := compared(w, "2026-07-01", "2026-08-01", 0)
	said := map[string]string{}
	for _, e := range once.Edges {
		said[fmt.Sprintf("%s %s %s %s", e.Caller, e.Kind, e.Name, e.Class)] = fmt.Sprintf("%s %d new=%t %s..%s", e.Standing, e.Days, e.New,
			e.First.Time().Format(time.DateTime), e.Last.Time().Format(time.DateTime))
	}
	require.Equal(t, map[string]string{
		"assist provider acme public":      "declared 2 new=false 2026-07-02 10:00:00..2026-07-04 09:00:00",
		"assist provider other pii":        "not_declared 1 new=true 2026-07-05 09:30:00..2026-07-05 12:00:00",
		"/assistant provider own internal": "not_declared 1 new=true 2026-07-03 00:00:00..2026-07-03 00:00:00",
		"agent tool refund pii":            "declared 1 new=true 2026-07-06 00:00:00..2026-07-06 00:00:00",
		"agent tool refund unclassified":   "class_not_declared 1 new=true 2026-07-07 00:00:00..2026-07-07 00:00:00",
		"assist store kb public":           "not_declared 1 new=true 2026-07-07 00:00:00..2026-07-07 00:00:00",
	}, said)
	require.Equal(t, "data_flows", once.Made[0].Query)

	w.Event(slices.Clone(events)...) // all once more, at other places in the log
	again := compared(w, "2026-07-01", "2026-08-01", 0)
	require.Equal(t, once.Edges, again.Edges)
}

// A window that cuts days, and a time that it is as of, give what a scan of the events gives.
func TestBoundaryOfAnyWindow(t *testing.T) {
	all := asktest.New(t)
	all.Bundle = flowBundle(t)
	cut := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := all.As(t, fmt.Sprintf("seed-%d", seed))
		var events []compliance.Event
		for i := range 60 {
			when := asktest.At("2026-07-01").Add(time.Duration(r.IntN(6*24*60)) * time.Minute)
			events = append(events, compliance.Event{Source: "/s", ID: strconv.Itoa(i), Type: "model.call.completed", Time: when, Data: map[string]any{
				"actor": []string{"a", "b"}[r.IntN(2)], "provider": []string{"p", "q", "r"}[r.IntN(3)], "data_class": []string{"pii", "public"}[r.IntN(2)],
			}})
		}
		w.Event(events...)
		for range 6 {
			from := asktest.At("2026-07-01").Add(time.Duration(r.IntN(4*24)) * time.Hour)
			to := from.Add(time.Duration(1+r.IntN(48)) * time.Hour)
			asOf := compliance.Instant(0)
			if r.IntN(2) == 0 {
				asOf = from.Add(time.Duration(r.IntN(72)) * time.Hour)
			}
			got := compared(w, from.String(), to.String(), asOf)
			want := scan(events, from, to, asOf)
			require.Equal(t, want, got.Edges, "seed %d, %s to %s as of %s", seed, from, to, asOf)
			if from.Time().Hour() != 0 && len(want) > 0 {
				cut++
			}
		}
	}
	require.Greater(t, cut, 50)
}

// scan is the slow way to the same edges.
func scan(events []compliance.Event, from, to, asOf compliance.Instant) []boundary.Edge {
	edges := map[boundary.Flow]*boundary.Edge{}
	days := map[string]bool{}
	before := map[boundary.Flow]bool{}
	for _, ev := range events {
		f := boundary.Flow{Kind: boundary.Provider, Caller: ev.Data["actor"].(string), Name: ev.Data["provider"].(string), Class: ev.Data["data_class"].(string)}
		switch {
		case ev.Time >= to || asOf != 0 && ev.Time.Add(time.Second) > asOf:
		case ev.Time < from:
			before[f] = true
		default:
			e := edges[f]
			if e == nil {
				e = &boundary.Edge{Flow: f, First: ev.Time, OutsideFrom: ev.Time, Standing: boundary.NotDeclared}
				edges[f] = e
			}
			e.First, e.Last, e.OutsideFrom = min(e.First, ev.Time), max(e.Last, ev.Time), min(e.OutsideFrom, ev.Time)
			if day := fmt.Sprint(f, ev.Time.Time().Format(time.DateOnly)); !days[day] {
				days[day] = true
				e.Days++
				e.OutsideDays++
			}
		}
	}
	found := []boundary.Edge{}
	for f, e := range edges {
		e.New = !before[f]
		found = append(found, *e)
	}
	slices.SortFunc(found, func(a, b boundary.Edge) int {
		return cmpText(fmt.Sprint(a.Kind, a.Caller, a.Name, a.Class), fmt.Sprint(b.Kind, b.Caller, b.Name, b.Class))
	})
	return found
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// The sums by day are those that the events give, at every time.
func TestDataFlowsAreThoseOfEvents(t *testing.T) {
	w := asktest.New(t)
	for i := range 3 {
		w.Event(call(fmt.Sprint("m", i), "2026-07-02T10:00:00Z", map[string]any{"actor": "a", "provider": "p", "model": strconv.Itoa(i % 2)}))
	}
	const sums = "SELECT tenant, day, kind, caller, name, model, region, class, min(first) AS f, max(last) AS l FROM data_flows GROUP BY ALL"
	const counted = "SELECT tenant, day, kind, caller, name, model, region, class, min(time) AS f, max(time) AS l FROM observed_flows GROUP BY ALL"
	var n, differ uint64
	require.NoError(t, w.Conn.QueryRow(t.Context(), "SELECT count() FROM ("+sums+")").Scan(&n))
	require.Equal(t, uint64(2), n)
	require.NoError(t, w.Conn.QueryRow(t.Context(), "SELECT count() FROM (("+sums+" EXCEPT "+counted+") UNION ALL ("+counted+" EXCEPT "+sums+"))").Scan(&differ))
	require.Zero(t, differ)
}
