package driver

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/story"
)

// Tally is what became of one door's deliveries.
type Tally struct {
	Door Door
	// Sent counts all requests; Accepted and Refused are the collector's answers.
	Sent, Accepted, Refused int
	// Events counts what the accepted ones told of; Distinct leaves out what had been
	// told before.
	Events, Distinct int
	// Repeated are those of the accepted ones that had come before, byte for byte.
	Repeated int
}

// courier takes what vendors tell to their doors, and the rest to that of CloudEvents.
type courier struct {
	*poster
	tellers *Tellers
	secret  string
	lies    map[string]compliance.Event
	// alone are the ids of events that travel by themselves, so that the same delivery
	// can come again. Others share an export with what their service has besides.
	alone map[string]bool

	mu      sync.Mutex
	tallies map[string]*Tally
	seen    map[[sha256.Size]byte]bool
	// replays are accepted deliveries to send once more at the end, and how many
	// events they tell of.
	replays []parcel
}

// parcel is a delivery, proven or not.
type parcel struct {
	request
	Delivery
}

func newCourier(p *poster, s *story.Story, secret string) *courier {
	c := &courier{
		poster: p, tellers: NewTellers(s), secret: secret, lies: liesOf(s),
		alone: map[string]bool{}, tallies: map[string]*Tally{}, seen: map[[sha256.Size]byte]bool{},
	}
	for e := range s.Events() {
		if _, lie := c.lies[e.Event.ID]; lie || e.Duplicate {
			c.alone[e.Event.ID] = true
		}
	}
	for _, d := range c.doors() {
		c.tallies[d.Name] = &Tally{Door: d}
	}
	return c
}

// cloudEvents is the door for all that no vendor tells.
func cloudEvents() Door { return Door{Name: "events"} }

// doors are all of them, in the order in which they are shown.
func (c *courier) doors() []Door {
	return append(c.tellers.Doors(), cloudEvents())
}

// post sends what the sources have for the same time: each by itself, as in life,
// and in its order as far as it counts.
func (c *courier) post(ctx context.Context, emissions []story.Emission) error {
	lines := map[string][]story.Emission{}
	for _, e := range emissions {
		lines[e.Event.Source] = append(lines[e.Event.Source], e)
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, line := range lines {
		group.Go(func() error { return c.postLine(ctx, line) })
	}
	return group.Wait()
}

// postLine sends what one source has. A heartbeat says that all before it has
// arrived, so it waits for that.
func (c *courier) postLine(ctx context.Context, line []story.Emission) error {
	for len(line) > 0 {
		n := 1
		for n < len(line) && line[n].Event.Type != "source.heartbeat" && line[n].Event.Type != "source.retired" {
			n++
		}
		if err := c.postTogether(ctx, line[:n]); err != nil {
			return err
		}
		line = line[n:]
	}
	return nil
}

// atOnce is how many deliveries of a source are on their way at a time.
const atOnce = 8

func (c *courier) postTogether(ctx context.Context, emissions []story.Emission) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var rest []story.Emission
	var exports []Delivery
	for _, e := range emissions {
		d, ok, err := c.tellers.Tell(e)
		switch {
		case err != nil:
			return err
		case !ok:
			// Who tells by other doors too doesn't count what it sends.
			e.Event.Sequence = 0
			rest = append(rest, e)
		case d.Door.Vendor == otlp && !c.alone[e.Event.ID]:
			exports = append(exports, d)
		default:
			group.Go(func() error { return c.deliver(ctx, e, d) })
		}
	}
	for export := range slices.Chunk(exports, maxExport) {
		group.Go(func() error {
			d := join(export)
			return c.bring(ctx, parcel{c.prove(c.tellers.vendor(d.Door.Source), d, ""), d})
		})
	}
	group.Go(func() error { return c.postRest(ctx, rest) })
	return group.Wait()
}

