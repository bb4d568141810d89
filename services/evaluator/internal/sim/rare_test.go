package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
)

// counting is boundary with a source that numbers what it sends.
const counting = `
effective_from: 2026-07-01T00:30:00Z
boundary: {members: [{id: p, until: 2026-07-01T05:00:00Z}, {id: q, until: 2026-07-03T00:00:00Z}]}
sources: {/s1: {types: [t.b], max_gap: 45m, sequence: true}, /s2: {types: [t.a, t.c]}}
`

// quiet is a boundary without sources, so that nothing is silent and deviations are.
const quiet = `
effective_from: 2026-07-01T00:30:00Z
boundary: {members: [{id: p, until: 2026-07-01T05:00:00Z}, {id: q, until: 2026-07-03T00:00:00Z}]}
`

// changed are what controls are from the middle of a life on.
var changed = map[string]string{
	"followed": `
effective_from: 2026-07-01T02:20:00Z
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 0, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, where: event.ok, between: "[0s, 40m]"}}
assert: e0.count >= 2`,
	"folded": `
effective_from: 2026-07-01T03:10:00Z
lateness: {correct_until: 3h}
population: {event: t.a, where: event.ok, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[-20m, 40m]", fold: {total: count()}}}
assert: e0.total >= 1`,
}

// rareSets are the bundles of the seeds in which waivers come, and what a source sends is
// numbered, with holes, or controls change.
var rareSets = []set{
	{names: []string{"followed", "preceded"}, boundary: counting},
	{names: []string{"folded", "scheduled"}, boundary: counting},
	{names: []string{"followed", "cancelled"}, boundary: quiet, changes: true},
	{names: []string{"followed", "folded"}, boundary: quiet},
	{names: []string{"followed", "folded"}, boundary: counting, changes: true},
}

// rareLife makes a life of one of rareSets.
func (d dice) rareLife(life []occurrence) []occurrence {
	d.number(life)
	return d.waived(life, 0)
}

// waived adds waivers to a life; some of a hundred name what holds instead.
func (d dice) waived(life []occurrence, compensated int) []occurrence {
	for i := range 3 + d.IntN(8) {
		ev, body := d.waiver(i)
		if d.chance(compensated) {
			body["compensating"] = one(d, map[string]any{"control": "TT-01"}, map[string]any{"control": "TT-01", "between": "[-1h, 1h]"}, map[string]any{"control": "TT-02"})
		}
		for range one(d, 1, 1, 1, 2) {
			life = append(life, d.arrival(ev, body, one(d, 0, 120, 240)))
		}
	}
	slices.SortStableFunc(life, func(a, b occurrence) int { return cmp.Compare(a.arrives, b.arrives) })
	return life
}

// number counts what the first source sends, in the order of time; some numbers are
// nobody's.
func (d dice) number(life []occurrence) {
	var sent []*compliance.Event
	for _, o := range life {
		if o.event.Source == "/s1" && !slices.Contains(sent, o.event) {
			sent = append(sent, o.event)
		}
	}
	slices.SortStableFunc(sent, func(a, b *compliance.Event) int { return cmp.Compare(a.Time, b.Time) })
	missing := one(d, 0, 2, 8)
	var last uint64
	for _, ev := range sent {
		if last++; d.chance(missing) {
			last++
		}
		ev.Sequence = last
	}
	for _, o := range life {
		if o.event.Sequence > 0 {
			o.record.Headers = append(o.record.Headers, kgo.RecordHeader{Key: record.HeaderSequence, Value: []byte(strconv.FormatUint(o.event.Sequence, 10))})
		}
	}
}

// waiver accepts deviations for a while, or takes that back.
func (d dice) waiver(i int) (*compliance.Event, map[string]any) {
	at := d.IntN(lasts / 2)
	ev := &compliance.Event{Tenant: record.DefaultTenant, Source: "/grc", ID: fmt.Sprintf("w%03d", i), Type: control.WaiverApproved, Time: minute(at)}
	body := map[string]any{
		"waiver_id": one(d, "w0", "w1", "w2"), "control": one(d, "TT-01", "TT-01", "TT-02"), "requester": "ann", "approver": one(d, "bob", "bob", "bob", "ann"),
		"until": minute(at + 60 + d.IntN(400)).String(),
		"scope": one(d, map[string]any{"all": true}, map[string]any{"all": true}, map[string]any{"fields": map[string]any{"k": "p"}}, map[string]any{"items": []any{"e001", "e004", "q@2026-07-01T02Z"}}),
	}
	if d.chance(30) {
		ev.Type = control.WaiverRevoked
	}
	return ev, body
}
