// Package receiver is the door for OTLP, over HTTP and gRPC: it lets in whoever has a
// key of the collector, maps spans and log records to events, and says yes once Kafka
// has them.
//
// Beside the events goes what they were made of, as package otlp lays it out. What no
// mapping takes is counted and left out, for a service's whole tracing may come
// through.
package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/otlp"
)

// Options are what a Receiver needs; all are required.
type Options struct {
	Door   *door.Door
	Vendor *source.Vendor
	// Redactor lays records out.
	Redactor *otlp.Redactor
	// Source begins the CloudEvents source of the events; a slash and the
	// service.name of the resource follow.
	Source string
	// Bytes limits a request, unpacked.
	Bytes int64
	// Patience is how long a request over gRPC may take, from its headers to its
	// answer.
	Patience time.Duration
	Metrics  *Metrics
}

// Receiver answers exports. It is safe for concurrent use.
type Receiver struct{ Options }

// New makes a Receiver.
func New(o Options) *Receiver { return &Receiver{o} }

// signal is what an export holds.
type signal struct {
	name string // in metrics and kinds
	noun string // of its records
	// field counts those that are refused, in an answer.
	field string
	read  func(*otlp.Redactor, []byte, otlp.Encoding) ([]otlp.Record, error)
}

func traces() signal {
	return signal{"traces", "spans", "rejectedSpans", func(r *otlp.Redactor, raw []byte, as otlp.Encoding) ([]otlp.Record, error) {
		req, err := otlp.Traces(raw, as)
		if err != nil {
			return nil, err
		}
		return r.Spans(req), nil
	}}
}

func logs() signal {
	return signal{"logs", "log records", "rejectedLogRecords", func(r *otlp.Redactor, raw []byte, as otlp.Encoding) ([]otlp.Record, error) {
		req, err := otlp.Logs(raw, as)
		if err != nil {
			return nil, err
		}
		return r.Logs(req), nil
	}}
}

// taken is the answer that says yes, if not to everything.
type taken struct {
	refused        int64
	field, message string
}

// take gives an answer once Kafka has all events of the export. The lease holds raw
// already.
func (r *Receiver) take(ctx context.Context, key *door.Key, lease *intake.Lease, of signal, raw []byte, as otlp.Encoding) (taken, *door.Problem) {
	// Records are laid out and written as JSON: some twice what came.
	if err := lease.Grow(2 * int64(len(raw))); err != nil {
		return taken{}, r.Door.ProblemOf(err)
	}
	records, err := of.read(r.Redactor, raw, as)
	if err != nil {
		// The body may hold anything, so its hash alone is kept.
		sum := sha256.Sum256(raw)
		r.Door.Reject(ctx, key, r.Source, hex.EncodeToString(sum[:]), nil, err)
		return taken{}, r.Door.ProblemOf(err)
	}
	b := &batch{Receiver: r, key: key, of: of, at: compliance.InstantOf(r.Door.Now())}
	for i := range records {
		b.add(&records[i])
	}
	for _, f := range b.refused[:min(len(b.refused), maxKept)] {
		r.Door.Reject(ctx, key, f.source, f.record.ID, f.record.JSON, f.err)
	}
	if len(records) > 0 && b.forbidden == len(records) {
		r.Metrics.count(of, b, outcomeRefused)
		return taken{}, r.Door.ProblemOf(b.refused[0].err)
	}
	if err := b.send(ctx, lease); err != nil {
		r.Metrics.count(of, b, outcomeUnsent)
		return taken{}, r.Door.ProblemOf(err)
	}
	r.Metrics.count(of, b, outcomeMapped)
	return b.answer(len(records)), nil
}

func (b *batch) answer(of int) taken {
	if len(b.refused) == 0 {
		return taken{}
	}
	return taken{int64(len(b.refused)), b.of.field, fmt.Sprintf("%d of %d %s are refused; the first: %v", len(b.refused), of, b.of.noun, b.refused[0].err)}
}

func (b *batch) send(ctx context.Context, lease *intake.Lease) error {
	var records []*kgo.Record
	var types []string
	for _, s := range b.order {
		s.close(b)
		records, types = append(records, s.records...), append(types, s.types...)
	}
	if len(records) == 0 {
		return nil
	}
	return b.Door.Send(ctx, lease, records, intake.Whole, types)
}

// Register adds the paths of OTLP/HTTP.
func (r *Receiver) Register(mux *http.ServeMux) {
	for path, of := range map[string]signal{"/v1/traces": traces(), "/v1/logs": logs()} {
		mux.HandleFunc("POST "+path, r.post(of))
		mux.HandleFunc(path, door.Only(http.MethodPost))
	}
}
