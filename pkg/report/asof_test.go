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
	"assay.example/assay/pkg/control"
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

// history is what is said of some items over two months, and what was heard meanwhile.
func history(r *rand.Rand) (revisions []said, events []compliance.Event) {
	outcomes := compliance.Outcomes()
	start := at("2026-06-28")
	for i := range 12 {
		when := start.Add(time.Duration(r.IntN(40*24)) * time.Hour)
		known := when
		var last *said
		for n := range 1 + r.IntN(5) {
			known = known.Add(time.Duration(1+r.IntN(200)) * time.Hour)
			if r.IntN(4) == 0 {
				when = when.Add(-time.Duration(r.IntN(72)) * time.Hour) // an earlier event opens it
			}
			s := said{
				control: []string{"CH-01", "AC-01", "AC-04"}[i%3], item: fmt.Sprintf("i%d", i), at: when.String(), revision: n + 1, known: known,
				outcome: outcomes[r.IntN(len(outcomes))], reason: "no_approval", before: last,
			}
			if s.outcome == compliance.Waived {
				s.evidence = []compliance.Evidence{{Expectation: "waiver", Source: "/grc", ID: "ev-wv"}}
			}
			if r.IntN(3) == 0 {
				s.remediated = known.String()
			}
			revisions = append(revisions, s)
			last = &s
		}
	}
	events = append(events, waiver("wv", at("2026-06-20").Add(time.Duration(r.IntN(40*24))*time.Hour).String(), nil))
	for beat := start; beat < start.Add(60*24*time.Hour); beat = beat.Add(time.Duration(1+r.IntN(4)) * time.Hour) {
		events = append(events, compliance.Event{
			Source: "/idp", ID: fmt.Sprintf("beat-%d", beat), Type: control.Heartbeat, Time: beat, Data: map[string]any{"interval_seconds": int64(3600)},
		})
	}
	return revisions, events
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

// What holds the present only can't answer for the past, and doesn't try.
func TestOnlyWhatIsDatedAnswersAsOf(t *testing.T) {
	for name, ok := range map[string]bool{
		"counts_by_item": true, "deviations": true, "rules": true, "outside_by_item": true, "waivers": true, "extent": true,
		"signs_of_life": true, "holes": true, "items": true, "period_facts": true,
		"counts_by_day": false, "outside_by_day": false, "day_counts": false, "quarters": false, "last_rejected": false, "last_deliveries": false,
	} {
		if err := report.AsOf(name); ok {
			require.NoError(t, err, name)
		} else {
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err), name)
			require.ErrorContains(t, err, "what was known at a time can't be told from", name)
		}
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
