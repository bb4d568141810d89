package recorder

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
)

// limits end a batch.
type limits struct {
	maxRows, maxBytes int
	maxAge, maxIdle   time.Duration
	// maxBusy keeps batches of a partition that never rests apart: an insert
	// costs ClickHouse more than the rows in it.
	maxBusy time.Duration
}

// buffer holds fetched records of one partition until they make a batch.
type buffer struct {
	limits
	records []*kgo.Record
	bytes   int
	// next is the lowest offset that is still wanted.
	next int64
	// until, if above 0, is the end of the next batch, whatever its size and age.
	until int64
	// since is when the oldest record came, rowSince when the oldest row did;
	// zero without any.
	since, rowSince time.Time
	// rested is when the next batch of rows may be cut for its age.
	rested time.Time
}

// overhead is what a record takes beyond its key and value, roughly.
const overhead = 512

func size(r *kgo.Record) int { return len(r.Key) + len(r.Value) + overhead }

func (b *buffer) add(records []*kgo.Record, now time.Time) {
	for _, r := range records {
		if r.Offset < b.next {
			continue
		}
		b.records = append(b.records, r)
		b.bytes += size(r)
		b.next = r.Offset + 1
		b.note(r, now)
	}
}

func (b *buffer) note(r *kgo.Record, now time.Time) {
	if b.since.IsZero() {
		b.since = now
	}
	if _, clock := record.DecodeClock(r); !clock && b.rowSince.IsZero() {
		b.rowSince = now
	}
}

// from drops what lies before start and sets the end of the first batch.
func (b *buffer) from(start, until int64) {
	keep := slices.IndexFunc(b.records, func(r *kgo.Record) bool { return r.Offset >= start })
	if keep < 0 {
		keep = len(b.records)
	}
	for _, r := range b.records[:keep] {
		b.bytes -= size(r)
	}
	b.records, b.next, b.until = b.records[keep:], max(b.next, start), until
	if len(b.records) == 0 {
		b.since, b.rowSince = time.Time{}, time.Time{}
	}
}

// full says that a batch can be cut now, so that fetching may pause.
func (b *buffer) full() bool {
	if b.until > 0 {
		return b.next >= b.until
	}
	return len(b.records) >= b.maxRows || b.bytes >= b.maxBytes
}

// forever is the wait for a batch that only new records can end.
const forever = time.Hour

// cut takes the next batch out, or says how long to wait for one unless records
// come. The batch that ends at until may be empty, but is never nil.
func (b *buffer) cut(now time.Time) (batch []*kgo.Record, wait time.Duration) {
	if b.until > 0 {
		return b.cutUntil(now)
	}
	if b.full() {
		return b.take(b.fitting(), now), 0
	}
	if b.since.IsZero() {
		return nil, forever
	}
	wait = b.since.Add(b.maxIdle).Sub(now)
	if !b.rowSince.IsZero() {
		wait = min(wait, max(b.rowSince.Add(b.maxAge).Sub(now), b.rested.Sub(now)))
	}
	if wait <= 0 {
		return b.take(len(b.records), now), 0
	}
	return nil, wait
}

func (b *buffer) cutUntil(now time.Time) ([]*kgo.Record, time.Duration) {
	if b.next < b.until {
		return nil, forever
	}
	n := slices.IndexFunc(b.records, func(r *kgo.Record) bool { return r.Offset >= b.until })
	if n < 0 {
		n = len(b.records)
	}
	b.until = 0
	return append([]*kgo.Record{}, b.take(n, now)...), 0
}

// fitting counts the records that fit into one batch, at least one.
func (b *buffer) fitting() int {
	bytes := 0
	for i, r := range b.records {
		if bytes += size(r); i == b.maxRows || i > 0 && bytes > b.maxBytes {
			return i
		}
	}
	return len(b.records)
}

// take removes the first n records and lets go of their memory.
func (b *buffer) take(n int, now time.Time) []*kgo.Record {
	batch := b.records[:n:n]
	b.records = slices.Clone(b.records[n:])
	for _, r := range batch {
		b.bytes -= size(r)
	}
	if !b.rowSince.IsZero() {
		b.rested = now.Add(b.maxBusy)
	}
	b.since, b.rowSince = time.Time{}, time.Time{}
	if len(b.records) > 0 {
		b.since, b.rowSince = now, now
	}
	return batch
}
