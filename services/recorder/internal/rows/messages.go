package rows

import (
	"encoding/json"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

// decoded is a JSON record and what it says.
type decoded[V any] struct {
	value  V
	record *kgo.Record
}

// decoding makes rows of a topic whose values are JSON of V.
type decoding[V any] struct {
	table string
	check func(*V) error
	more  []field[decoded[V]]
	rows  []decoded[V]
}

func (d *decoding[V]) add(r *kgo.Record, _ ledger.Place, _ uint64) error {
	row := decoded[V]{record: r}
	if err := json.Unmarshal(r.Value, &row.value); err != nil {
		return compliance.Errorf(compliance.Invalid, "reading a row of %s: %w", d.table, err)
	}
	if err := d.check(&row.value); err != nil {
		return err
	}
	d.rows = append(d.rows, row)
	return nil
}

func (d *decoding[V]) block() *Block {
	return build(d.table, d.rows, append(d.more,
		text("topic", func(r *decoded[V]) string { return r.record.Topic }),
		column("partition", func(r *decoded[V]) int32 { return r.record.Partition }),
		column("offset", func(r *decoded[V]) int64 { return r.record.Offset }),
	)...)
}

// Violations makes rows of violations.
func Violations() Table {
	type row = decoded[record.Violation]
	return &decoding[record.Violation]{
		table: "violations",
		check: func(v *record.Violation) error { return checkRevision(&v.Verdict) },
		more: []field[row]{
			text("tenant", func(r *row) string { return r.value.Verdict.Tenant }),
			text("control", func(r *row) string { return r.value.Verdict.Control }),
			text("item_id", func(r *row) string { return r.value.Verdict.Item.ID }),
			instant("item_time", func(r *row) compliance.Instant { return r.value.Verdict.Item.Time }),
			column("revision", func(r *row) uint32 { return uint32(r.value.Verdict.Number) }),
			text("id", func(r *row) string { return r.value.ID }),
			text("episode", func(r *row) string { return r.value.Episode }),
			text("change", func(r *row) string { return string(r.value.Change) }),
			text("severity", func(r *row) string { return r.value.Severity }),
			text("title", func(r *row) string { return r.value.Title }),
			column("criteria", func(r *row) []string { return r.value.Criteria }),
			column("supersedes", func(r *row) uint32 { return uint32(max(0, r.value.Supersedes)) }),
			text("outcome", func(r *row) string { return string(r.value.Verdict.Outcome) }),
			text("reason", func(r *row) string { return r.value.Verdict.Reason }),
			instant("known_at", func(r *row) compliance.Instant { return r.value.Verdict.KnownAt }),
			text("value", func(r *row) string { return string(r.record.Value) }),
		},
	}
}

// Rejected makes rows of rejected.
func Rejected() Table {
	type row = decoded[record.Rejected]
	return &decoding[record.Rejected]{
		table: "rejected",
		check: func(*record.Rejected) error { return nil },
		more: []field[row]{
			text("tenant", func(r *row) string { return r.value.Tenant }),
			instant("at", func(r *row) compliance.Instant { return r.value.At }),
			text("by", func(r *row) string { return r.value.By }),
			text("code", func(r *row) string { return r.value.Code }),
			text("reason", func(r *row) string { return r.value.Reason }),
			text("source", func(r *row) string { return r.value.Source }),
			text("id", func(r *row) string { return r.value.ID }),
			text("type", func(r *row) string { return r.value.Type }),
			text("origin_topic", func(r *row) string { return r.value.Topic }),
			column("origin_partition", func(r *row) int32 { return r.value.Partition }),
			column("origin_offset", func(r *row) int64 { return r.value.Offset }),
			hash("sha256", func(r *row) compliance.Hash { return r.value.SHA256 }),
			column("size", func(r *row) uint64 { return uint64(max(0, r.value.Size)) }),
			text("body", func(r *row) string { return string(r.value.Body) }),
		},
	}
}

// Quarantined makes rows of quarantined.
func Quarantined() Table {
	type row = decoded[record.Quarantined]
	return &decoding[record.Quarantined]{
		table: "quarantined",
		check: func(q *record.Quarantined) error {
			if q.Tenant == "" { // word of a source concerns every control, and names none
				return compliance.Errorf(compliance.Invalid, "a quarantined event without tenant")
			}
			return nil
		},
		more: []field[row]{
			text("tenant", func(r *row) string { return r.value.Tenant }),
			text("control", func(r *row) string { return r.value.Control }),
			text("join_key", func(r *row) string { return r.value.JoinKey }),
			instant("watermark", func(r *row) compliance.Instant { return r.value.Watermark }),
			text("expectation", func(r *row) string { return r.value.Event.Expectation }),
			text("source", func(r *row) string { return r.value.Event.Source }),
			text("id", func(r *row) string { return r.value.Event.ID }),
			text("type", func(r *row) string { return r.value.Event.Type }),
			instant("time", func(r *row) compliance.Instant { return r.value.Event.Time }),
			text("event_topic", func(r *row) string { return r.value.Event.Topic }),
			column("event_partition", func(r *row) int32 { return r.value.Event.Partition }),
			column("event_offset", func(r *row) int64 { return r.value.Event.Offset }),
			hash("sha256", func(r *row) compliance.Hash { return r.value.Event.SHA256 }),
		},
	}
}
