package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/signature"
)

// delivery is one that is believed.
type delivery struct {
	*account
	header http.Header
	// body is as it came; payload is the JSON that its sender vouches for.
	body, payload []byte
	at            compliance.Instant
	// hash is of body, and what events are marked with.
	hash compliance.Hash
	// id is for people: the vendor's name for the delivery, else hash.
	id string
	// unread is why payload can't be read though it is JSON.
	unread error
	mapped source.Mapped
}

// receive takes one delivery.
func (h *Hooks) receive(w http.ResponseWriter, r *http.Request) (*accepted, *door.Problem) {
	lease := h.Door.Budget.Lease()
	defer lease.Release()
	d, p := h.prove(w, r, lease)
	if p != nil {
		return nil, p
	}
	if err := h.read(r.Context(), d); err != nil {
		h.Metrics.count(d, outcomeMalformed)
		h.reject(r.Context(), d, err)
		return nil, h.Door.ProblemOf(err)
	}
	return h.deliver(r.Context(), d, lease)
}

// prove reads the body and believes it, or not. What isn't believed leaves no trace
// but a number.
func (h *Hooks) prove(w http.ResponseWriter, r *http.Request, lease *intake.Lease) (*delivery, *door.Problem) {
	a := h.find(r)
	unproven := h.Unproven.Lease()
	defer unproven.Release()
	body, err := door.ReadBody(w, r, h.Bytes, unproven)
	if err != nil {
		h.Metrics.unread(a.Name)
		return nil, h.Door.ProblemOf(err)
	}
	if err := h.work.Acquire(r.Context(), 1); err != nil {
		return nil, h.Door.ProblemOf(err)
	}
	now := h.Door.Now()
	signed, err := a.check(a.Trust, signature.Sent{Header: r.Header, Body: body, At: now})
	h.work.Release(1)
	if err != nil || a == h.nobody {
		return nil, h.unproven(a, err)
	}
	if err := lease.Grow(int64(cap(body))); err != nil {
		h.Metrics.busy(a)
		return nil, h.Door.ProblemOf(err)
	}
	hash := compliance.Hash(sha256.Sum256(body))
	return &delivery{
		account: a, header: r.Header, body: body, payload: signed, at: compliance.InstantOf(now), hash: hash, id: hash.String(),
	}, nil
}

// read maps what the delivery says, also if its sender has hung up: it is believed.
// An error is a refusal: it is no JSON.
func (h *Hooks) read(ctx context.Context, d *delivery) error {
	if err := h.work.Acquire(context.WithoutCancel(ctx), 1); err != nil {
		return fmt.Errorf("waiting for a processor: %w", err)
	}
	defer h.work.Release(1)
	inner, ok, err := form(d.payload)
	if err != nil {
		return err
	}
	came := d.body
	if ok {
		d.payload, came = inner, inner
	}
	body, err := source.Decode(d.payload)
	if err != nil {
		if !isJSON(came, err) {
			return err
		}
		d.unread = err
		return nil
	}
	in := source.Delivery{Headers: d.seen(), Body: body, SHA256: sha256.Sum256(d.payload), Received: d.at}
	if id := d.Vendor.DeliveryID(in); printable(id) {
		d.id = id
	}
	d.mapped = d.Vendor.Map(in)
	return nil
}

// deliver sends the delivery and its events to Kafka. A sender who is believed hears
// yes, whatever became of it: it is kept, and mapped again when there is a mapping.
func (h *Hooks) deliver(ctx context.Context, d *delivery, lease *intake.Lease) (*accepted, *door.Problem) {
	records, types, faults := h.records(d)
	kept := h.Door.Received(&record.Received{
		Tenant: d.Tenant, Source: d.Source.Source, ID: d.id, Kind: d.kind(), At: d.at,
		MediaType: clip(d.header.Get("Content-Type"), maxID), Mapping: d.Vendor.Version(), Events: len(records), Note: d.note(faults), Body: d.body,
	})
	if err := h.Door.Send(ctx, lease, append([]*kgo.Record{kept}, records...), types); err != nil {
		h.Metrics.count(d, outcomeUnsent)
		return nil, h.Door.ProblemOf(err)
	}
	for _, f := range faults[:min(len(faults), maxFaults)] {
		h.reject(ctx, d, f)
	}
	h.Metrics.count(d, outcomeOf(d, faults))
	return &accepted{Accepted: len(records), Unmapped: d.unmapped(), Faults: len(faults)}, nil
}

// maxFaults is how many faults of one delivery are told one by one.
const maxFaults = 16

// records are those of the events. What is no event after all is a fault, with the
// place of its mapping; the others count.
func (h *Hooks) records(d *delivery) (records []*kgo.Record, types []string, faults []error) {
	if d.unread != nil {
		faults = append(faults, d.unread)
	}
	for _, f := range d.mapped.Faults {
		faults = append(faults, fault(f.Mapping, f.Record, f.Err))
	}
	for i := range d.mapped.Events {
		ev := &d.mapped.Events[i]
		rec, err := h.Door.Mapped(d.Tenant, d.Source.Source, ev, d.hash)
		if err != nil {
			faults = append(faults, fault(ev.Mapping, -1, err))
			continue
		}
		records, types = append(records, rec), append(types, ev.Type)
	}
	return records, types, faults
}

// reject keeps what is no event, with the reason, for who looks after mappings.
func (h *Hooks) reject(ctx context.Context, d *delivery, why error) {
	h.Door.Reject(ctx, d.key, d.Source.Source, d.id, d.body, why)
}

// fault is a refusal that says which mapping, and of which record of the delivery.
func fault(mapping string, at int, err error) error {
	code := dictionary.CodeInvalidData
	if inner, ok := errors.AsType[*dictionary.Refusal](err); ok {
		code = inner.Code
	}
	return dictionary.Refuse(code, dictionary.Fault{
		Pointer: place(mapping, at), Reason: clip(err.Error(), maxReason), Hint: "correct the mapping; the delivery is kept in the topic received",
	})
}
