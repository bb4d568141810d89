package intake

import (
	"slices"
	"sync"
)

// tracker knows which records of a partition are finished, so that only what
// stands below the first unfinished one is committed.
type tracker struct {
	mu       sync.Mutex
	pending  []int64 // in the order of the log
	finished map[int64]bool
	next     int64 // after the last record begun
}

func newTracker(next int64) *tracker { return &tracker{next: next, finished: map[int64]bool{}} }

// begin must be called in the order of the log.
func (t *tracker) begin(offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, offset)
	t.next = offset + 1
}

func (t *tracker) finish(offset int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished[offset] = true
	n := 0
	for n < len(t.pending) && t.finished[t.pending[n]] {
		delete(t.finished, t.pending[n])
		n++
	}
	t.pending = slices.Delete(t.pending, 0, n)
}

// low is the offset to commit.
func (t *tracker) low() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) > 0 {
		return t.pending[0]
	}
	return t.next
}
