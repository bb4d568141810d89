package recorder

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/services/recorder/internal/rows"
)

// Decoded is a run of records of one partition of the verdicts that are read, and not yet
// written.
type Decoded struct {
	span *rows.Range
	read *rows.Read
}

// DecodeVerdicts reads records whose offsets follow each other.
func DecodeVerdicts(records []*kgo.Record) (*Decoded, error) {
	if len(records) == 0 {
		return nil, fault("no records to decode")
	}
	first, last := records[0], records[len(records)-1]
	d := &Decoded{span: &rows.Range{
		Topic: first.Topic, Partition: first.Partition, Start: first.Offset, End: last.Offset + 1,
		Before: rows.Chain{Last: first.Offset - 1}, Records: records,
	}}
	d.read = d.span.Read(rows.Verdicts())
	made := d.read.Make()
	return d, made.Fault
}

// Writer writes to ClickHouse what a recorder does after it has told Kafka which range it
// is going to write: the rows, then their coverage, each under its token. It is for
// measurements; a recorder is Run.
type Writer struct{ store *store }

// NewWriter uses conn and doesn't close it.
func NewWriter(conn clickhouse.Conn, reg prometheus.Registerer) (*Writer, error) {
	m, err := newMetrics(reg)
	if err != nil {
		return nil, err
	}
	return &Writer{&store{conn: conn, metrics: m, slots: make(chan struct{}, Default().Inserts)}}, nil
}

// Write returns when ClickHouse has acknowledged all of it.
func (w *Writer) Write(ctx context.Context, d *Decoded) error {
	made := d.read.Make()
	for _, b := range made.Blocks() {
		if err := w.store.insert(ctx, token(d.span, b.Table), b); err != nil {
			return err
		}
	}
	return nil
}
