package page_test

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
)

func q3(t testing.TB) ask.Period {
	t.Helper()
	p, err := ask.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	return p
}

// A draw of the page is that of the command: the same items, hashes and bounds, and the
// same bytes in the file.
func TestSamplesPage(t *testing.T) {
	w := newWorld(t)
	var all []asktest.Said
	for i := range 60 {
		outcome := compliance.Pass
		if i%7 == 0 {
			outcome = compliance.Deviation
		}
		all = append(all, asktest.Said{Control: "CH-01", Item: fmt.Sprintf("<d>%02d", i), At: asktest.At("2026-07-01").Add(time.Duration(i) * time.Hour).String(), Outcome: outcome, Reason: "no_approval"})
	}
	w.Say(append(all, asktest.Said{Control: "CH-01", Item: outside, At: "2026-10-02", Outcome: compliance.Pass}, asktest.Said{Tenant: "other", Control: "CH-01", Item: theirs, At: "2026-07-02", Outcome: compliance.Pass})...)
	const query = "?period=2026-Q3&control=CH-01&engagement=soc2-2026&plan=chiaro"
	body := w.body(auditor(t), "/samples"+query)
	checkPage(t, query, body)
	without(t, query, body, outside, theirs)
	plan, err := sampling.Named("chiaro")
	require.NoError(t, err)
	want, err := sample.Make(t.Context(), w.Conn, w.Bundle, sample.Params{
		Tenant: "default", Control: "CH-01", Engagement: "soc2-2026", Period: q3(t), Now: asktest.At("2026-11-01"), Plan: plan,
	})
	require.NoError(t, err)
	require.Len(t, want.Strata[0].Items, 15)
	require.Equal(t, 15, strings.Count(body, `<tr><th scope="row"><a href="/items/CH-01/`))
	for _, it := range want.Strata[0].Items {
		require.Contains(t, html.UnescapeString(body), ">"+it.Item.ID+"</a>")
	}
	for _, text := range []string{want.Population.SHA256.String(), want.Strata[0].Seed.String(), "15 of 60 items", "not proven"} {
		require.Contains(t, body, text)
	}
	for _, bound := range want.Strata[0].Bounds {
		require.Contains(t, body, fmt.Sprintf(`<td class="n">%d</td><td class="n">%s</td><td class="n">%d</td><td class="n">%.1f %%</td>`, bound.Found, bound.Confidence, bound.Deviations, 100*bound.Rate))
	}
	require.Contains(t, html.UnescapeString(body), "assay sample --control CH-01 --engagement soc2-2026 --plan chiaro --period 2026-Q3 --tenant default")
	require.Contains(t, html.UnescapeString(body), "/api/v1/periods/2026-Q3/samples/CH-01/soc2-2026?plan=chiaro")

	var csv bytes.Buffer
	require.NoError(t, want.WriteCSV(output.Writer{Out: &csv}))
	require.Equal(t, csv.String(), w.body(auditor(t), "/samples/sample.csv"+query))
	require.Equal(t, string(want.PopulationBytes()), w.body(auditor(t), "/samples/population.txt"+query))

	strata := w.body(engineer(), "/samples"+query+"&stratum=month&as_of=2026-10-20")
	checkPage(t, query, strata)
	require.Contains(t, strata, "2026-07: 15 of 60 items")
	require.Contains(t, html.UnescapeString(strata), "--stratum month --as-of 2026-10-20")
}

// The page names what the command finds, and none of what was changed unseen.
func TestDriftPage(t *testing.T) {
	w := newWorld(t)
	var all []asktest.Said
	for i := range 80 {
		outcome := compliance.Pass
		if i >= 40 && i%2 == 0 {
			outcome = compliance.Deviation
		}
		all = append(all, asktest.Said{Control: "CH-01", Item: fmt.Sprint("d", i), At: asktest.At("2026-07-03").Add(time.Duration(i) * 24 * time.Hour).String(), Outcome: outcome})
	}
	w.Say(all...)
	w.Event(compliance.Event{Source: "/cd", ID: "x1", Type: "config.changed", Time: asktest.At("2026-08-11"), Data: map[string]any{"system": "<b>repo", "setting": "reviews"}})
	body := w.body(auditor(t), "/drift")
	checkPage(t, "/drift", body)
	var found [1]*drifts.Drift
	var err error
	window, baseline := ask.Period{Label: "w", From: asktest.At("2026-08-16"), To: asktest.At("2026-10-01")}, ask.Period{Label: "b", From: asktest.At("2026-07-01"), To: asktest.At("2026-08-16")}
	found[0], err = drifts.Make(t.Context(), w.Conn, w.Bundle, drifts.Params{Tenant: "default", Window: window, Baseline: baseline, Now: asktest.At("2026-11-01"), FDR: drift.DefaultFDR})
	require.NoError(t, err)
	require.Len(t, found[0].Findings, 1)
	f := found[0].Findings[0]
	text := html.UnescapeString(body)
	require.Contains(t, text, fmt.Sprintf("went from <strong>%d of %d (%.2f %%)</strong> to <strong>%d of %d (%.2f %%)</strong>; cause: <strong>%s</strong>",
		f.Baseline.Bad, f.Baseline.Of, 100*f.Baseline.Rate(), f.Window.Bad, f.Window.Of, 100*f.Window.Rate(), f.Cause))
	require.Contains(t, text, "Since "+f.Onset.Day.String()[:10])
	require.Contains(t, text, "<b>repo reviews")
	without(t, "/drift", body, "<b>repo")
	require.Contains(t, text, "id=x1")
	require.Contains(t, text, `href="/controls/CH-01?from=`)
	require.Contains(t, text, "assay drift --from 2026-08-16T00:00:00Z --to 2026-10-01T00:00:00Z --baseline-from 2026-07-01T00:00:00Z --baseline-to 2026-08-16T00:00:00Z --tenant default")
	require.Contains(t, html.UnescapeString(w.body(engineer(), "/drift?period=2026-08")), "/api/v1/periods/2026-08/drift/2026-07?")
	require.Contains(t, html.UnescapeString(w.body(engineer(), "/drift?period=2026-Q3")), "/api/v1/periods/2026-Q3/drift/2026-Q2?")

	v := auditor(t)
	v.Periods = []ask.Period{window, {Label: "july", From: asktest.At("2026-07-01"), To: asktest.At("2026-08-01")}}
	v.Cut(found[0])
	for _, c := range found[0].Findings[0].Changes {
		require.True(t, v.Sees(c.At), c.What)
	}
	require.Less(t, len(found[0].Findings[0].Changes), len(f.Changes))
}
