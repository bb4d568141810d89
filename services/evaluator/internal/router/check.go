package router

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
)

// Rules are the controls in force, as far as routing needs them: *control.Bundle
// in the product. Its methods are pure functions.
type Rules interface {
	// Reads says whether any control reads events of this type.
	Reads(eventType string) bool
	// Counts says whether the sender numbers its events, so that each is routed,
	// read or not.
	Counts(source string) bool
	// Route lists the controls that ev concerns; ev.Data is decoded.
	Route(ev *compliance.Event) []control.Route
}

// What the log's clock makes of an event's time. An event may be a little early,
// since sources' clocks differ, and as old as the log keeps events.
const (
	earliest = 400 * 24 * time.Hour
	latest   = control.Early
)

// epoch is the oldest time that is believed before the log has a clock.
func epoch() compliance.Instant {
	return compliance.InstantOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

// check decodes and validates a record. It gives no event and no refusal for a
// sound event that no control reads; if its source counts, it gives its attributes.
func (t *table) check(r *kgo.Record, rules Rules, clock compliance.Instant) (*compliance.Event, *record.Rejected) {
	ev, err := record.DecodeEvent(r)
	if err != nil {
		return nil, reject(r, ev, record.RejectedMalformed, err.Error())
	}
	kind, err := t.types.Find(ev.Type)
	if err != nil {
		return nil, reject(r, ev, record.RejectedUnknownType, err.Error())
	}
	if why := implausible(ev.Time, clock); why != "" {
		return nil, reject(r, ev, record.RejectedTime, why)
	}
	if !rules.Reads(ev.Type) {
		if rules.Counts(ev.Source) {
			return ev, nil
		}
		return nil, nil
	}
	if ev.Data, err = kind.Decode(r.Value); err != nil {
		return nil, reject(r, ev, codeOf(err), err.Error())
	}
	return ev, nil
}

func codeOf(err error) string {
	if refusal, ok := errors.AsType[*dictionary.Refusal](err); ok {
		return refusal.Code
	}
	return record.RejectedInvalidData
}

// implausible says why the event's time can't be true, judged by the clock of
// its partition alone, so that a replay judges alike; empty if it can.
func implausible(at, clock compliance.Instant) string {
	switch {
	case at < epoch():
		return fmt.Sprintf("its time %s is before 2000", at)
	case clock == compliance.Ever:
		return ""
	case at > clock.Add(latest):
		return fmt.Sprintf("its time %s is more than %s after %s, the time of the log", at, latest, clock)
	case at < clock.Add(-earliest):
		return fmt.Sprintf("its time %s is more than 400 days before %s, the time of the log", at, clock)
	}
	return ""
}

func reject(r *kgo.Record, ev *compliance.Event, code, reason string) *record.Rejected {
	rejected := &record.Rejected{
		At: compliance.InstantOf(r.Timestamp), By: "evaluator", Code: code, Reason: reason,
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		SHA256: sha256.Sum256(r.Value), Size: len(r.Value), Body: r.Value[:min(len(r.Value), record.BodyKept)],
	}
	if ev != nil {
		rejected.Tenant, rejected.Source, rejected.ID, rejected.Type = ev.Tenant, ev.Source, ev.ID, ev.Type
	}
	return rejected
}
