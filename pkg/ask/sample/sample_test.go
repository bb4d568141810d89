package sample_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
)

// twenty puts twenty deployments on record, each with the event that opened it; the
// fifth of them deviates.
func twenty(w *asktest.World) {
	w.Helper()
	var items []asktest.Said
	for i := range 20 {
		when := asktest.At("2026-07-01").Add(time.Duration(i) * 36 * time.Hour)
		component := []string{"api", "web", "billing"}[i%3]
		opened := w.Event(compliance.Event{Source: "/cd", ID: fmt.Sprintf("ev-%d", i), Type: "deploy.completed", Time: when, Data: map[string]any{"component": component}})
		it := asktest.Said{
			Control: "CH-01", Item: fmt.Sprintf("dep-%02d", i), At: when.String(), Outcome: compliance.Pass,
			Evidence: []compliance.Evidence{compliance.EvidenceOf("item", &opened[0])},
		}
		if i == 4 {
			it.Outcome, it.Reason = compliance.Deviation, "no_approval"
		}
		items = append(items, it)
	}
	w.Say(items...)
}

func draw(w *asktest.World, changes ...func(*sample.Params)) *sample.Sample {
	w.Helper()
	plan, err := sampling.Named("chiaro")
	require.NoError(w, err)
	p := sample.Params{Tenant: w.Tenant, Control: "CH-01", Engagement: "soc2-2026", Plan: plan, Now: asktest.At("2026-11-01")}
	p.Period, err = ask.ParsePeriod("2026-07")
	require.NoError(w, err)
	for _, change := range changes {
		change(&p)
	}
	s, err := sample.Make(w.Context(), w.Conn, w.Bundle, p)
	require.NoError(w, err)
	return s
}

func jsonOf(t testing.TB, s *sample.Sample) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, s.WriteJSON(&out))
	return out.String()
}

func TestSample(t *testing.T) {
	w := asktest.New(t)
	twenty(w)
	s := draw(w)
	require.Equal(t, 20, s.Population.Size)
	require.Len(t, s.Strata, 1)
	stratum := s.Strata[0]
	require.Equal(t, sampling.Sizing{Size: 8, Rule: "population up to 50: 8"}, stratum.Sizing)
	require.Len(t, stratum.Items, 8)
	require.Equal(t, sampling.AdHoc, s.Frequency)
	require.Equal(t, jsonOf(t, s), jsonOf(t, draw(w)), "the same again is the same bytes")

	// The draw is what the library draws from the items alone.
	population, err := sampling.NewPopulation(itemsOf(w, "2026-07"))
	require.NoError(t, err)
	require.Equal(t, population.Hash(), s.Population.SHA256)
	require.Equal(t, string(population.Bytes()), string(s.PopulationBytes()))
	picks, err := sampling.Draw(sampling.Runs, sampling.Seed("soc2-2026", "CH-01", population.Hash()), 20, 8)
	require.NoError(t, err)
	for i, pick := range picks {
		it := stratum.Items[i]
		require.Equal(t, population.At(pick.Position), it.Item)
		require.Equal(t, pick.Run, it.Run)
		require.Len(t, it.Evidence, 1)
		require.Equal(t, "ev-"+strings.TrimPrefix(strings.TrimPrefix(it.Item.ID, "dep-"), "0"), it.Evidence[0].ID)
	}
	require.False(t, stratum.Census)
	require.Len(t, stratum.Bounds, 6)
	require.Equal(t, "0.95", stratum.Bounds[0].Confidence.String())

	other := draw(w, func(p *sample.Params) { p.Engagement = "soc2-2027" })
	require.Equal(t, s.Population, other.Population)
	require.NotEqual(t, stratum.Seed, other.Strata[0].Seed)
	require.Equal(t, 0, draw(w, func(p *sample.Params) { p.Tenant = "another" }).Population.Size)
}

func itemsOf(w *asktest.World, period string) []compliance.Item {
	p, err := ask.ParsePeriod(period)
	require.NoError(w, err)
	verdicts, err := listing.Items(w.Context(), w.Conn, w.Tenant, "CH-01", p.From, p.To, 0)
	require.NoError(w, err)
	items := make([]compliance.Item, len(verdicts))
	for i, v := range verdicts {
		items[i] = v.Item
	}
	return items
}

