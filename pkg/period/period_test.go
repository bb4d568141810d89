package period_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/period"
)

func at(text string) compliance.Instant {
	t, err := compliance.ParseInstant(text)
	if err != nil {
		panic(err)
	}
	return t
}

func event(id, typ, when string, data map[string]any) *compliance.Event {
	data["period_id"] = "h2"
	ev := &compliance.Event{Tenant: "default", Source: "/grc", ID: id, Type: typ, Time: at(when), Data: data}
	ev.Ref.SHA256[0] = byte(len(id) + len(data))
	return ev
}

func opened(id, when string) *compliance.Event {
	return event(id, period.Opened, when, map[string]any{"from": "2026-07-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "opened_by": "ann", "note": "SOC 2"})
}

func closed(id, when string) *compliance.Event {
	return event(id, period.Closed, when, map[string]any{"closed_by": "ann"})
}

func sealed(id, when, asOf string) *compliance.Event {
	return event(id, period.Sealed, when, map[string]any{"as_of": asOf, "bundle": "b", "facts_sha256": "f", "sealed_by": "bob"})
}

func TestAPeriodIsOpenedClosedAndSealed(t *testing.T) {
	events := []*compliance.Event{
		sealed("3", "2027-01-10T00:00:00Z", "2027-01-09T00:00:00Z"), closed("2", "2027-01-02T00:00:00Z"), opened("1", "2026-06-20T00:00:00Z"),
	}
	periods, orphans := period.Fold(events)
	require.Empty(t, orphans)
	require.Equal(t, []*period.Period{{
		ID: "h2", From: at("2026-07-01T00:00:00Z"), To: at("2027-01-01T00:00:00Z"),
		Opened: period.Act{By: "ann", At: at("2026-06-20T00:00:00Z"), Note: "SOC 2"},
		Closed: &period.Act{By: "ann", At: at("2027-01-02T00:00:00Z")},
		Sealed: &period.Seal{Act: period.Act{By: "bob", At: at("2027-01-10T00:00:00Z")}, AsOf: at("2027-01-09T00:00:00Z"), Bundle: "b", FactsSHA256: "f"},
	}}, periods)
	for n, want := range []string{"open", "closed", "sealed"} {
		periods, _ := period.Fold(events[2-n:])
		require.Equal(t, want, periods[0].State())
	}
}

// A seal says what it didn't wait for, and what is on record of completeness.
func TestASealSaysMoreSince(t *testing.T) {
	seal := sealed("3", "2027-01-10T00:00:00Z", "2027-01-09T00:00:00Z")
	seal.Data["certificates_sha256"], seal.Data["behind"], seal.Data["early"] = "c", "the recorder is down", "the auditor leaves"
	periods, _ := period.Fold([]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), closed("2", "2027-01-02T00:00:00Z"), seal})
	require.Equal(t, "c", periods[0].Sealed.CertificatesSHA256)
	require.Equal(t, "the recorder is down", periods[0].Sealed.Behind)
	require.Equal(t, "the auditor leaves", periods[0].Sealed.Early)
}

// Whatever order acts come in, and however often, they mean the same.
func TestFoldKnowsNoOrderOfArrival(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var events []*compliance.Event
		for i := range 8 {
			when := at("2026-12-25T00:00:00Z").Add(time.Duration(r.IntN(20*24)) * time.Hour).String()
			id := strconv.Itoa(r.IntN(6))
			events = append(events, []*compliance.Event{opened(id, when), closed(id, when), sealed(id, when, when)}[i%3])
		}
		want, lost := period.Fold(events)
		r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		got, orphans := period.Fold(append(events, events[r.IntN(len(events))]))
		require.Equal(t, want, got)
		require.Equal(t, lost, orphans)
	}
}

func TestWhatCountsForNothingIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		events []*compliance.Event
		state  string
		faults []string
	}{
		"opened twice":       {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), opened("2", "2026-06-21T00:00:00Z")}, "open", []string{"period.opened at 2026-06-21T00:00:00Z: it was open already"}},
		"the same twice":     {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), opened("1", "2026-06-20T00:00:00Z")}, "open", nil},
		"closed early":       {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), closed("2", "2026-12-31T23:59:59Z")}, "open", []string{"period.closed at 2026-12-31T23:59:59Z: it ends at 2027-01-01T00:00:00Z"}},
		"closed twice":       {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), closed("2", "2027-01-01T00:00:00Z"), closed("3", "2027-01-02T00:00:00Z")}, "closed", []string{"period.closed at 2027-01-02T00:00:00Z: it was closed already"}},
		"sealed unclosed":    {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), sealed("2", "2027-01-02T00:00:00Z", "2027-01-02T00:00:00Z")}, "open", []string{"period.sealed at 2027-01-02T00:00:00Z: it was not closed"}},
		"sealed of the past": {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), closed("2", "2027-01-01T00:00:00Z"), sealed("3", "2027-01-02T00:00:00Z", "2026-12-31T00:00:00Z")}, "closed", []string{"period.sealed at 2027-01-02T00:00:00Z: it is as of a time before the period's end"}},
		"sealed of tomorrow": {[]*compliance.Event{opened("1", "2026-06-20T00:00:00Z"), closed("2", "2027-01-01T00:00:00Z"), sealed("3", "2027-01-02T00:00:00Z", "2027-01-03T00:00:00Z")}, "closed", []string{"period.sealed at 2027-01-02T00:00:00Z: it is as of a time that lay ahead"}},
		"sealed twice": {
			[]*compliance.Event{
				opened("1", "2026-06-20T00:00:00Z"), closed("2", "2027-01-01T00:00:00Z"), sealed("3", "2027-01-02T00:00:00Z", "2027-01-02T00:00:00Z"), sealed("4", "2027-01-04T00:00:00Z", "2027-01-03T00:00:00Z"),
			}, "sealed", []string{"period.sealed at 2027-01-04T00:00:00Z: it was sealed already"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			periods, orphans := period.Fold(c.events)
			require.Empty(t, orphans)
			require.Len(t, periods, 1)
			require.Equal(t, c.state, periods[0].State())
			require.Equal(t, c.faults, periods[0].Faults)
		})
	}
}

func TestActsWithoutAPeriod(t *testing.T) {
	backwards := opened("1", "2026-06-20T00:00:00Z")
	backwards.Data["to"] = "2026-07-01T00:00:00Z"
	periods, orphans := period.Fold([]*compliance.Event{backwards, closed("2", "2027-01-01T00:00:00Z")})
	require.Empty(t, periods)
	require.Equal(t, map[string][]string{"h2": {
		"period.opened at 2026-06-20T00:00:00Z: it ends before it begins", "period.closed at 2027-01-01T00:00:00Z: nobody had opened it",
	}}, orphans)
}
