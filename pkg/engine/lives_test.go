package engine_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// event makes a random event; some lack fields, so that conditions fail on them.
func (g generator) event(i int) *compliance.Event {
	ev := &compliance.Event{
		Tenant: "default", Source: g.one("/s1", "/s2"), ID: fmt.Sprintf("e%03d", i),
		Type: g.one("t.a", "t.b", "t.b", "t.c"), Time: minute(g.IntN(300)*g.scale + g.IntN(g.scale)),
		Data: map[string]any{
			"k": g.one("p", "q", "r"), "v": g.one("v0", "v1", "v2"), "n": int64(g.IntN(4)), "ok": g.chance(60),
			"x": float64(g.IntN(10)) / 10, "due": minute(g.IntN(400) * g.scale).String(), "span": fmt.Sprintf("s%d", g.IntN(6)), "parent": g.one("", "s0", "s1", "s2", "s9"),
		},
	}
	if g.chance(8) {
		delete(ev.Data, g.one("k", "v", "n", "ok", "x", "span", "due"))
	}
	return seal(ev, int64(i))
}

// beat makes a heartbeat of /s1, now and then a retirement.
func (g generator) beat(i int) *compliance.Event {
	kind := control.Heartbeat
	if g.chance(6) {
		kind = control.SourceRetired
	}
	at := minute(i*14 + g.IntN(9))
	return seal(&compliance.Event{Tenant: "default", Source: "/s1", ID: fmt.Sprintf("h%03d", i), Type: kind, Time: at, Data: map[string]any{}}, int64(i))
}

// number gives what /s1 sends its numbers, in the order of time but for some
// disorder, and loses some. Now and then one has no number, or the count falls. Of
// what was lost some comes again a week later and more.
func (g generator) number(events []*compliance.Event) (kept []*compliance.Event) {
	sent := slices.DeleteFunc(slices.Clone(events), func(ev *compliance.Event) bool { return ev.Source != "/s1" })
	slices.SortFunc(sent, func(a, b *compliance.Event) int { return a.Compare(b) })
	lossy, broken, next := g.IntN(12), g.chance(15), uint64(1)
	gone := map[*compliance.Event]bool{}
	for i, ev := range sent {
		switch {
		case broken && g.chance(3):
			next = max(next, 6) - 5
		case broken && g.chance(3):
			continue
		case i > 0 && g.chance(3):
			ev.Sequence, sent[i-1].Sequence = sent[i-1].Sequence, next
			next++
			continue
		}
		ev.Sequence = next
		next++
		gone[ev] = strings.HasPrefix(ev.Type, "t.") && g.chance(lossy)
	}
	for _, ev := range events {
		if !gone[ev] {
			kept = append(kept, ev)
			continue
		}
		if g.chance(20) {
			ev.Time = minute(6*24*60 + g.IntN(4*24*60))
			kept = append(kept, seal(ev, ev.Ref.Offset))
		}
	}
	return kept
}

// seal gives an event its place and hash, as the log would.
func seal(ev *compliance.Event, offset int64) *compliance.Event {
	ev.Received = ev.Time.Add(time.Second)
	ev.Ref = compliance.Ref{
		Topic: "events.access", Offset: offset,
		SHA256: sha256.Sum256([]byte(fmt.Sprint(ev.Type, ev.Data["k"], ev.Data["v"], ev.Data["n"], ev.Data["ok"], ev.Data["x"], ev.Data["due"], ev.Data["span"], ev.Data["parent"]))),
	}
	return ev
}

// life is one run's events in order of arrival, or those of several, one after the other.
func (g generator) life() []*compliance.Event {
	events := g.era()
	for i := range g.eras {
		g.lives(&events, i+1)
	}
	return events
}

// lives adds another era: at other keys, now and then, and with numbers that go on.
func (g generator) lives(events *[]*compliance.Event, era int) {
	mark, shift, top := g.one("", strconv.Itoa(era), strconv.Itoa(era)), time.Duration(era)*eraLasts, uint64(0)
	for _, ev := range *events {
		top = max(top, ev.Sequence)
	}
	for _, ev := range g.era() {
		again := *ev
		again.ID, again.Time, again.Data = fmt.Sprintf("%s-%d", ev.ID, era), ev.Time.Add(shift), maps.Clone(ev.Data)
		if k, ok := ev.Data["k"].(string); ok {
			again.Data["k"] = k + mark
		}
		if due, err := compliance.ParseInstant(fmt.Sprint(ev.Data["due"])); err == nil {
			again.Data["due"] = due.Add(shift).String()
		}
		if ev.Sequence > 0 {
			again.Sequence += top
		}
		*events = append(*events, seal(&again, ev.Ref.Offset))
	}
}

const eraLasts = 20 * 24 * time.Hour

// era are events in order of arrival: late, shuffled, repeated, some with a second body.
func (g generator) era() []*compliance.Event {
	var events []*compliance.Event
	for i := range 20 + g.IntN(50) {
		ev := g.event(i)
		if g.split > 0 && ev.Time < minute(30) && g.chance(95) {
			continue // it would take an id for nothing
		}
		events = append(events, ev)
	}
	if g.again {
		for i := range 12 {
			ev := g.event(900 + i)
			ev.Type, ev.Time = g.one("t.a", "t.a", "t.c"), minute(300+g.IntN(45*24*60))
			events = append(events, seal(ev, int64(900+i)))
		}
	}
	if g.chance(70) && g.scale == 1 {
		for i := range 24 {
			if !g.chance(12) {
				events = append(events, g.beat(i))
			}
		}
	}
	if g.counts {
		events = g.number(events)
	}
	for _, ev := range events {
		switch {
		case g.chance(10):
			again := *ev
			again.Ref.Offset += 1000
			events = append(events, &again)
		case g.chance(8) && strings.HasPrefix(ev.Type, "t."):
			other := g.event(0)
			other.ID, other.Source, other.Type = ev.ID, ev.Source, ev.Type
			// bodies that join elsewhere meet only in the second hop to come
			for _, name := range []string{"k", "v"} {
				if g.apart {
					break
				}
				delete(other.Data, name)
				if value, ok := ev.Data[name]; ok {
					other.Data[name] = value
				}
			}
			if g.chance(50) {
				other.Time = ev.Time.Add(time.Duration(g.IntN(41*g.scale)-20*g.scale) * time.Minute)
			}
			events = append(events, seal(other, ev.Ref.Offset+2000))
		case g.chance(3) && strings.HasPrefix(ev.Type, "t."):
			again := *ev // the same body at another time is no other body
			again.Time = again.Time.Add(time.Duration(g.IntN(60)-20) * time.Minute)
			again.Ref.Offset += 3000
			events = append(events, &again)
		}
	}
	disorder := []int{0, 10, 60, 400}[g.IntN(4)]
	if g.late {
		disorder = max(disorder, 200)
	}
	arrival := map[*compliance.Event]int{}
	for _, ev := range events {
		arrival[ev] = int(ev.Time.Sub(epoch)/time.Minute) + g.IntN(disorder*g.scale+1)
		if ev.Time < minute(g.split) && ev.Time >= minute(30) && g.chance(85) {
			arrival[ev] = max(arrival[ev], g.split+g.IntN(110))
		}
	}
	g.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	events = append(events, g.waivers(arrival)...)
	sortBy(events, func(ev *compliance.Event) int { return arrival[ev] })
	return events
}
