package sim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/routed"
)

// dice are a seed's.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func one[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }

var epoch = compliance.InstantOf(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))

func minute(n int) compliance.Instant { return epoch.Add(time.Duration(n) * time.Minute) }

// lasts is how many minutes a life has; what is due by the end of it is due by doom.
const (
	lasts = 300
	doom  = 12 * 60
)

// sources are where events come from, in a fixed order.
var sources = []routed.Source{
	{Topic: evaltest.Access, Partition: 0},
	{Topic: evaltest.Access, Partition: 1},
	{Topic: evaltest.Deployment, Partition: 0},
	{Topic: evaltest.Deployment, Partition: 1},
}

// occurrence is an event on its way: when it comes to the log, and where.
type occurrence struct {
	arrives int // in minutes
	from    routed.Source
	event   *compliance.Event
	record  *kgo.Record
}

// life is all that the sources of a seed send, in order of arrival: disordered, some
// of it late, some of it twice or with another body, and some that is no event.
func (d dice) life(late int) []occurrence {
	disorder := max(late, one(d, 0, 5, 40, 200))
	var all []occurrence
	for i := range 12 + d.IntN(24) {
		ev, body := d.event(i)
		all = append(all, d.arrival(ev, body, disorder))
		switch {
		case d.chance(12):
			all = append(all, d.arrival(ev, body, disorder+60))
		case d.chance(6):
			_, other := d.event(i)
			other["k"], other["v"] = body["k"], body["v"]
			all = append(all, d.arrival(ev, other, disorder+60))
		}
	}
	all = append(all, d.beats(disorder)...)
	slices.SortStableFunc(all, func(a, b occurrence) int { return cmp.Compare(a.arrives, b.arrives) })
	return all
}

func (d dice) event(i int) (*compliance.Event, map[string]any) {
	ev := &compliance.Event{
		Tenant: record.DefaultTenant, Source: one(d, "/s1", "/s2"), ID: fmt.Sprintf("e%03d", i),
		Type: one(d, typeA, typeA, typeB, typeB, typeC, typeC, typeIdle), Time: minute(d.IntN(lasts)),
	}
	body := map[string]any{"k": one(d, "p", "q", "r"), "v": one(d, "v0", "v1"), "n": d.IntN(4), "ok": d.chance(70)}
	switch {
	case d.chance(3):
		delete(body, one(d, "k", "n", "ok"))
	case d.chance(2):
		body["n"] = "three" // the dictionary refuses it
	case d.chance(2):
		ev.Type = "t.nobody.knows"
	case d.chance(2):
		ev.Time = compliance.InstantOf(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	return ev, body
}

// beats are the heartbeats of the first source, which now and then falls silent.
func (d dice) beats(disorder int) []occurrence {
	var all []occurrence
	silent := d.IntN(60)
	for i := range lasts / 20 {
		kind := control.Heartbeat
		switch {
		case d.chance(silent):
			continue
		case d.chance(3):
			kind = control.SourceRetired
		}
		ev := &compliance.Event{Tenant: record.DefaultTenant, Source: "/s1", ID: fmt.Sprintf("h%02d", i), Type: kind, Time: minute(i*20 + d.IntN(9))}
		all = append(all, d.arrival(ev, map[string]any{}, disorder))
	}
	return all
}

// arrival brings an event to the log. Mostly an event's key decides where it goes.
func (d dice) arrival(ev *compliance.Event, body map[string]any, disorder int) occurrence {
	value, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	from := sources[int(ev.ID[len(ev.ID)-1])%len(sources)]
	if d.chance(30) {
		from = one(d, sources...)
	}
	r := record.EncodeEvent(ev, ev.Source, value)
	r.Topic, r.Partition = from.Topic, from.Partition
	happened := min(int(ev.Time.Sub(epoch)/time.Minute), lasts)
	return occurrence{arrives: happened + d.IntN(disorder+1), from: from, event: ev, record: r}
}
