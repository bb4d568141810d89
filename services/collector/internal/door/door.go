package door

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/collector/internal/cloudevent"
	"assay.example/assay/services/collector/internal/intake"
)

// Options are what a Door needs; all are required.
type Options struct {
	Keys []Key
	// EventBytes, BatchBytes and BatchEvents limit a request.
	EventBytes, BatchBytes int64
	BatchEvents            int
	// RetryAfter is what senders are told when Kafka is slow.
	RetryAfter time.Duration

	Types  *dictionary.Dictionary
	Budget *intake.Budget
	Intake *intake.Intake
	// Topic gives the full name of a topic.
	Topic func(name string) string
	// Now is the wall clock that event times are held against.
	Now     func() time.Time
	Metrics *Metrics
}

// Door answers the collector's requests. It is safe for concurrent use.
type Door struct {
	Options
	types  []byte // the answer to GET /v1/types
	topics map[compliance.Family]string
	mux    *http.ServeMux
}

// New makes a Door.
func New(o Options) (*Door, error) {
	types, err := listTypes(o.Types)
	if err != nil {
		return nil, err
	}
	d := &Door{Options: o, types: types, topics: map[compliance.Family]string{}, mux: http.NewServeMux()}
	for _, f := range compliance.Families() {
		d.topics[f] = o.Topic("events." + string(f))
	}
	d.mux.HandleFunc("POST /v1/events", d.postEvents)
	d.mux.HandleFunc("/v1/events", Only(http.MethodPost))
	d.mux.HandleFunc("GET /v1/types", d.getTypes)
	d.mux.HandleFunc("/v1/types", Only(http.MethodGet))
	d.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		NotFound("POST /v1/events takes events, GET /v1/types lists their types").Write(w)
	})
	return d, nil
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// Only answers with which method is allowed at a path.
func Only(method string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", method)
		problem(codeMethod, "use "+method).Write(w)
	}
}

// accepted is the answer that says yes: Kafka has the events.
type accepted struct {
	Accepted int `json:"accepted"`
}

func (d *Door) postEvents(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	mode, n, p := d.receive(w, r)
	status := http.StatusAccepted
	if p != nil {
		status = p.Status
		p.Write(w)
	} else {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(accepted{n}) // the sender has hung up, and will send again
	}
	d.Metrics.requests.WithLabelValues(string(mode), strconv.Itoa(status)).Observe(time.Since(began).Seconds())
}

// receive takes a request's events, all or none, and says how many.
func (d *Door) receive(w http.ResponseWriter, r *http.Request) (cloudevent.Mode, int, *Problem) {
	key, ok := authenticate(d.Keys, r.Header)
	if !ok {
		d.Metrics.rejected.WithLabelValues(codeUnauthorized).Inc()
		return "", 0, problem(codeUnauthorized, "send Authorization: Bearer <key>, with a key that the collector knows")
	}
	lease := d.Budget.Lease()
	defer lease.Release()
	mode, err := cloudevent.ModeOf(r.Header)
	if err != nil {
		head, _ := readAll(r.Body, 0, record.BodyKept, lease) // a cut body is kept cut
		return "", 0, d.refuse(r, key, head, err)
	}
	body, err := ReadBody(w, r, d.limit(mode), lease)
	if intake.IsFull(err) {
		return mode, 0, unsent(err, d.RetryAfter)
	}
	if err != nil {
		return mode, 0, d.refuse(r, key, body, err)
	}
	events, err := d.parse(mode, r.Header, body)
	if err != nil {
		return mode, 0, d.refuse(r, key, body, err)
	}
	return mode, len(events), d.deliver(r, key, lease, events)
}

func (d *Door) limit(mode cloudevent.Mode) int64 {
	if mode == cloudevent.ModeBatch {
		return d.BatchBytes
	}
	return d.EventBytes
}

func (d *Door) parse(mode cloudevent.Mode, h http.Header, body []byte) ([]cloudevent.Event, error) {
	switch mode {
	case cloudevent.ModeBatch:
		events, err := cloudevent.Batch(body, d.BatchEvents)
		for i := range events {
			if e := &events[i]; int64(len(e.Raw)) > d.EventBytes {
				e.Err = tooLarge(d.EventBytes)
			}
		}
		return events, err
	case cloudevent.ModeStructured:
		return []cloudevent.Event{cloudevent.Structured(body)}, nil
	case cloudevent.ModeBinary:
		return []cloudevent.Event{cloudevent.Binary(h, body)}, nil
	default:
		return nil, fmt.Errorf("mode %q has no reader", mode)
	}
}

// deliver returns nil once Kafka has every event.
func (d *Door) deliver(r *http.Request, key *Key, lease *intake.Lease, events []cloudevent.Event) *Problem {
	records, p := d.checkAll(r, key, events)
	if p != nil {
		d.count(events, outcomeRefused)
		return p
	}
	if err := d.Intake.Send(r.Context(), lease, records, intake.Overhead); err != nil {
		d.count(events, outcomeUnsent)
		return unsent(err, d.RetryAfter)
	}
	d.count(events, outcomeAccepted)
	return nil
}

// checkAll turns all events into records, or tells what is wrong with each that
// is none.
func (d *Door) checkAll(r *http.Request, key *Key, events []cloudevent.Event) ([]*kgo.Record, *Problem) {
	records := make([]*kgo.Record, 0, len(events))
	var p *Problem
	var faulty int
	now := compliance.InstantOf(d.Now())
	for i := range events {
		rec, err := d.check(key, &events[i], now)
		if err == nil {
			records = append(records, rec)
			continue
		}
		if p == nil {
			p = refused(i, err)
		} else {
			p.add(i, err)
		}
		faulty++
		d.keep(r.Context(), key, &events[i], err)
	}
	if p != nil && len(events) > 1 {
		p.Detail = fmt.Sprintf("%d of %d events are refused, so none was taken; the first, at %d: %s",
			faulty, len(events), p.Errors[0].Index, p.Errors[0].Fault)
	}
	return records, p
}

// refuse is for a request that can't be taken apart into events.
func (d *Door) refuse(r *http.Request, key *Key, body []byte, err error) *Problem {
	d.Metrics.events.WithLabelValues(unknown, outcomeRefused).Inc()
	d.keep(r.Context(), key, &cloudevent.Event{Raw: body}, err)
	return refused(0, err)
}

// keep puts what was refused on its topic, if there is room for it, and doesn't
// wait: the answer is no in any case.
func (d *Door) keep(ctx context.Context, key *Key, e *cloudevent.Event, why error) {
	d.Metrics.rejected.WithLabelValues(refusalOf(why).Code).Inc()
	lease := d.Budget.Lease()
	defer lease.Release()
	rec, err := d.rejected(key, e, why)
	if err == nil {
		err = lease.Grow(int64(len(rec.Value)) + intake.RecordOverhead)
	}
	if err != nil {
		d.Metrics.lost.Inc()
		return
	}
	d.Intake.Offer(ctx, lease, rec, d.Metrics.lost.Inc)
}

// unknown is the type in metrics of events that have none, or one of the
// sender's invention.
const unknown = "unknown"

func (d *Door) count(events []cloudevent.Event, outcome string) {
	for i := 0; i < len(events); {
		typ, n := events[i].Type, 1
		for i+n < len(events) && events[i+n].Type == typ {
			n++
		}
		i += n
		if _, ok := d.Types.Type(typ); !ok {
			typ = unknown
		}
		d.Metrics.events.WithLabelValues(typ, outcome).Add(float64(n))
	}
}
