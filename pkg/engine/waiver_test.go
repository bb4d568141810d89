package engine_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// waivers makes waivers of the control and what revokes them, most of them late, some
// twice, some with a second body.
func (g generator) waivers(arrival map[*compliance.Event]int) []*compliance.Event {
	if g.chance(20) {
		return nil
	}
	events := g.aimed(arrival)
	for i := range 2 + g.IntN(8) {
		ev := g.waiver(i)
		events = append(events, ev)
		arrival[ev] = g.arrives(ev)
		switch {
		case g.chance(10):
			again := *ev
			arrival[&again] = g.arrives(ev)
			events = append(events, &again)
		case g.chance(10):
			other := g.waiver(i)
			other.ID = ev.ID
			arrival[other] = g.arrives(other)
			events = append(events, other)
		}
	}
	return events
}

// arrives is the minute at which a waiver arrives.
func (g generator) arrives(ev *compliance.Event) int {
	return int(ev.Time.Sub(epoch)/time.Minute) + g.IntN([]int{1, 60, 200}[g.IntN(3)]*g.scale)
}

// aimed are, often, a waiver of all items for most of the time, what takes it back,
// and another one from then on. One of them comes late.
func (g generator) aimed(arrival map[*compliance.Event]int) []*compliance.Event {
	if g.chance(15) {
		return nil
	}
	var events []*compliance.Event
	late := []int{0, 1, 1, 2}[g.IntN(4)]
	at := g.IntN(20)
	for i, kind := range []string{control.WaiverApproved, control.WaiverRevoked, control.WaiverApproved} {
		ev := g.waiver(100 + i)
		ev.Type, ev.Time = kind, minute(at*g.scale)
		ev.Data["waiver_id"], ev.Data["control"], ev.Data["approver"] = "w9", "TT-01", "bob"
		ev.Data["scope"], ev.Data["until"] = map[string]any{"all": true}, minute(290*g.scale).String()
		delete(ev.Data, "compensating")
		arrival[ev] = at * g.scale
		if i == late {
			arrival[ev] += (40 + g.IntN(260)) * g.scale
		}
		at += 20 + g.IntN(90)
		events = append(events, sealWaiver(ev, int64(100+i)))
	}
	return events
}

func (g generator) waiver(i int) *compliance.Event {
	at := g.IntN(250) * g.scale
	ev := &compliance.Event{
		Tenant: "default", Source: "/grc", ID: fmt.Sprintf("w%03d", i), Type: control.WaiverApproved, Time: minute(at),
		Data: map[string]any{
			"waiver_id": g.one("w0", "w1", "w2"), "control": g.one("TT-01", "TT-01", "TT-01", "TT-01", "TT-01", "TT-02"),
			"requester": "ann", "approver": g.one("bob", "bob", "bob", "bob", "ann"), "scope": g.scope(),
			"until": minute(at + g.IntN(300)*g.scale).String(),
		},
	}
	switch {
	case g.chance(10):
		ev.Data["compensating"] = map[string]any{"control": "TT-02"}
	case g.chance(30):
		ev.Type = control.WaiverRevoked
	case g.chance(8):
		delete(ev.Data, g.one("until", "scope", "approver", "waiver_id"))
	}
	return sealWaiver(ev, int64(i))
}

func (g generator) scope() map[string]any {
	fields := []map[string]any{{"k": "p"}, {"k": "q"}, {"v": "v0"}, {"n": int64(2)}, {"ok": true}, {"member": "p"}, {"k": "p", "v": "v1"}, {"due": "never"}}
	switch g.IntN(6) {
	case 0, 1, 2:
		return map[string]any{"all": true}
	case 3:
		return map[string]any{"items": []any{g.one("p", "p-v0", "q-v1", "p@2026-07-01T02Z", "p@2026-07-01"), "e001", g.one("q", "p/v0", "r", "q/v1")}}
	case 4:
		return map[string]any{"all": g.chance(80), "fields": fields[g.IntN(len(fields))]}
	}
	return map[string]any{"fields": fields[g.IntN(len(fields))]}
}

