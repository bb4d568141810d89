package sampling_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/sampling"
)

func TestNamedPlans(t *testing.T) {
	require.Equal(t, []string{"assurancelab", "chiaro", "range-high", "range-low", "statistical-90", "statistical-95"}, sampling.Names())
	for _, c := range []struct {
		plan       string
		population int
		frequency  sampling.Frequency
		size       int
		rule       string
	}{
		{"chiaro", 1, sampling.Annual, 1, "annual: 1"},
		{"chiaro", 4, sampling.Quarterly, 2, "quarterly: 2"},
		{"chiaro", 12, sampling.Monthly, 2, "monthly: 2"},
		{"chiaro", 52, sampling.Weekly, 5, "weekly: 5"},
		{"chiaro", 365, sampling.Daily, 25, "daily: 25"},
		{"chiaro", 9999, sampling.ManyDaily, 40, "many_daily: 40"},
		{"chiaro", 10, sampling.AdHoc, 10, "population up to 10: all"},
		{"chiaro", 11, sampling.AdHoc, 8, "population up to 50: 8"},
		{"chiaro", 51, sampling.AdHoc, 15, "population up to 250: 15"},
		{"chiaro", 251, sampling.AdHoc, 25, "larger population: 25"},
		{"assurancelab", 4, sampling.AdHoc, 4, "population up to 5: all"},
		{"assurancelab", 6, sampling.Weekly, 5, "population up to 50: 5"},
		{"assurancelab", 51, sampling.AdHoc, 6, "population up to 250: 10 %"},
		{"assurancelab", 250, sampling.AdHoc, 25, "population up to 250: 10 %"},
		{"assurancelab", 251, sampling.AdHoc, 25, "larger population: 25"},
		{"range-low", 12, sampling.Monthly, 2, "monthly: 2"},
		{"range-high", 12, sampling.Monthly, 5, "monthly: 5"},
		{"range-high", 30, sampling.ManyDaily, 30, "many_daily: 60"}, // never more than there are
		{"statistical-95", 1_000_000, sampling.AdHoc, 59, "0.95 confidence of a rate of at most 0.05, with 0 deviations expected (binomial)"},
		{"statistical-90", 1_000_000, sampling.AdHoc, 45, "0.90 confidence of a rate of at most 0.05, with 0 deviations expected (binomial)"},
		{"statistical-95", 10, sampling.AdHoc, 10, "0.95 confidence of a rate of at most 0.05, with 0 deviations expected (hypergeometric)"},
	} {
		p, err := sampling.Named(c.plan)
		require.NoError(t, err)
		got, err := p.Size(c.population, c.frequency)
		require.NoError(t, err)
		require.Equal(t, sampling.Sizing{Size: c.size, Rule: c.rule}, got, "%s %d", c.plan, c.population)
	}
	_, err := sampling.Named("../plan")
	require.ErrorContains(t, err, "choose one of assurancelab, chiaro")
	low, err := sampling.Named("range-low")
	require.NoError(t, err)
	_, err = low.Size(10, sampling.AdHoc)
	require.ErrorContains(t, err, "has no size for a control that operates ad_hoc; say --frequency")
}

func TestFrequencyOf(t *testing.T) {
	for n, want := range map[int]sampling.Frequency{1: sampling.Quarterly, 3: sampling.Monthly, 13: sampling.Weekly, 92: sampling.Daily, 500: sampling.ManyDaily, 0: sampling.Annual} {
		require.Equal(t, want, sampling.FrequencyOf(n, 92), n)
	}
	require.Equal(t, sampling.Annual, sampling.FrequencyOf(1, 365))
	require.Equal(t, sampling.ManyDaily, sampling.FrequencyOf(5, 0))
}

func TestPlansThatSayNothing(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "EOF",
		"a: 1":                            "field a not found",
		"{name: a, title: b, draw: runs}": "it has no sizes",
		"{title: b, draw: runs}":          "name and title are missing",
		"{name: a, title: b, draw: lots}": `"lots" is no way to draw`,
		"{name: a, title: b, draw: runs, by_frequency: {hourly: 3}}":                                                "by_frequency: hourly: 3",
		"{name: a, title: b, draw: runs, by_frequency: {daily: 0}}":                                                 "a size from 1",
		"{name: a, title: b, draw: runs, by_population: [{up_to: 5, size: 2}]}":                                     "its last step has no up_to",
		"{name: a, title: b, draw: runs, by_population: [{up_to: 5, size: 2}, {up_to: 5, all: true}, {size: 2}]}":   "must grow",
		"{name: a, title: b, draw: runs, by_population: [{size: 2, percent: 3}]}":                                   "say one of all, size",
		"{name: a, title: b, draw: runs, by_population: [{}]}":                                                      "say one of all, size",
		"{name: a, title: b, draw: runs, statistical: {confidence: 1, tolerable: 0.1}}":                             "lie between 0 and 1",
		"{name: a, title: b, draw: runs, statistical: {confidence: 2, tolerable: 0.1}}":                             `"2" is no share`,
		"{name: a, title: b, draw: runs, statistical: {confidence: 0.95, tolerable: 0.0000001}}":                    "more than 20000 items",
		"{name: a, title: b, draw: runs, by_frequency: {daily: 1}, statistical: {confidence: 0.9, tolerable: 0.1}}": "stands alone",
	} {
		_, err := sampling.ReadPlan([]byte(text), "p.yaml")
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, "p.yaml")
	}
}