func (c *courier) postRest(ctx context.Context, rest []story.Emission) error {
	if err := c.poster.post(ctx, rest); err != nil || len(rest) == 0 {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tallies[cloudEvents().Name]
	for _, e := range rest {
		t.count(1, e.Duplicate)
	}
	t.Sent += (len(rest) + maxBatch - 1) / maxBatch
	t.Accepted = t.Sent
	return nil
}

func (t *Tally) count(events int, repeated bool) {
	t.Events += events
	if repeated {
		t.Repeated++
		return
	}
	t.Distinct += events
}

// deliver brings a delivery, and where somebody would like to be believed, a lie
// after it.
func (c *courier) deliver(ctx context.Context, e story.Emission, d Delivery) error {
	v := c.tellers.vendor(d.Door.Source)
	p := parcel{c.prove(v, d, ""), d}
	if err := c.bring(ctx, p); err != nil {
		return err
	}
	lie, ok := c.lies[e.Event.ID]
	if !ok || e.Duplicate {
		return nil
	}
	c.mu.Lock()
	c.replays = append(c.replays, p)
	c.mu.Unlock()
	return c.forge(ctx, v, lie)
}

// prove makes the request; a slip makes another secret of the right one.
func (c *courier) prove(v *vendor, d Delivery, slip string) request {
	h := http.Header{"Content-Type": {"application/json"}}
	for name, value := range d.Header {
		h.Set(name, value)
	}
	secret := c.secret
	if v.Vendor == otlp {
		secret = c.key
	}
	v.sign(secret+slip, h, d.Body)
	return request{path: v.path, header: h, body: d.Body}
}

// bring sends a delivery that must be believed and become the events that it tells of.
func (c *courier) bring(ctx context.Context, p parcel) error {
	status, answer, err := c.send(ctx, &p.request)
	if err != nil {
		return fmt.Errorf("delivering to %s: %w", p.Door.Name, err)
	}
	if status >= 300 {
		return fmt.Errorf("delivering to %s: the collector says %d: %s", p.Door.Name, status, answer)
	}
	if err := p.became(answer); err != nil {
		return fmt.Errorf("delivering to %s: %w; the delivery was %s", p.Door.Name, err, p.body)
	}
	sum := sha256.Sum256(append([]byte(p.path+"\n"), p.body...))
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tallies[p.Door.Name]
	t.Sent, t.Accepted = t.Sent+1, t.Accepted+1
	t.count(p.Events, c.seen[sum])
	c.seen[sum] = true
	return nil
}

// became reads the answer. OTLP's says only what was refused.
func (p *parcel) became(answer []byte) error {
	said := struct {
		Accepted       *int
		Unmapped       []string
		Faults         int
		PartialSuccess *struct{ ErrorMessage string }
	}{}
	if err := json.Unmarshal(answer, &said); err != nil {
		return fmt.Errorf("reading the answer %q: %w", answer, err)
	}
	switch {
	case said.PartialSuccess != nil:
		return fmt.Errorf("it was refused in part: %s", said.PartialSuccess.ErrorMessage)
	case p.Door.Vendor == otlp && said.Accepted == nil:
		return nil
	case said.Accepted == nil || *said.Accepted != p.Events || said.Faults > 0 || len(said.Unmapped) > 0:
		return fmt.Errorf("it tells of %d events, and the collector says %s", p.Events, answer)
	}
	return nil
}

// forge sends a lie under a secret that isn't the right one, which must be refused.
func (c *courier) forge(ctx context.Context, v *vendor, lie compliance.Event) error {
	d, ok, err := c.tellers.deliver(*v, lie)
	if err != nil || !ok {
		return fmt.Errorf("forging a delivery to %s: it can't be told (%w)", v.Name, err)
	}
	r := c.prove(v, d, "-guessed")
	status, answer, err := c.send(ctx, &r)
	if err != nil {
		return fmt.Errorf("forging a delivery to %s: %w", v.Name, err)
	}
	if status != http.StatusUnauthorized {
		return fmt.Errorf("a forged delivery to %s was not refused: the collector says %d: %s", v.Name, status, answer)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tallies[v.Name]
	t.Sent, t.Refused = t.Sent+1, t.Refused+1
	return nil
}

// replay sends deliveries of long ago again, as somebody who had got hold of them
// would.
func (c *courier) replay(ctx context.Context) error {
	for _, p := range c.replays {
		if err := c.bring(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// tally lists the doors.
func (c *courier) tally() []Tally {
	var list []Tally
	for _, d := range c.doors() {
		list = append(list, *c.tallies[d.Name])
	}
	return list
}

func (t *Tellers) vendor(source string) *vendor {
	i := slices.IndexFunc(t.vendors, func(v vendor) bool { return v.Source == source })
	return &t.vendors[i]
}
