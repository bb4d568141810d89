package report_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// A report as of a time is the report that would have been made then, whatever came
// later: items that moved out of the period, waivers, heartbeats, and all.
func TestAsOfIsWhatWouldHaveBeenSaidThen(t *testing.T) {
	all := newWorld(t)
	differed := 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		revisions, events := history(r)
		full := all.as(t, fmt.Sprintf("full-%d", seed))
		full.say(revisions...)
		full.event(slices.Clone(events)...)
		for _, period := range []string{"2026-07", "2026-07-02"} {
			then := at("2026-07-01").Add(time.Duration(r.IntN(60*24)) * time.Hour)
			twin := all.as(t, fmt.Sprintf("then-%d-%s", seed, period))
			twin.say(slices.DeleteFunc(slices.Clone(revisions), func(s said) bool { return s.known > then })...)
			known := slices.DeleteFunc(slices.Clone(events), func(ev compliance.Event) bool { return ev.Time.Add(time.Second) > then })
			twin.event(known...)
			want := twin.report(period, func(p *report.Params) { p.MadeAt = then })
			got := full.report(period, func(p *report.Params) { p.AsOf = then })
			now := full.report(period)
			require.Equal(t, then, got.AsOf)
			require.Contains(t, got.Command, "--as-of "+then.String())
			require.Equal(t, want.Record, got.Record)
			require.Equal(t, want.Controls, got.Controls, "seed %d, %s as of %s", seed, period, then)
			if fmt.Sprint(now.Controls) != fmt.Sprint(got.Controls) {
				differed++
			}
		}
	}
	require.Greater(t, differed, 12, "the present must differ from the past for this to say anything")
}

// Every form says that it is not the present.
func TestAsOfIsSaid(t *testing.T) {
	w := newWorld(t)
	r := w.report("2026-07", func(p *report.Params) { p.AsOf = at("2026-08-07T06:00:00Z") })
	for name, write := range map[string]func(io.Writer) error{
		"table": func(out io.Writer) error { return r.WriteTable(output.Writer{Out: out}) },
		"csv":   func(out io.Writer) error { return r.WriteCSV(output.Writer{Out: out}) },
		"html":  r.WriteHTML, "json": r.WriteJSON,
	} {
		var said bytes.Buffer
		require.NoError(t, write(&said))
		require.Contains(t, said.String(), "2026-08-07T06:00:00Z", name)
	}
	for _, m := range r.Made {
		require.Contains(t, m.Parameters, report.Parameter{Name: "as_of", Value: "2026-08-07T06:00:00Z"}, m.Query)
	}
}

func TestAsOfTheFutureIsRefused(t *testing.T) {
	w := newWorld(t)
	p, err := report.ParsePeriod("2026-07")
	require.NoError(t, err)
	_, err = report.Make(t.Context(), w.conn, w.bundle, report.Params{Tenant: w.tenant, Period: p, MadeAt: at("2026-11-01"), AsOf: at("2026-11-02")})
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	require.ErrorContains(t, err, "lies ahead")
}
