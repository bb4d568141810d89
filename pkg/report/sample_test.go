package report_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
	"assay.example/assay/pkg/sampling"
)

// twenty puts twenty deployments on record, each with the event that opened it; the
// fifth of them deviates.
func (w *world) twenty() {
	w.Helper()
	var items []said
	for i := range 20 {
		when := at("2026-07-01").Add(time.Duration(i) * 36 * time.Hour)
		component := []string{"api", "web", "billing"}[i%3]
		opened := w.event(compliance.Event{Source: "/cd", ID: fmt.Sprintf("ev-%d", i), Type: "deploy.completed", Time: when, Data: map[string]any{"component": component}})
		it := said{
			control: "CH-01", item: fmt.Sprintf("dep-%02d", i), at: when.String(), outcome: compliance.Pass,
			evidence: []compliance.Evidence{compliance.EvidenceOf("item", &opened[0])},
		}
		if i == 4 {
			it.outcome, it.reason = compliance.Deviation, "no_approval"
		}
		items = append(items, it)
	}
	w.say(items...)
}

func (w *world) sample(changes ...func(*report.SampleParams)) *report.Sample {
	w.Helper()
	plan, err := sampling.Named("chiaro")
	require.NoError(w, err)
	p := report.SampleParams{Tenant: w.tenant, Control: "CH-01", Engagement: "soc2-2026", Plan: plan, Now: at("2026-11-01")}
	p.Period, err = report.ParsePeriod("2026-07")
	require.NoError(w, err)
	for _, change := range changes {
		change(&p)
	}
	s, err := report.MakeSample(w.Context(), w.conn, w.bundle, p)
	require.NoError(w, err)
	return s
}

func jsonOf(t testing.TB, s *report.Sample) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, s.WriteJSON(&out))
	return out.String()
}

func TestSample(t *testing.T) {
	w := newWorld(t)
	w.twenty()
	s := w.sample()
	require.Equal(t, 20, s.Population.Size)
	require.Len(t, s.Strata, 1)
	stratum := s.Strata[0]
	require.Equal(t, sampling.Sizing{Size: 8, Rule: "population up to 50: 8"}, stratum.Sizing)
	require.Len(t, stratum.Items, 8)
	require.Equal(t, sampling.AdHoc, s.Frequency)
	require.Equal(t, jsonOf(t, s), jsonOf(t, w.sample()), "the same again is the same bytes")

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

	other := w.sample(func(p *report.SampleParams) { p.Engagement = "soc2-2027" })
	require.Equal(t, s.Population, other.Population)
	require.NotEqual(t, stratum.Seed, other.Strata[0].Seed)
	require.Equal(t, 0, w.sample(func(p *report.SampleParams) { p.Tenant = "another" }).Population.Size)
}

func itemsOf(w *world, period string) []compliance.Item {
	p, err := report.ParsePeriod(period)
	require.NoError(w, err)
	verdicts, err := report.Items(w.Context(), w.conn, w.tenant, "CH-01", p.From, p.To, 0)
	require.NoError(w, err)
	items := make([]compliance.Item, len(verdicts))
	for i, v := range verdicts {
		items[i] = v.Item
	}
	return items
}

// What was known then is drawn then, whatever came after.
func TestSampleAsOf(t *testing.T) {
	w := newWorld(t)
	w.twenty()
	then := func(p *report.SampleParams) { p.AsOf = at("2026-08-15") }
	before := jsonOf(t, w.sample(then))
	was := func(i int) *said {
		it := &said{at: at("2026-07-01").Add(time.Duration(i) * 36 * time.Hour).String(), outcome: compliance.Pass}
		if i == 4 {
			it.outcome, it.reason = compliance.Deviation, "no_approval"
		}
		return it
	}
	w.say(
		// One leaves the population, one is corrected, one moves into another month, one is new.
		said{control: "CH-01", item: "dep-03", at: at("2026-07-01").Add(3 * 36 * time.Hour).String(), outcome: compliance.Withdrawn, before: was(3), revision: 2, known: at("2026-09-01")},
		said{control: "CH-01", item: "dep-04", at: at("2026-07-01").Add(4 * 36 * time.Hour).String(), outcome: compliance.Pass, before: was(4), revision: 2, known: at("2026-09-01")},
		said{control: "CH-01", item: "dep-05", at: "2026-08-02", outcome: compliance.Pass, before: was(5), revision: 2, known: at("2026-09-01")},
		said{control: "CH-01", item: "dep-99", at: "2026-07-31T23:59:59.999999Z", outcome: compliance.Pass, known: at("2026-09-01")},
		said{control: "CH-01", item: "dep-98", at: "2026-07-02", outcome: compliance.Pass, known: at("2026-09-01")},
	)
	require.Equal(t, before, jsonOf(t, w.sample(then)))
	now := w.sample()
	require.Equal(t, 20, now.Population.Size, "two left, two came")
	require.Contains(t, string(now.PopulationBytes()), " dep-99\n")
	require.NotContains(t, string(now.PopulationBytes()), " dep-03\n")
	require.NotContains(t, string(now.PopulationBytes()), " dep-05\n")
	require.Equal(t, 0, w.sample(func(p *report.SampleParams) { p.AsOf = at("2026-06-30") }).Population.Size)
	// An instant belongs to what was known at it.
	require.Contains(t, string(w.sample(func(p *report.SampleParams) { p.AsOf = at("2026-09-01") }).PopulationBytes()), "dep-99")
	require.NotContains(t, string(w.sample(func(p *report.SampleParams) { p.AsOf = at("2026-09-01") - 1 }).PopulationBytes()), "dep-99")
}

func TestStrata(t *testing.T) {
	w := newWorld(t)
	w.twenty()
	by := func(stratum string) *report.Sample {
		return w.sample(func(p *report.SampleParams) { p.Stratum = stratum })
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
	require.Equal(t, w.bundle.Control("CH-01").Hash, by("rule").Strata[0].Name)

	w.say(
		said{control: "AC-04", item: "console@2026-07", at: "2026-07-01", outcome: compliance.Pass},
		said{control: "AC-04", item: "a@b@2026-07", at: "2026-07-01", outcome: compliance.Pass},
	)
	s = w.sample(func(p *report.SampleParams) { p.Control, p.Stratum = "AC-04", "member" })
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
		_, err := report.MakeSample(t.Context(), w.conn, w.bundle, report.SampleParams{Tenant: "default", Control: c.control, Stratum: c.stratum, Engagement: c.engagement, Plan: plan})
		require.ErrorContains(t, err, c.want)
	}
}

func TestSampleIsWritten(t *testing.T) {
	w := newWorld(t)
	w.twenty()
	s := w.sample()
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
	require.NoError(t, w.sample(func(p *report.SampleParams) { p.Stratum = "event.component" }).WriteTable(output.Writer{Out: &out}))
	require.Contains(t, out.String(), "web: Every item is in the sample, so no bound belongs to it.")
	require.NotContains(t, out.String(), "proves")
	out.Reset()
	require.NoError(t, w.sample(func(p *report.SampleParams) { p.Tenant = "another" }).WriteTable(output.Writer{Out: &out}))
	require.Contains(t, out.String(), "There is nothing to draw.")
}