// What was known then is drawn then, whatever came after.
func TestSampleAsOf(t *testing.T) {
	w := asktest.New(t)
	twenty(w)
	then := func(p *sample.Params) { p.AsOf = asktest.At("2026-08-15") }
	before := jsonOf(t, draw(w, then))
	was := func(i int) *asktest.Said {
		it := &asktest.Said{At: asktest.At("2026-07-01").Add(time.Duration(i) * 36 * time.Hour).String(), Outcome: compliance.Pass}
		if i == 4 {
			it.Outcome, it.Reason = compliance.Deviation, "no_approval"
		}
		return it
	}
	w.Say(
		// One leaves the population, one is corrected, one moves into another month, one is new.
		asktest.Said{Control: "CH-01", Item: "dep-03", At: asktest.At("2026-07-01").Add(3 * 36 * time.Hour).String(), Outcome: compliance.Withdrawn, Before: was(3), Revision: 2, Known: asktest.At("2026-09-01")},
		asktest.Said{Control: "CH-01", Item: "dep-04", At: asktest.At("2026-07-01").Add(4 * 36 * time.Hour).String(), Outcome: compliance.Pass, Before: was(4), Revision: 2, Known: asktest.At("2026-09-01")},
		asktest.Said{Control: "CH-01", Item: "dep-05", At: "2026-08-02", Outcome: compliance.Pass, Before: was(5), Revision: 2, Known: asktest.At("2026-09-01")},
		asktest.Said{Control: "CH-01", Item: "dep-99", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Pass, Known: asktest.At("2026-09-01")},
		asktest.Said{Control: "CH-01", Item: "dep-98", At: "2026-07-02", Outcome: compliance.Pass, Known: asktest.At("2026-09-01")},
	)
	require.Equal(t, before, jsonOf(t, draw(w, then)))
	now := draw(w)
	require.Equal(t, 20, now.Population.Size, "two left, two came")
	require.Contains(t, string(now.PopulationBytes()), " dep-99\n")
	require.NotContains(t, string(now.PopulationBytes()), " dep-03\n")
	require.NotContains(t, string(now.PopulationBytes()), " dep-05\n")
	require.Equal(t, 0, draw(w, func(p *sample.Params) { p.AsOf = asktest.At("2026-06-30") }).Population.Size)
	// An instant belongs to what was known at it.
	require.Contains(t, string(draw(w, func(p *sample.Params) { p.AsOf = asktest.At("2026-09-01") }).PopulationBytes()), "dep-99")
	require.NotContains(t, string(draw(w, func(p *sample.Params) { p.AsOf = asktest.At("2026-09-01") - 1 }).PopulationBytes()), "dep-99")
}

func TestStrata(t *testing.T) {
	w := asktest.New(t)
	twenty(w)
	by := func(stratum string) *sample.Sample {
		return draw(w, func(p *sample.Params) { p.Stratum = stratum })
	}
	s := by("event.component")
	var names []string
	drawn := 0
	for _, u := range s.Strata {
		names = append(names, fmt.Sprintf("%s %d", u.Name, u.Size))
		require.True(t, u.Census, "a population of less than ten is drawn whole")
		require.Empty(t, u.Bounds)
		drawn += len(u.Items)
	}
	require.Equal(t, []string{"api 7", "billing 6", "web 7"}, names)
	require.Equal(t, 20, drawn)
	require.Equal(t, "(none)", by("event.nothing").Strata[0].Name)
	require.Equal(t, "2026-07", by("month").Strata[0].Name)
	require.Equal(t, w.Bundle.Control("CH-01").Hash, by("rule").Strata[0].Name)

	w.Say(
		asktest.Said{Control: "AC-04", Item: "console@2026-07", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-04", Item: "a@b@2026-07", At: "2026-07-01", Outcome: compliance.Pass},
	)
	s = draw(w, func(p *sample.Params) { p.Control, p.Stratum = "AC-04", "member" })
	require.Equal(t, sampling.Monthly, s.Frequency)
	require.Equal(t, "a@b", s.Strata[0].Name)
	require.Equal(t, "console", s.Strata[1].Name)

	plan, err := sampling.Named("chiaro")
	require.NoError(t, err)
	for _, c := range []struct{ control, stratum, engagement, want string }{
		{"CH-01", "member", "e", "choose month or rule"},
		{"CH-01", "weather", "e", "choose month or rule"},
		{"AC-04", "event.system", "e", "choose month or rule"},
		{"XX-01", "", "e", `no control "XX-01"`},
		{"CH-01", "", "", "say --engagement"},
	} {
		_, err := sample.Make(t.Context(), w.Conn, w.Bundle, sample.Params{Tenant: "default", Control: c.control, Stratum: c.stratum, Engagement: c.engagement, Plan: plan})
		require.ErrorContains(t, err, c.want)
	}
}

func TestSampleIsWritten(t *testing.T) {
	w := asktest.New(t)
	twenty(w)
	s := draw(w)
	var out bytes.Buffer
	require.NoError(t, s.WriteCSV(output.Writer{Out: &out}))
	require.Equal(t, 9, strings.Count(out.String(), "\n"))
	require.Contains(t, out.String(), "item=/cd ev-")
	out.Reset()
	require.NoError(t, s.WriteTable(output.Writer{Out: &out}))
	require.Contains(t, out.String(), "What the sample proves of 20 items")
	require.Contains(t, out.String(), s.Population.SHA256.String())
	require.NotContains(t, out.String(), "no bound")
	out.Reset()
	require.NoError(t, draw(w, func(p *sample.Params) { p.Stratum = "event.component" }).WriteTable(output.Writer{Out: &out}))
	require.Contains(t, out.String(), "web: Every item is in the sample, so no bound belongs to it.")
	require.NotContains(t, out.String(), "proves")
	out.Reset()
	require.NoError(t, draw(w, func(p *sample.Params) { p.Tenant = "another" }).WriteTable(output.Writer{Out: &out}))
	require.Contains(t, out.String(), "There is nothing to draw.")
}
