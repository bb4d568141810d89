package story

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// world collects what happens. Scenes write to it one after the other, each
// with a random stream of its own, so that a change to one leaves the others be.
type world struct {
	plan    plan
	seed    uint64
	letters []letter
	census  []Item
	planted []Planted

	// outage is when the scorer says nothing.
	outage struct{ from, to compliance.Instant }
	// drift is what was planted, if anything; quiet is the source that is silent then.
	drift *Drift
	quiet outage
	// answers are the delivered outputs by service, which the scorer samples.
	answers map[string][]answer
}

type answer struct {
	at      compliance.Instant
	traceID string
}

// outage is when a source says nothing.
type outage struct {
	source   string
	from, to compliance.Instant
}

func (o outage) has(source string, at compliance.Instant) bool {
	return o.source == source && o.from <= at && at < o.to
}

// fields are an event's data.
type fields = map[string]any

// letter is an event that its source has yet to send.
type letter struct {
	event compliance.Event
	care  care
	// after is how long the source keeps it back, beyond the usual second.
	after   time.Duration
	barrier *Barrier
}

// care says what may happen to an event on its way.
type care int

const (
	// ordinary events may be some minutes late, and may be repeated.
	ordinary care = iota
	// patient events decide nothing that is pending, so they may be hours late.
	patient
	// prompt events come at once and once.
	prompt
)

func newWorld(o Options) *world {
	w := &world{plan: planFor(o.Size), seed: o.Seed, answers: map[string][]answer{}}
	w.planDrift(o.Drift)
	s := w.scene("outage")
	// A day in the middle of the services' time, with days on both sides.
	days := w.plan.slots(w.plan.services[len(w.plan.services)-1])
	d := days[len(days)/3+s.rng.IntN(len(days)/3)]
	w.outage.from = d.Add(90 * time.Minute)
	w.outage.to = d.Add(21*time.Hour + 30*time.Minute)
	return w
}

// scene is a part of the story with its own stream of chance.
type scene struct {
	*world
	rng *rand.Rand
}

func (w *world) scene(name string) *scene {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))                                           // a hash takes all bytes
	return &scene{world: w, rng: rand.New(rand.NewPCG(w.seed, h.Sum64()))} //nolint:gosec // a story must be repeatable, not secret
}

// emit writes one event down and returns its id.
func (s *scene) emit(source, kind string, at compliance.Instant, data fields) string {
	return s.send(letter{event: compliance.Event{Source: source, Type: kind, Time: at, Data: data}, care: ordinary})
}

// emitPatient is emit for an event that may come hours late.
func (s *scene) emitPatient(source, kind string, at compliance.Instant, data fields) string {
	return s.send(letter{event: compliance.Event{Source: source, Type: kind, Time: at, Data: data}, care: patient})
}

func (s *scene) send(l letter) string {
	l.event.Tenant = "default"
	l.event.ID = fmt.Sprintf("%s-%016x", strings.TrimPrefix(l.event.Source, "/"), s.rng.Uint64())
	if !s.quiet.has(l.event.Source, l.event.Time) {
		s.letters = append(s.letters, l)
	}
	return l.event.ID
}

// between draws a duration of [least, most), to the microsecond.
func (s *scene) between(least, most time.Duration) time.Duration {
	return least + time.Duration(s.rng.Int64N((most-least).Microseconds()))*time.Microsecond
}

// upTo draws a whole number of r.
func (s *scene) upTo(r span) int { return r.least + s.rng.IntN(r.most-r.least+1) }

func (s *scene) chance(percent int) bool { return s.rng.IntN(100) < percent }

func pick[T any](s *scene, list []T) T { return list[s.rng.IntN(len(list))] }

// pickOther draws from list what isn't not.
func pickOther(s *scene, list []string, not string) string {
	for {
		if p := pick(s, list); p != not {
			return p
		}
	}
}

// spread gives each of names a different place in the middle of total
// occurrences, where the period's ends are far.
func (s *scene) spread(total int, names ...string) map[int]string {
	first, last := total/5, total-total/10
	places := s.rng.Perm(last - first)
	found := make(map[int]string, len(names))
	for i, name := range names {
		found[first+places[i]] = name
	}
	return found
}

// note puts an item into the census; what is not in the period is no item.
func (w *world) note(it Item) {
	if it.Time < w.plan.from {
		return
	}
	w.census = append(w.census, it)
}

func (w *world) pass(control, id string, at compliance.Instant) {
	w.note(Item{Control: control, ItemID: id, Time: at, Outcome: compliance.Pass})
}

// plant notes an item that goes as p says, and lists it there.
func (w *world) plant(p Planted, id string, at compliance.Instant, remediated bool) {
	w.note(Item{Control: p.Control, ItemID: id, Time: at, Outcome: p.Outcome, Reason: p.Reason, Remediated: remediated})
	i := slices.IndexFunc(w.planted, func(q Planted) bool { return q.Name == p.Name })
	if i < 0 {
		i = len(w.planted)
		w.planted = append(w.planted, p)
	}
	w.planted[i].Items = append(w.planted[i].Items, id)
}

func (w *world) sortedCensus() []Item {
	slices.SortFunc(w.planted, func(a, b Planted) int {
		return strings.Compare(a.Control+a.Name, b.Control+b.Name)
	})
	slices.SortFunc(w.census, compareItems)
	return w.census
}
