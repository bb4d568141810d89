package reads

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/console/internal/access"
)

// Type is the event's, Source its source.
const (
	Type   = "evidence.read"
	Source = "/assay/console"
)

// Recorder writes reads to Kafka. It is safe for concurrent use.
type Recorder struct {
	client *kgo.Client
	topic  string
	kind   *dictionary.Type
	within time.Duration
	now    func() time.Time
}

// Options are a producer's that says yes only when all in-sync replicas have a record.
func Options(within time.Duration) []kgo.Opt {
	return []kgo.Opt{kgo.RequiredAcks(kgo.AllISRAcks()), kgo.RecordDeliveryTimeout(within), kgo.MaxBufferedRecords(10_000)}
}

// New takes a client made with Options, which stays the caller's to close, and the full
// name of the topic.
func New(client *kgo.Client, topic string, types *dictionary.Dictionary, within time.Duration, now func() time.Time) (*Recorder, error) {
	kind, ok := types.Type(Type)
	if !ok {
		return nil, compliance.Errorf(compliance.Internal, "the dictionary has no type %s", Type)
	}
	return &Recorder{client: client, topic: topic, kind: kind, within: within, now: now}, nil
}

// Record returns nil once Kafka has the read, and only then.
func (r *Recorder) Record(ctx context.Context, v access.Viewer, read Read) error {
	rec, err := r.encode(v, read)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	done := make(chan error, 1)
	r.client.Produce(ctx, rec, func(_ *kgo.Record, err error) { done <- err })
	select {
	case err = <-done:
	case <-ctx.Done(): // the record may be under way, which its client can't know
		err = ctx.Err()
	}
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "recording the read of an auditor: %w", err)
	}
	return nil
}

func (r *Recorder) encode(v access.Viewer, read Read) (*kgo.Record, error) {
	raw, err := encoded(read)
	if err != nil {
		return nil, err
	}
	data, err := r.kind.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("checking the read of an auditor: %w", err)
	}
	ev := &compliance.Event{Tenant: v.Tenant, Source: Source, ID: rand.Text(), Type: Type, Time: compliance.InstantOf(r.now())}
	rec := record.EncodeEvent(ev, r.kind.Key(data, Source), raw)
	rec.Topic = r.topic
	return rec, nil
}

func encoded(read Read) ([]byte, error) {
	raw, err := json.Marshal(read)
	if err != nil {
		return nil, fmt.Errorf("encoding the read of an auditor: %w", err)
	}
	return raw, nil
}
