package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"

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
	err := h.read(r.Context(), d, lease)
	if intake.IsFull(err) {
		h.Metrics.busy(d.account)
		return nil, h.Door.ProblemOf(err)
	}
	if err != nil {
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
	if a == h.nobody {
		unproven = h.strangers.Lease()
	}
	defer unproven.Release()
	body, err := door.ReadBody(w, r, a.Bytes, unproven)
	if err != nil {
		h.Metrics.unread(a.Name)
		return nil, h.Door.ProblemOf(err)
	}
	now := h.Door.Now()
	signed, err := h.believe(r.Context(), a, signature.Sent{Header: r.Header, Body: body, At: now})
	if _, ok := errors.AsType[signature.Reason](err); err != nil && !ok {
		return nil, h.Door.ProblemOf(err)
	}
	if err != nil || a == h.nobody {
		return nil, h.unproven(a, err)
	}
	if err := lease.Grow(held(body, signed)); err != nil {
		h.Metrics.busy(a)
		return nil, h.Door.ProblemOf(err)
	}
	hash := compliance.Hash(sha256.Sum256(body))
	return &delivery{
		account: a, header: r.Header, body: body, payload: signed, at: compliance.InstantOf(now), hash: hash, id: hash.String(),
	}, nil
}

// believe gives what the sender vouches for. An error is a Reason, or of one who
// doesn't wait.
func (h *Hooks) believe(ctx context.Context, a *account, s signature.Sent) ([]byte, error) {
	end, err := h.turn(ctx, s.Body)
	if err != nil {
		return nil, err
	}
	defer end()
	return a.check(a.Trust, s)
}

// held is the bytes of a body, and of what was made of it to be signed.
func held(body, signed []byte) int64 {
	if len(body) > 0 && len(signed) > 0 && &body[0] == &signed[0] {
		return int64(cap(body))
	}
	return int64(cap(body)) + int64(cap(signed))
}

// read maps what the delivery says, also if its sender has hung up: it is believed.
// An error is a refusal: it is no JSON.
func (h *Hooks) read(ctx context.Context, d *delivery, lease *intake.Lease) error {
	came := d.body
	if isPacked(d.payload) {
		var err error
		if d.payload, err = door.Unzip(bytes.NewReader(d.payload), d.Bytes, lease); err != nil {
			return err
		}
		came = d.payload
	}
	end, err := h.turn(context.WithoutCancel(ctx), d.payload)
	if err != nil {
		return err
	}
	defer end()
	inner, ok, err := form(d.payload)
	if err != nil {
		return err
	}
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
	kept := h.kept(d, len(records), d.note(faults))
	size := func(r *kgo.Record) int64 {
		if slices.Contains(kept, r) {
			return intake.Overhead(r) // it is a part of the body
		}
		return intake.Whole(r)
	}
	if err := h.Door.Send(ctx, lease, append(kept, records...), size, types); err != nil {
		h.Metrics.count(d, outcomeUnsent)
		return nil, h.Door.ProblemOf(err)
	}
	for _, f := range faults[:min(len(faults), maxFaults)] {
		h.reject(ctx, d, f)
	}
	h.Metrics.count(d, outcomeOf(d, faults))
	return &accepted{Accepted: len(records), Unmapped: d.unmapped(), Faults: len(faults)}, nil
}

// kept is the delivery as it came: one record, or several parts of one that no record
// could hold.
func (h *Hooks) kept(d *delivery, events int, note string) []*kgo.Record {
	whole := record.Received{
		Tenant: d.Tenant, Source: d.Source.Source, ID: d.id, Kind: d.kind(), At: d.at,
		MediaType: clip(d.header.Get("Content-Type"), maxID), Mapping: d.Vendor.Version(), Events: events, Note: note, Body: d.body,
	}
	parts := slices.Collect(slices.Chunk(d.body, int(h.Bytes)))
	if len(parts) < 2 {
		return []*kgo.Record{h.Door.Received(&whole)}
	}
	records := make([]*kgo.Record, 0, len(parts))
	for i, body := range parts {
		part := whole
		part.Body = body
		part.Note = fmt.Sprintf("part %d of %d, of %d bytes with SHA-256 %s", i+1, len(parts), len(d.body), d.hash)
		if note != "" {
			part.Note = clip(part.Note+"; "+note, maxNote)
		}
		if i > 0 {
			part.Events = 0
		}
		records = append(records, h.Door.Received(&part))
	}
	return records
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
