package receiver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/otlp"
)

const (
	// maxKept is how many refused records of an export are kept.
	maxKept = 100
	// maxDelivery is where what is kept of an export is cut: one export may become
	// several deliveries. A record alone may be as large.
	maxDelivery = 1 << 20
	// maxService is the most bytes of a service.name.
	maxService = 200
)

// noService stands for resources without service.name, as SDKs say it.
const noService = "unknown_service"

// batch is an export on its way to events.
type batch struct {
	*Receiver
	key *door.Key
	of  signal
	at  compliance.Instant

	sources map[string]*sender
	order   []*sender
	// held is the bytes that wait to be sent; begun says that some were sent before.
	held  int64
	begun bool

	records   int
	mapped    int
	leftOut   int
	refused   int
	forbidden int   // of the refused, those whose source is not the key's
	first     error // why the first of the refused is
}

// sender is what one service sent.
type sender struct {
	source string
	body   bytes.Buffer // the delivery that is open
	events []source.Event

	records []*kgo.Record // of closed deliveries
	types   []string
}

func (b *batch) add(ctx context.Context, r *otlp.Record) {
	b.records++
	src := b.Source + "/" + r.Service
	if r.Service == "" {
		src = b.Source + "/" + noService
	}
	events, err := b.events(src, r)
	switch {
	case err != nil:
		b.refuse(ctx, src, r, err)
	case len(events) == 0:
		b.leftOut++
	default:
		b.mapped++
		b.sender(src).add(b, r, events)
	}
}

// refuse keeps a record that is none, unless there are many.
func (b *batch) refuse(ctx context.Context, src string, r *otlp.Record, err error) {
	if b.refused++; b.refused == 1 {
		b.first = err
	}
	if b.refused <= maxKept {
		b.Door.Reject(ctx, b.key, src, r.ID, r.JSON, err)
	}
}

// events are what mappings make of a record: all of them, or a refusal.
func (b *batch) events(src string, r *otlp.Record) ([]source.Event, error) {
	if len(r.Service) > maxService || strings.ContainsFunc(r.Service, unicode.IsControl) {
		return nil, refuse("/resource/service.name", fmt.Sprintf("it has more than %d bytes, or a control character", maxService))
	}
	if !b.key.May(src) {
		b.forbidden++
		return nil, door.ForbiddenSource(src)
	}
	if r.Err != nil {
		return nil, r.Err
	}
	if len(r.JSON) > maxDelivery {
		return nil, dictionary.Refuse(dictionary.CodeTooLarge, dictionary.Fault{
			Reason: fmt.Sprintf("a record has more than %d bytes without its content", maxDelivery), Hint: "send fewer attributes",
		})
	}
	body, err := source.Decode(delivery(r.JSON))
	if err != nil {
		return nil, err
	}
	m := b.Vendor.Map(source.Delivery{Body: body, Received: b.at})
	if len(m.Faults) > 0 {
		return nil, faultOf(m.Faults[0])
	}
	for i := range m.Events {
		if err := b.Door.Plausible(&m.Events[i]); err != nil {
			return nil, err
		}
	}
	return m.Events, nil
}

// faultOf is the refusal behind a mapping's failure.
func faultOf(f source.Fault) error {
	if r, ok := errors.AsType[*dictionary.Refusal](f.Err); ok {
		return r
	}
	return refuse("", f.Err.Error())
}

func refuse(pointer, reason string) error {
	return dictionary.Refuse(dictionary.CodeInvalidData, dictionary.Fault{
		Pointer: pointer, Reason: reason, Hint: "docs/formats/otlp.md says which attributes fill what",
	})
}

func (b *batch) sender(src string) *sender {
	s, ok := b.sources[src]
	if !ok {
		s = &sender{source: src}
		if b.sources == nil {
			b.sources = map[string]*sender{}
		}
		b.sources[src] = s
		b.order = append(b.order, s)
	}
	return s
}

func (s *sender) add(b *batch, r *otlp.Record, events []source.Event) {
	if s.body.Len()+len(r.JSON) > maxDelivery {
		s.close(b)
	}
	if s.body.Len() > 0 {
		s.body.WriteByte(',')
	}
	s.body.Write(r.JSON)
	s.events = append(s.events, events...)
	b.held += int64(len(r.JSON))
	for i := range events {
		b.held += int64(len(events[i].Data)) + intake.RecordOverhead
	}
}

// delivery is what mappings read, and what is kept: records between commas.
func delivery(records []byte) []byte {
	const begin, end = `{"records":[`, `]}`
	out := make([]byte, 0, len(begin)+len(records)+len(end))
	return append(append(append(out, begin...), records...), end...)
}

// close makes the records for Kafka of the open delivery.
func (s *sender) close(b *batch) {
	if s.body.Len() == 0 {
		return
	}
	body := delivery(s.body.Bytes())
	hash := compliance.Hash(sha256.Sum256(body))
	s.records = append(s.records, b.Door.Received(&record.Received{
		Tenant: b.key.Tenant, Source: s.source, ID: hex.EncodeToString(hash[:]), Kind: b.Vendor.Name + "." + b.of.name, At: b.at,
		MediaType: string(otlp.JSON), Mapping: b.Vendor.Version(), Events: len(s.events), Body: body,
	}))
	for i := range s.events {
		// Plausible has found nothing to refuse.
		if r, err := b.Door.Mapped(b.key.Tenant, s.source, &s.events[i], hash); err == nil {
			s.records, s.types = append(s.records, r), append(s.types, s.events[i].Type)
		}
	}
	s.body.Reset()
	s.events = nil
}
