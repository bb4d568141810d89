package door

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/collector/internal/cloudevent"
)

// Codes of refusals, beside those of cloudevent and dictionary.
const (
	codeTime            = record.RejectedTime
	codeForbiddenSource = "forbidden_source"
	codeForbiddenTenant = "forbidden_tenant"
)

// oldest is before every system that could send.
const oldest = compliance.Instant(946_684_800_000_000) // 2000-01-01T00:00:00Z

// maxAhead is how far a source's clock may be ahead of ours.
const maxAhead = time.Hour

// check turns e, which came now, into the record for its topic; an error is a refusal.
func (d *Door) check(key *Key, e *cloudevent.Event, now compliance.Instant) (*kgo.Record, error) {
	if e.Err != nil {
		return nil, e.Err
	}
	if err := mayspeak(key, e); err != nil {
		return nil, err
	}
	typ, err := d.Types.Find(e.Type)
	if err != nil {
		return nil, at("/type", err)
	}
	when, err := plausible(e.Time, now)
	if err != nil {
		return nil, err
	}
	subject, err := typ.Check(e.Data, e.Source)
	if err != nil {
		return nil, at("/data", err)
	}
	event := &compliance.Event{
		Tenant: key.Tenant, Source: e.Source, ID: e.ID, Type: e.Type, Time: when, Sequence: e.Sequence,
	}
	r := record.EncodeEvent(event, subject, e.Data)
	r.Topic = d.topics[typ.Family]
	return r, nil
}

func mayspeak(key *Key, e *cloudevent.Event) error {
	if !key.May(e.Source) {
		return dictionary.Refuse(codeForbiddenSource, dictionary.Fault{
			Pointer: "/source", Reason: "the key may not speak for this source",
			Hint: "send one of the key's sources, or have the source added to collector.keys",
		})
	}
	if e.Tenant != "" && e.Tenant != key.Tenant {
		return dictionary.Refuse(codeForbiddenTenant, dictionary.Fault{
			Pointer: "/tenant", Reason: "the key belongs to another tenant", Hint: "leave tenant out: it comes from the key",
		})
	}
	return nil
}

func plausible(text string, now compliance.Instant) (compliance.Instant, error) {
	when, err := compliance.ParseInstant(text)
	if err != nil {
		return 0, dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{
			Pointer: "/time", Reason: "it is not a time", Hint: "send RFC 3339, such as 2026-07-01T09:30:00Z",
		})
	}
	return when, timely(when, now)
}

// timely refuses a time that a right clock can't have said.
func timely(when, now compliance.Instant) error {
	switch {
	case when < oldest:
		return dictionary.Refuse(codeTime, dictionary.Fault{
			Pointer: "/time", Reason: fmt.Sprintf("%s is before 2000", when), Hint: "check the source's clock, and seconds against milliseconds",
		})
	case when > now.Add(maxAhead):
		return dictionary.Refuse(codeTime, dictionary.Fault{
			Pointer: "/time", Reason: fmt.Sprintf("%s is more than %s ahead", when, maxAhead), Hint: "check the source's clock and time zone",
		})
	}
	return nil
}

// at moves the faults of an error below an attribute, as the structured form of
// an event has it: every mode names the same places.
func at(prefix string, err error) error {
	refusal := refusalOf(err)
	faults := make([]dictionary.Fault, len(refusal.Faults))
	for i, f := range refusal.Faults {
		f.Pointer = prefix + f.Pointer
		faults[i] = f
	}
	return dictionary.Refuse(refusal.Code, faults...)
}

// rejected is the record that keeps what was refused.
func (d *Door) rejected(key *Key, e *cloudevent.Event, err error) (*kgo.Record, error) {
	body := e.Raw
	r := record.Rejected{
		Tenant: key.Tenant, At: compliance.InstantOf(d.Now()), By: "collector",
		Code: refusalOf(err).Code, Reason: err.Error(),
		Source: e.Source, ID: e.ID, Type: e.Type,
		SHA256: sha256.Sum256(body), Size: len(body), Body: body[:min(len(body), record.BodyKept)],
	}
	value, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a rejected event: %w", err)
	}
	return &kgo.Record{Topic: d.Topic("rejected"), Key: []byte(key.Tenant + "/" + e.Source), Value: value}, nil
}
