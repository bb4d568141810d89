package intake

import (
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"assay.example/assay/pkg/compliance"
)

// errFull is what a sender is told to retry later for.
var errFull = compliance.Errorf(compliance.Unavailable,
	"too many bytes wait for Kafka; send the same events again later, with the same ids")

// errHalf is errFull when some of a request's records are in the log already: who is
// told 429 may rely on none of them being there.
var errHalf = compliance.Errorf(compliance.Unavailable,
	"too many bytes wait for Kafka, which has a part of the events; send all of them again later, with the same ids")

// Halfway is err for a request of which Kafka has a part already.
func Halfway(err error) error {
	if IsFull(err) {
		return errHalf
	}
	return err
}

// IsFull says whether err is because of the budget.
func IsFull(err error) bool { return err == errFull } //nolint:errorlint // the very value

// Budget bounds the bytes that the process holds for events, from the first byte
// read until Kafka has answered for the last. It never blocks. It is safe for
// concurrent use.
type Budget struct {
	limit int64
	used  *semaphore.Weighted
	gauge func(delta float64)
}

// NewBudget allows limit bytes; gauge hears of each change and may be nil.
func NewBudget(limit int64, gauge func(delta float64)) *Budget {
	if gauge == nil {
		gauge = func(float64) {}
	}
	return &Budget{limit: limit, used: semaphore.NewWeighted(limit), gauge: gauge}
}

// Lease is a share of the budget that several holders give back together. Grow
// is for one goroutine; Hold and Release are for any.
type Lease struct {
	budget  *Budget
	parent  *Lease // kept until this one is given back; nil for most
	bytes   atomic.Int64
	holders atomic.Int32
}

// Lease begins a share of no bytes, with one holder.
func (b *Budget) Lease() *Lease {
	l := &Lease{budget: b}
	l.holders.Store(1)
	return l
}

// Grow adds n bytes, or says that there are none left.
func (l *Lease) Grow(n int64) error {
	if !l.budget.used.TryAcquire(n) {
		return errFull
	}
	l.bytes.Add(n)
	l.budget.gauge(float64(n))
	return nil
}

// part begins a share that keeps l as long as it is held itself.
func (l *Lease) part() *Lease {
	l.Hold()
	p := l.budget.Lease()
	p.parent = l
	return p
}

// Hold adds a holder.
func (l *Lease) Hold() { l.holders.Add(1) }

// Release takes a holder away; the last one gives the bytes back.
func (l *Lease) Release() {
	if l.holders.Add(-1) > 0 {
		return
	}
	n := l.bytes.Swap(0)
	// In this order, so that the gauge never shows more than the limit.
	l.budget.gauge(-float64(n))
	l.budget.used.Release(n)
	if l.parent != nil {
		l.parent.Release()
	}
}
