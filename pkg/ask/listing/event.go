package listing

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// Event is an event as it stands in the log.
type Event struct {
	Time      compliance.Instant `json:"time"`
	Type      string             `json:"type"`
	Source    string             `json:"source"`
	ID        string             `json:"id"`
	Received  compliance.Instant `json:"received"`
	Sequence  uint64             `json:"sequence,omitempty"`
	Key       string             `json:"key"`
	Topic     string             `json:"topic"`
	Partition int32              `json:"partition"`
	Offset    int64              `json:"offset"`
	SHA256    string             `json:"sha256"`
	Data      json.RawMessage    `json:"data"`
}

// EventRow is a row of events.
type EventRow struct {
	Time      time.Time `ch:"time"`
	Type      string    `ch:"type"`
	Source    string    `ch:"source"`
	ID        string    `ch:"id"`
	Received  time.Time `ch:"received"`
	Sequence  uint64    `ch:"sequence"`
	Key       string    `ch:"key"`
	Data      string    `ch:"data"`
	Hash      string    `ch:"hash"`
	Topic     string    `ch:"topic"`
	Partition int32     `ch:"partition"`
	Offset    int64     `ch:"offset"`
}

// Event is what the row says.
func (r *EventRow) Event() Event {
	return Event{
		Time: ask.Instant(r.Time), Type: r.Type, Source: r.Source, ID: r.ID, Received: ask.Instant(r.Received), Sequence: r.Sequence,
		Key: r.Key, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, SHA256: r.Hash, Data: rawJSON(r.Data),
	}
}

// rawJSON is text as it is, or as a JSON string if it is no JSON.
func rawJSON(text string) json.RawMessage {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil
	}
	return quoted
}

// Decode is the event that the row holds; ok is false if its schema refuses it. It is nil if
// no control can read its type.
func (r *EventRow) Decode(types *dictionary.Dictionary, tenant string) (ev *compliance.Event, ok bool) {
	t, known := types.Type(r.Type)
	if !known {
		return nil, false
	}
	ev = &compliance.Event{
		Tenant: tenant, Source: r.Source, ID: r.ID, Type: r.Type, Time: ask.Instant(r.Time), Received: ask.Instant(r.Received), Sequence: r.Sequence,
		Ref: compliance.Ref{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset},
	}
	if _, err := hex.Decode(ev.Ref.SHA256[:], []byte(r.Hash)); err != nil {
		return ev, false
	}
	data, err := t.Decode([]byte(r.Data))
	ev.Data = data
	return ev, err == nil
}

// Events lists events as EventPages does.
func Events(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Event], error) {
	return EventPages().all(ctx, a, f)
}

// row is the event as ClickHouse has it.
func (e *Event) row() *EventRow {
	return &EventRow{
		Time: e.Time.Time(), Type: e.Type, Source: e.Source, ID: e.ID, Received: e.Received.Time(), Sequence: e.Sequence, Key: e.Key,
		Data: string(e.Data), Hash: e.SHA256, Topic: e.Topic, Partition: e.Partition, Offset: e.Offset,
	}
}
