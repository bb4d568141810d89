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
	"iter"
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

// amplified is how many times larger than the largest request its records may be when
// they are laid out, each with its resource and scope.
const amplified = 16

// signal is what an export holds.
type signal struct {
	name string // in metrics and kinds
	noun string // of its records
	// field counts those that are refused, in an answer.
	field string
	read  func(*Receiver, []byte, otlp.Encoding) (iter.Seq[otlp.Record], error)
}

func traces() signal {
	return signal{"traces", "spans", "rejectedSpans", func(r *Receiver, raw []byte, as otlp.Encoding) (iter.Seq[otlp.Record], error) {
		req, err := otlp.Traces(raw, as)
		if err != nil {
			return nil, err
		}
		return r.Redactor.Spans(req, amplified*r.Bytes), nil
	}}
}

func logs() signal {
	return signal{"logs", "log records", "rejectedLogRecords", func(r *Receiver, raw []byte, as otlp.Encoding) (iter.Seq[otlp.Record], error) {
		req, err := otlp.Logs(raw, as)
		if err != nil {
			return nil, err
		}
		return r.Redactor.Logs(req, amplified*r.Bytes), nil
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
	// What was read and what is laid out of it, until it is sent: some twice what came.
	if err := lease.Grow(2 * int64(len(raw))); err != nil {
		return taken{}, r.Door.ProblemOf(err)
	}
	records, err := of.read(r, raw, as)
	if err != nil {
		// The body may hold anything, so its hash alone is kept.
		sum := sha256.Sum256(raw)
		r.Door.Reject(ctx, key, r.Source, hex.EncodeToString(sum[:]), nil, err)
		return taken{}, r.Door.ProblemOf(err)
	}
	b := &batch{Receiver: r, key: key, of: of, at: compliance.InstantOf(r.Door.Now())}
	for record := range records {
		b.add(ctx, &record)
		if b.held < r.Bytes {
			continue
		}
		if err := b.send(ctx, lease); err != nil {
			return b.unsent(err)
		}
	}
	if b.records > 0 && b.forbidden == b.records {
		r.Metrics.count(of, b, outcomeRefused)
		return taken{}, r.Door.ProblemOf(b.first)
	}
	if err := b.send(ctx, lease); err != nil {
		return b.unsent(err)
	}
	r.Metrics.count(of, b, outcomeMapped)
	return b.answer(), nil
}

func (b *batch) answer() taken {
	if b.refused == 0 {
		return taken{}
	}
	return taken{int64(b.refused), b.of.field, fmt.Sprintf("%d of %d %s are refused; the first: %v", b.refused, b.records, b.of.noun, b.first)}
}

func (b *batch) unsent(err error) (taken, *door.Problem) {
	b.Metrics.count(b.of, b, outcomeUnsent)
	return taken{}, b.Door.ProblemOf(err)
}

// send sends what is held, which is all of a usual export.
func (b *batch) send(ctx context.Context, lease *intake.Lease) error {
	var records []*kgo.Record
	var types []string
	for _, s := range b.order {
		s.close(b)
		records, types = append(records, s.records...), append(types, s.types...)
		s.records, s.types = nil, nil
	}
	if len(records) == 0 {
		return nil
	}
	err := b.Door.Send(ctx, lease, records, intake.Whole, types)
	if b.begun {
		err = intake.Halfway(err)
	}
	b.begun, b.held = true, 0
	return err
}

// Register adds the paths of OTLP/HTTP.
func (r *Receiver) Register(mux *http.ServeMux) {
	for path, of := range map[string]signal{"/v1/traces": traces(), "/v1/logs": logs()} {
		mux.HandleFunc("POST "+path, r.post(of))
		mux.HandleFunc(path, door.Only(http.MethodPost))
	}
}
