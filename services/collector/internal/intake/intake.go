// Package intake hands records to Kafka and says when Kafka has them.
//
// It holds a bounded number of bytes. Records that Kafka doesn't take in time are
// given up where the protocol allows it; one whose fate is unknown stays in the
// producer, and in the budget, until its fate is known.
package intake

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/stream"
)

// RecordOverhead is what a record costs beside its value: the structs, headers
// and key, here and in the client.
const RecordOverhead = 1 << 10

// Options are a producer's that loses and repeats nothing by itself: acks from
// all in-sync replicas, idempotent. The budget bounds memory, so the client's own
// bound is out of the way. It doesn't wait for more to come: what arrives while a
// batch is on its way makes the next one, and a sender who waits for its answer sends
// nothing meanwhile. A millisecond of waiting cost a quarter of the rate of webhooks.
func Options(ackTimeout time.Duration, budget *Budget) []kgo.Opt {
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(stream.MaxMessageBytes),
		kgo.RecordDeliveryTimeout(ackTimeout),
		kgo.MaxBufferedRecords(int(budget.limit/RecordOverhead) + 1),
	}
}

// Intake produces records. It is safe for concurrent use.
type Intake struct {
	client  *kgo.Client
	timeout time.Duration
	health  health
}

// New takes a client made with Options; it stays the caller's to close. ready
// hears when Kafka stops and starts to take records.
func New(client *kgo.Client, ackTimeout time.Duration, ready func(error)) *Intake {
	return &Intake{client: client, timeout: ackTimeout, health: health{tell: ready}}
}

// Size is what a record takes of the budget, beside what its lease holds already.
type Size func(*kgo.Record) int64

// Overhead is the size of a record whose value is a part of what the lease holds.
func Overhead(*kgo.Record) int64 { return RecordOverhead }

// Whole is the size of a record with a value of its own.
func Whole(r *kgo.Record) int64 { return int64(len(r.Value)) + RecordOverhead }

// portions is how many parts of the budget there are for one request's records: more
// than one part of them goes to Kafka one after the other. So the records of one
// request, however many they are, never need more room than there is.
const portions = 8

// Send returns nil once Kafka has acknowledged all records, and only then. Any
// error leaves open whether some of them are, or will be, in the log; sending
// them again is safe, since readers know an event by its id. Only if IsFull holds for
// the error none of them is.
//
// Send takes room for the records, and holds the lease with it until Kafka has
// answered for each of them, which may be after it returned.
func (i *Intake) Send(ctx context.Context, lease *Lease, records []*kgo.Record, size Size) error {
	wait, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	for begun := false; len(records) > 0; begun = true {
		n, bytes := portion(records, size, lease.budget.limit/portions)
		part := lease.part()
		err := part.Grow(bytes)
		switch {
		case err == nil:
			err = i.send(ctx, wait, part, records[:n])
		case begun:
			err = Halfway(err)
		}
		part.Release()
		if err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

// portion is how many records go at once, one at least, and what they take.
func portion(records []*kgo.Record, size Size, most int64) (n int, bytes int64) {
	for _, r := range records {
		more := size(r)
		if n > 0 && bytes+more > most {
			break
		}
		n, bytes = n+1, bytes+more
	}
	return n, bytes
}

// send waits for Kafka until wait ends.
func (i *Intake) send(ctx, wait context.Context, lease *Lease, records []*kgo.Record) error {
	select {
	case err := <-i.produce(ctx, lease, records):
		i.health.note(err)
		return explain(err)
	case <-wait.Done():
		if ctx.Err() == nil {
			i.health.note(wait.Err())
		}
		return explain(wait.Err())
	}
}

// Offer sends a record without waiting; lost is called if Kafka didn't take it.
// The record must be in the lease already.
func (i *Intake) Offer(ctx context.Context, lease *Lease, r *kgo.Record, lost func()) {
	lease.Hold()
	i.client.TryProduce(context.WithoutCancel(ctx), r, func(_ *kgo.Record, err error) {
		lease.Release()
		if err != nil {
			lost()
		}
	})
}

// produce gives the first error, or nil, once all records are answered for. A
// sender that hangs up cancels nothing: half a batch would be worse than all.
func (i *Intake) produce(ctx context.Context, lease *Lease, records []*kgo.Record) <-chan error {
	ctx = context.WithoutCancel(ctx)
	done := make(chan error, 1)
	var first error
	var once sync.Once
	var left atomic.Int64
	left.Store(int64(len(records)))
	lease.Hold()
	answered := func(_ *kgo.Record, err error) {
		if err != nil {
			once.Do(func() { first = err })
		}
		if left.Add(-1) == 0 {
			lease.Release()
			done <- first
		}
	}
	now := time.Now() // once: the client would ask for each
	for _, r := range records {
		r.Timestamp = now
		i.client.TryProduce(ctx, r, answered)
	}
	return done
}

// explain is for the sender: the cause, which may name brokers, is in Unwrap only.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge):
		return &compliance.Error{Code: compliance.TooLarge, Err: err, Text: "Kafka refuses a record of this size, " +
			"though other events of the request may be in the log; send less, or have max.message.bytes of the events' topics raised"}
	case errors.Is(err, kgo.ErrMaxBuffered):
		return errFull
	default:
		return &compliance.Error{Code: compliance.Unavailable, Err: err, Text: "Kafka has not acknowledged the events in time; " +
			"they may still arrive, and sending them again with the same ids is safe"}
	}
}

// health passes on changes only, so that it can be asked at each request.
type health struct {
	tell func(error)
	mu   sync.Mutex
	bad  bool
}

// note tells a change. A record that is too large says nothing about Kafka.
func (h *health) note(err error) {
	if errors.Is(err, kerr.MessageTooLarge) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if bad := err != nil; bad != h.bad {
		h.bad = bad
		h.tell(err)
	}
}
