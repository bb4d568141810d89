// Package rows turns a range of Kafka records into rows of ClickHouse tables. It is
// pure: the rows are a function of the records and of what stood before them, so two
// recorders that read the same range make the same rows.
package rows

import (
	"errors"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

// Chain is what a partition's records up to some offset say about the next one.
type Chain struct {
	// Last is the offset of the last record, -1 before the first.
	Last int64
	// Leaves counts the records.
	Leaves uint64
}

// Range is a run of committed records of one partition.
type Range struct {
	// Topic is the full name, ID Kafka's id of it.
	Topic     string
	ID        [16]byte
	Partition int32
	// Start and End bound the range; End is not in it.
	Start, End int64
	Before     Chain
	Records    []*kgo.Record
}

// Made is what a range becomes.
type Made struct {
	// Data holds the rows, nil if there are none. Coverage says that the range was
	// read, and goes to ClickHouse after Data.
	Data, Coverage *Block
	After          Chain
	// Skipped counts the records that could not be decoded; Fault is the first's.
	Skipped int
	Fault   error
}

// Table makes rows of one table out of one range.
type Table interface {
	// add takes a record. It returns errPassed for one that is no row and no fault,
	// and any other error for one that can't be decoded.
	add(r *kgo.Record, at ledger.Place, leaf uint64) error
	block() *Block
}

// errPassed is said of clock records.
var errPassed = errors.New("not a row")

// Make reads the range into the table and says what it covered.
func (r *Range) Make(t Table) Made { return r.Read(t).Make() }

// Read is a range whose records are decoded.
type Read struct {
	table Table
	cover coverage
	fault error
}

// Read decodes the range.
func (r *Range) Read(t Table) *Read {
	read := &Read{table: t, cover: coverage{Range: r, clock: 0, chain: r.Before}}
	for _, rec := range r.Records {
		at := ledger.Place{Topic: r.ID, Partition: r.Partition, Offset: rec.Offset, Prev: read.cover.chain.Last}
		err := t.add(rec, at, read.cover.chain.Leaves)
		read.cover.saw(rec, err)
		if err != nil && !errors.Is(err, errPassed) && read.fault == nil {
			read.fault = compliance.Errorf(compliance.Invalid, "offset %d: %w", rec.Offset, err)
		}
	}
	return read
}

// Make lays the rows out in columns, and those of what was covered.
func (r *Read) Make() Made {
	made := Made{Coverage: r.cover.block(), After: r.cover.chain, Skipped: int(r.cover.skipped), Fault: r.fault}
	if r.cover.rows > 0 {
		made.Data = r.table.block()
	}
	return made
}

// Blocks are what goes to ClickHouse, in this order.
func (m *Made) Blocks() []*Block {
	if m.Data == nil {
		return []*Block{m.Coverage}
	}
	return []*Block{m.Data, m.Coverage}
}

// coverage collects the one row that a range leaves in the table of that name.
type coverage struct {
	*Range
	rows, skipped uint64
	logTime       compliance.Instant
	clock         compliance.Instant
	chain         Chain
}

func (c *coverage) saw(rec *kgo.Record, err error) {
	switch {
	case err == nil:
		c.rows++
	case errors.Is(err, errPassed):
		if now, ok := record.DecodeClock(rec); ok {
			c.clock = max(c.clock, now)
		}
	default:
		c.skipped++
	}
	c.logTime = compliance.InstantOf(rec.Timestamp)
	c.chain.Last = rec.Offset
	c.chain.Leaves++
}

func (c *coverage) block() *Block {
	return build("coverage", []coverage{*c},
		text("topic", func(r *coverage) string { return r.Topic }),
		column("topic_id", func(r *coverage) uuid.UUID { return r.ID }),
		column("partition", func(r *coverage) int32 { return r.Partition }),
		column("start_offset", func(r *coverage) int64 { return r.Start }),
		column("end_offset", func(r *coverage) int64 { return r.End }),
		column("records", func(r *coverage) uint64 { return uint64(len(r.Records)) }),
		column("rows", func(r *coverage) uint64 { return r.rows }),
		column("skipped", func(r *coverage) uint64 { return r.skipped }),
		column("last_offset", func(r *coverage) int64 { return r.chain.Last }),
		column("leaves", func(r *coverage) uint64 { return r.chain.Leaves }),
		instant("log_time", func(r *coverage) compliance.Instant { return r.logTime }),
		instant("clock", func(r *coverage) compliance.Instant { return r.clock }),
	)
}
