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

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// A report as of a time is the report that would have been made then, whatever came
// later: items that moved out of the period, waivers, heartbeats, and all.
func TestAsOfIsWhatWouldHaveBeenSaidThen(t *testing.T) {
	all := asktest.New(t)
	differed := 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 7))
		revisions, events := asktest.History(r)
		full := all.As(t, fmt.Sprintf("full-%d", seed))
		full.Say(revisions...)
		full.Event(slices.Clone(events)...)
		for _, period := range []string{"2026-07", "2026-07-02"} {
			then := asktest.At("2026-07-01").Add(time.Duration(r.IntN(60*24)) * time.Hour)
			twin := all.As(t, fmt.Sprintf("then-%d-%s", seed, period))
			twin.Say(slices.DeleteFunc(slices.Clone(revisions), func(s asktest.Said) bool { return s.Known > then })...)
			known := slices.DeleteFunc(slices.Clone(events), func(ev compliance.Event) bool { return ev.Time.Add(time.Second) > then })
			twin.Event(known...)
			want := reported(twin, period, func(p *report.Params) { p.MadeAt = then })
			got := reported(full, period, func(p *report.Params) { p.AsOf = then })
			now := reported(full, period)
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
	w := asktest.New(t)
	r := reported(w, "2026-07", func(p *report.Params) { p.AsOf = asktest.At("2026-08-07T06:00:00Z") })
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
		require.Contains(t, m.Parameters, ask.Parameter{Name: "as_of", Value: "2026-08-07T06:00:00Z"}, m.Query)
	}
}

func TestAsOfTheFutureIsRefused(t *testing.T) {
	w := asktest.New(t)
	p, err := ask.ParsePeriod("2026-07")
	require.NoError(t, err)
	_, err = report.Make(t.Context(), w.Conn, w.Bundle, report.Params{Tenant: w.Tenant, Period: p, MadeAt: asktest.At("2026-11-01"), AsOf: asktest.At("2026-11-02")})
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	require.ErrorContains(t, err, "lies ahead")
}