// sealWaiver gives a waiver its place and hash, as the log would.
func sealWaiver(ev *compliance.Event, offset int64) *compliance.Event {
	text, err := json.Marshal([]any{ev.Type, ev.Data})
	if err != nil {
		panic(err)
	}
	ev.Received = ev.Time
	ev.Ref = compliance.Ref{Topic: "events.assurance", Offset: offset, SHA256: sha256.Sum256(text)}
	return ev
}

// accepted walks along time up to the item: which waivers are open then, by id.
func (w *world) accepted(id string, it plainItem, events []*compliance.Event) bool {
	open := map[string][]map[string]any{}
	for _, ev := range w.spoken(events) {
		waiver, _ := ev.Data["waiver_id"].(string)
		switch {
		case ev.Time > it.at:
		case ev.Type == control.WaiverRevoked:
			delete(open, waiver)
		default:
			open[waiver] = append(open[waiver], ev.Data)
		}
	}
	for _, list := range open {
		for _, data := range list {
			until, err := time.Parse(time.RFC3339, fmt.Sprint(data["until"]))
			if err == nil && it.at < compliance.InstantOf(until) && data["approver"] == "bob" && data["compensating"] == nil && w.inScope(data["scope"], id, it) {
				return true
			}
		}
	}
	return false
}

// spoken are the waivers of the control and what takes them back, one body of each,
// what is taken back at an instant last.
func (w *world) spoken(events []*compliance.Event) []*compliance.Event {
	var all []*compliance.Event
	for _, ev := range events {
		if ev.Source == "/grc" && ev.Data["control"] == w.control.ID && ev.Data["waiver_id"] != nil && w.control.Waivable {
			all = append(all, ev)
		}
	}
	slices.SortFunc(all, func(a, b *compliance.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), slices.Compare(a.Ref.SHA256[:], b.Ref.SHA256[:]))
	})
	until := map[string]compliance.Instant{}
	all = slices.DeleteFunc(all, func(ev *compliance.Event) bool {
		last, seen := until[ev.ID]
		if again := seen && ev.Time <= last; again {
			return true
		}
		until[ev.ID] = ev.Time.Add(w.control.CorrectUntil)
		return false
	})
	slices.SortStableFunc(all, func(a, b *compliance.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Type, b.Type))
	})
	return all
}

func (w *world) inScope(v any, id string, it plainItem) bool {
	scope, _ := v.(map[string]any)
	for name, of := range scope {
		switch of := of.(type) {
		case bool:
			if !of {
				return false
			}
		case []any:
			if !slices.Contains(of, any(id)) {
				return false
			}
		case map[string]any:
			for field, value := range of {
				if !w.control.ShowsField(field) || it.view[field] != value {
					return false
				}
			}
		default:
			panic("the generator writes no " + name)
		}
	}
	return len(scope) > 0
}

// TestStateOfWaiversEnds: a waiver is kept as long as an item that it may cover, and
// no longer.
func TestStateOfWaiversEnds(t *testing.T) {
	dict := testDictionary(t)
	rows := func(w *world) (n int) {
		for _, changelog := range w.changelogs {
			for key := range changelog {
				if strings.Contains(key, "\x66waiver") {
					n++
				}
			}
		}
		return n
	}
	kept := 0
	for i := range trials(t, 150) {
		w := newWorld(t, dict, 900_000+uint64(i))
		for _, ev := range w.g.life() {
			w.arrive(ev)
		}
		w.advance(minute(300 * w.g.scale))
		kept += rows(w)
		for day := 600; day < 1600; day += 200 {
			w.advance(minute(day * 24 * 60))
		}
		for _, r := range w.last {
			if r.Outcome == compliance.Pending {
				w = nil // it holds its waivers
				break
			}
		}
		require.True(t, w == nil || rows(w) == 0, "seed %d", 900_000+i)
	}
	require.Greater(t, kept, 100)
}
