package rows

import (
	"crypto/sha256"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

type event struct {
	*compliance.Event
	key, data string
	at        ledger.Place
	index     uint64
	leaf      compliance.Hash
	// delivery is the hash of what a vendor sent, zero if the event came as it is.
	delivery compliance.Hash
}

type events struct {
	family compliance.Family
	keys   *ledger.Keys
	rows   []event
}

// Events makes rows of a family's events.
func Events(family compliance.Family, keys *ledger.Keys) Table {
	return &events{family: family, keys: keys}
}

func (e *events) add(r *kgo.Record, at ledger.Place, index uint64) error {
	if _, ok := record.DecodeClock(r); ok {
		return errPassed
	}
	ev, err := record.DecodeEvent(r)
	if err != nil {
		return err
	}
	if !datable(ev.Time) || !datable(ev.Received) {
		return compliance.Errorf(compliance.Invalid, "time %s, received %s: a time must be between the years 1900 and 2261", ev.Time, ev.Received)
	}
	leaf, err := e.keys.Event(at, ev, r.Key)
	if err != nil {
		return err
	}
	e.rows = append(e.rows, event{
		Event: ev, key: string(r.Key), data: string(r.Value), at: at, index: index, leaf: leaf.Hash(),
		delivery: record.DeliveryOf(r),
	})
	return nil
}

func (e *events) block() *Block {
	return build("events", e.rows,
		text("tenant", func(r *event) string { return r.Tenant }),
		text("family", func(*event) string { return string(e.family) }),
		text("type", func(r *event) string { return r.Type }),
		text("source", func(r *event) string { return r.Source }),
		text("id", func(r *event) string { return r.ID }),
		instant("time", func(r *event) compliance.Instant { return r.Time }),
		instant("received", func(r *event) compliance.Instant { return r.Received }),
		column("sequence", func(r *event) uint64 { return r.Sequence }),
		text("key", func(r *event) string { return r.key }),
		text("data", func(r *event) string { return r.data }),
		column("size", func(r *event) uint32 { return uint32(len(r.data)) }),
		hash("sha256", func(r *event) compliance.Hash { return r.Ref.SHA256 }),
		hash("delivery", func(r *event) compliance.Hash { return r.delivery }),
		text("topic", func(r *event) string { return r.Ref.Topic }),
		column("partition", func(r *event) int32 { return r.Ref.Partition }),
		column("offset", func(r *event) int64 { return r.Ref.Offset }),
		column("prev_offset", func(r *event) int64 { return r.at.Prev }),
		column("leaf_index", func(r *event) uint64 { return r.index }),
		hash("leaf", func(r *event) compliance.Hash { return r.leaf }),
	)
}

// Leaf is the leaf of any record of events.*, also of those that are no rows:
// the rule of docs/formats/leaf.md for which kind a record is.
func Leaf(keys *ledger.Keys, r *kgo.Record, at ledger.Place) (ledger.Leaf, error) {
	now, isClock := record.DecodeClock(r)
	if isClock && len(r.Headers) == 1 && len(r.Key) == 0 && len(r.Value) == 0 {
		return ledger.Clock(at, now), nil
	}
	if ev, err := record.DecodeEvent(r); err == nil && !isClock {
		return keys.Event(at, ev, r.Key)
	}
	headers := make([]ledger.Header, 0, len(r.Headers))
	for _, h := range r.Headers {
		headers = append(headers, ledger.Header{Key: h.Key, Value: h.Value})
	}
	return keys.Other(at, compliance.InstantOf(r.Timestamp), headers, r.Key, sha256.Sum256(r.Value))
}
