package record

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
)

// Headers of an event, as the CloudEvents Kafka binding names them. Tenant and
// sequence are extensions; sequence is the CloudEvents extension of that name.
const (
	HeaderSpecVersion = "ce_specversion"
	HeaderID          = "ce_id"
	HeaderSource      = "ce_source"
	HeaderType        = "ce_type"
	HeaderTime        = "ce_time"
	HeaderSubject     = "ce_subject"
	HeaderTenant      = "ce_tenant"
	HeaderSequence    = "ce_sequence"
	HeaderContentType = "content-type"
	// HeaderClock marks a clock record, which is no event: the log says what
	// time it is, in microseconds since 1970.
	HeaderClock = "assay_clock"
	// HeaderActivation marks the place in a source from which on other rules route. Such
	// a record is a clock record too, of a time before all: it moves no clock.
	HeaderActivation = "assay_activation"
)

// DefaultTenant owns events that name no tenant.
const DefaultTenant = "default"

// What every event says; nobody may write into them.
var (
	specVersion = []byte("1.0")
	contentType = []byte("application/json")
)

// EncodeEvent writes ev in binary mode. The topic is the caller's to set; value
// is the data exactly as it was received.
//
// What the record holds of its own lies in two pieces of memory: a piece for each
// header was a tenth of what the collector does.
func EncodeEvent(ev *compliance.Event, key string, value []byte) *kgo.Record {
	const timeAndSequence = 30 + 20
	w := pieces{rest: make([]byte, 0, len(ev.ID)+len(ev.Source)+len(ev.Type)+len(ev.Tenant)+len(key)+timeAndSequence)}
	e := &struct {
		record  kgo.Record
		headers [8]kgo.RecordHeader
	}{}
	headers := append(e.headers[:0],
		kgo.RecordHeader{Key: HeaderSpecVersion, Value: specVersion},
		kgo.RecordHeader{Key: HeaderID, Value: w.text(ev.ID)},
		kgo.RecordHeader{Key: HeaderSource, Value: w.text(ev.Source)},
		kgo.RecordHeader{Key: HeaderType, Value: w.text(ev.Type)},
		kgo.RecordHeader{Key: HeaderTime, Value: w.next(ev.Time.Append(w.rest))},
		kgo.RecordHeader{Key: HeaderTenant, Value: w.text(ev.Tenant)},
		kgo.RecordHeader{Key: HeaderContentType, Value: contentType},
	)
	if ev.Sequence > 0 {
		headers = append(headers, kgo.RecordHeader{Key: HeaderSequence, Value: w.next(strconv.AppendUint(w.rest, ev.Sequence, 10))})
	}
	e.record = kgo.Record{Key: w.text(key), Value: value, Headers: headers}
	return &e.record
}

// pieces cuts short texts from one piece of memory.
type pieces struct{ rest []byte }

func (p *pieces) text(s string) []byte { return p.next(append(p.rest, s...)) }

// next is what was appended to rest, and nothing of what comes after it.
func (p *pieces) next(piece []byte) []byte {
	p.rest = piece[len(piece):]
	return slices.Clip(piece)
}

// DecodeEvent reads the attributes of an event; Data is left for who needs it.
// An error says which header is missing or wrong.
func DecodeEvent(r *kgo.Record) (*compliance.Event, error) {
	ev := &compliance.Event{
		Tenant:   DefaultTenant,
		Received: compliance.InstantOf(r.Timestamp),
		Ref: compliance.Ref{
			Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, SHA256: sha256.Sum256(r.Value),
		},
	}
	var spec, when string
	for _, h := range r.Headers {
		if err := setAttribute(ev, &spec, &when, h.Key, h.Value); err != nil {
			return nil, err
		}
	}
	return ev, checkAttributes(ev, spec, when)
}

func setAttribute(ev *compliance.Event, spec, when *string, key string, value []byte) error {
	if len(key) > 3 && key[:3] == "ce_" && !utf8.Valid(value) {
		return compliance.Errorf(compliance.Invalid, "header %s is not UTF-8", key)
	}
	switch key {
	case HeaderSpecVersion:
		*spec = string(value)
	case HeaderID:
		ev.ID = string(value)
	case HeaderSource:
		ev.Source = string(value)
	case HeaderType:
		ev.Type = string(value)
	case HeaderTime:
		*when = string(value)
	case HeaderTenant:
		ev.Tenant = string(value)
	case HeaderSequence:
		n, err := strconv.ParseUint(string(value), 10, 64)
		if err != nil || n == 0 {
			return compliance.Errorf(compliance.Invalid, "header %s is %q; it counts from 1", key, value)
		}
		ev.Sequence = n
	}
	return nil
}

func checkAttributes(ev *compliance.Event, spec, when string) error {
	for _, a := range []struct{ header, value string }{
		{HeaderID, ev.ID}, {HeaderSource, ev.Source}, {HeaderType, ev.Type}, {HeaderTime, when}, {HeaderTenant, ev.Tenant},
	} {
		if a.value == "" {
			return compliance.Errorf(compliance.Invalid, "header %s is missing; events are CloudEvents 1.0 in binary mode", a.header)
		}
	}
	if spec != "1.0" {
		return compliance.Errorf(compliance.Invalid, "header %s is %q, not \"1.0\"", HeaderSpecVersion, spec)
	}
	t, err := compliance.ParseInstant(when)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "header %s: %w", HeaderTime, err)
	}
	ev.Time = t
	return nil
}

// EncodeClock is a record that says what time the log has.
func EncodeClock(topic string, partition int32, now compliance.Instant) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Headers: []kgo.RecordHeader{
		{Key: HeaderClock, Value: strconv.AppendInt(nil, int64(now), 10)},
	}}
}

// DecodeClock tells whether r is a clock record, and what it says.
func DecodeClock(r *kgo.Record) (compliance.Instant, bool) {
	for _, h := range r.Headers {
		if h.Key == HeaderClock {
			n, err := strconv.ParseInt(string(h.Value), 10, 64)
			return compliance.Instant(n), err == nil
		}
	}
	return 0, false
}

// EncodeMarker is a record from which on the rules of an activation route what follows
// in its partition.
func EncodeMarker(topic string, partition int32, activation int) *kgo.Record {
	r := EncodeClock(topic, partition, compliance.Ever)
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: HeaderActivation, Value: strconv.AppendInt(nil, int64(activation), 10)})
	return r
}

// DecodeMarker tells whether r is a marker, and of which activation.
func DecodeMarker(r *kgo.Record) (activation int, ok bool) {
	for _, h := range r.Headers {
		if h.Key == HeaderActivation {
			n, err := strconv.Atoi(string(h.Value))
			return n, err == nil && n > 0
		}
	}
	return 0, false
}
