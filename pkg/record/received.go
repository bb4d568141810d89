package record

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
)

// Headers of a received delivery, beside those of a CloudEvent.
const (
	// HeaderMapping names the mapping and its version: "github@1f3a…".
	HeaderMapping = "assay_mapping"
	// HeaderEvents counts the events that the delivery became.
	HeaderEvents = "assay_events"
	// HeaderNote says why something in it became no event.
	HeaderNote = "assay_note"
	// HeaderDelivery of an event is the SHA-256, in hex, of the delivery that it was
	// mapped from; an event without it was sent as it is.
	HeaderDelivery = "ce_delivery"
)

// Received is one delivery of a vendor, byte for byte. It travels as a CloudEvent
// of type <vendor>.<kind> on the topic "received".
type Received struct {
	Tenant string
	// Source is the CloudEvents source that the door speaks for.
	Source string
	// ID is the vendor's delivery id, else the body's hash. It is not an identity
	// that anything may rely on: few vendors sign it.
	ID string
	// Kind is the vendor's word with its name before it: "github.push".
	Kind      string
	At        compliance.Instant
	MediaType string
	Mapping   string
	Events    int
	Note      string
	Body      []byte
}

// EncodeReceived writes a delivery. The topic is the caller's to set.
func EncodeReceived(d *Received) *kgo.Record {
	return &kgo.Record{
		Key: []byte(d.Tenant + "/" + d.Source), Value: d.Body,
		Headers: []kgo.RecordHeader{
			{Key: HeaderSpecVersion, Value: []byte("1.0")},
			{Key: HeaderID, Value: []byte(d.ID)},
			{Key: HeaderSource, Value: []byte(d.Source)},
			{Key: HeaderType, Value: []byte(d.Kind)},
			{Key: HeaderTime, Value: []byte(d.At.String())},
			{Key: HeaderTenant, Value: []byte(d.Tenant)},
			{Key: HeaderContentType, Value: []byte(d.MediaType)},
			{Key: HeaderMapping, Value: []byte(d.Mapping)},
			{Key: HeaderEvents, Value: strconv.AppendInt(nil, int64(d.Events), 10)},
			{Key: HeaderNote, Value: []byte(d.Note)},
		},
	}
}

// DecodeReceived is the inverse. Attributes that are missing or can't be read stay
// empty: what came is kept, whatever it says.
func DecodeReceived(r *kgo.Record) *Received {
	d := &Received{Tenant: DefaultTenant, At: compliance.InstantOf(r.Timestamp), Body: r.Value}
	for _, h := range r.Headers {
		text := string(h.Value)
		switch h.Key {
		case HeaderID:
			d.ID = text
		case HeaderSource:
			d.Source = text
		case HeaderType:
			d.Kind = text
		case HeaderTime:
			if at, err := compliance.ParseInstant(text); err == nil {
				d.At = at
			}
		case HeaderTenant:
			d.Tenant = text
		case HeaderContentType:
			d.MediaType = text
		case HeaderMapping:
			d.Mapping = text
		case HeaderEvents:
			d.Events, _ = strconv.Atoi(text) // 0 says that it can't be read, too
		case HeaderNote:
			d.Note = text
		}
	}
	return d
}

// SetDelivery marks an event's record as mapped from a delivery.
func SetDelivery(r *kgo.Record, body compliance.Hash) {
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: HeaderDelivery, Value: []byte(hex.EncodeToString(body[:]))})
}

// DeliveryOf is the hash of the delivery that an event was mapped from; zero for
// one that was sent as it is.
func DeliveryOf(r *kgo.Record) compliance.Hash {
	var sum [sha256.Size]byte
	for _, h := range r.Headers {
		if h.Key != HeaderDelivery {
			continue
		}
		if len(h.Value) != hex.EncodedLen(len(sum)) {
			return compliance.Hash{}
		}
		if _, err := hex.Decode(sum[:], h.Value); err != nil {
			return compliance.Hash{}
		}
	}
	return sum
}
