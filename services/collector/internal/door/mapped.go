package door

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/cloudevent"
	"assay.example/assay/services/collector/internal/intake"
)

// What follows is for doors that speak other protocols than CloudEvents: they let
// in the same keys, hold the same budget and refuse in the same words.

// Authenticate finds the key of a request by its header Authorization.
func (d *Door) Authenticate(h http.Header) (*Key, bool) {
	key, ok := authenticate(d.Keys, h)
	if !ok {
		d.Metrics.rejected.WithLabelValues(codeUnauthorized).Inc()
	}
	return key, ok
}

// Unauthorized is the answer to a request without a key.
func Unauthorized() *Problem {
	return problem(codeUnauthorized, "send Authorization: Bearer <key>, with a key that the collector knows")
}

// Unproven is the answer to a delivery that isn't believed, for whatever reason: also
// that there is no such source.
func Unproven() *Problem {
	return problem(codeUnauthorized, "the delivery is not signed as agreed, or there is no such source; "+
		"compare its name and secret in collector.sources with those at the vendor")
}

// Failed is the answer to what went wrong in the collector itself.
func Failed() *Problem {
	return problem(codeInternal, "the collector failed; the request may be the cause, so don't send it again at once")
}

// NotFound is the answer at a path where there is nothing.
func NotFound(detail string) *Problem { return problem(codeNotFound, detail) }

// ForbiddenSource is the refusal of a source that a key may not speak for.
func ForbiddenSource(src string) error {
	return dictionary.Refuse(codeForbiddenSource, dictionary.Fault{
		Pointer: "/source", Reason: "the key may not speak for " + src,
		Hint: "have the source added to collector.keys",
	})
}

// ProblemOf is the answer to what went wrong with a request: a refusal, or records
// that Kafka doesn't have.
func (d *Door) ProblemOf(err error) *Problem {
	if _, ok := errors.AsType[*dictionary.Refusal](err); ok {
		return refused(0, err)
	}
	return unsent(err, d.RetryAfter)
}

// RetryAfter is when to try again; 0 says that it is of no use.
func (p *Problem) RetryAfter() time.Duration { return p.retryAfter }

// Mapped turns an event that a mapping made of a delivery into the record for its
// topic; an error is a refusal.
func (d *Door) Mapped(tenant, src string, ev *source.Event, delivery compliance.Hash) (*kgo.Record, error) {
	if err := d.Plausible(ev); err != nil {
		return nil, err
	}
	typ, err := d.Types.Find(ev.Type)
	if err != nil {
		return nil, at("/type", err)
	}
	event := &compliance.Event{Tenant: tenant, Source: src, ID: ev.ID, Type: ev.Type, Time: ev.Time}
	r := record.EncodeEvent(event, cmp.Or(ev.Key, src), ev.Data)
	r.Topic = d.topics[typ.Family]
	record.SetDelivery(r, delivery)
	return r, nil
}

// Plausible refuses an event whose time or id can't be.
func (d *Door) Plausible(ev *source.Event) error {
	if err := timely(ev.Time, compliance.InstantOf(d.Now())); err != nil {
		return err
	}
	return cloudevent.CheckID(ev.ID)
}

// Received turns a delivery into the record for its topic.
func (d *Door) Received(delivery *record.Received) *kgo.Record {
	r := record.EncodeReceived(delivery)
	r.Topic = d.Topic("received")
	return r
}

// Send returns nil once Kafka has all records, and counts those that are events.
func (d *Door) Send(ctx context.Context, lease *intake.Lease, records []*kgo.Record, size intake.Size, types []string) error {
	err := d.Intake.Send(ctx, lease, records, size)
	outcome := outcomeAccepted
	if err != nil {
		outcome = outcomeUnsent
	}
	for _, name := range types {
		d.Metrics.events.WithLabelValues(name, outcome).Inc()
	}
	return err
}

// Reject puts what was refused on its topic. body is as much of it as may be kept.
func (d *Door) Reject(ctx context.Context, key *Key, src, id string, body []byte, why error) {
	d.Metrics.events.WithLabelValues(unknown, outcomeRefused).Inc()
	d.keep(ctx, key, &cloudevent.Event{Source: src, ID: id, Raw: body}, why)
}
