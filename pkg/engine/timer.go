package engine

import (
	"container/heap"

	"assay.example/assay/pkg/compliance"
)

// timers hold the items by when they have to be looked at again. Every item has
// at most one timer.
type timers struct{ byWake []*item }

// set moves the item's timer to wake; Never takes it out.
func (t *timers) set(it *item, wake compliance.Instant) {
	it.wake = wake
	queued := it.queued > 0
	switch {
	case wake == compliance.Never && queued:
		heap.Remove((*timerHeap)(t), it.queued-1)
	case wake == compliance.Never:
	case queued:
		heap.Fix((*timerHeap)(t), it.queued-1)
	default:
		heap.Push((*timerHeap)(t), it)
	}
}

// popBefore visits, and takes out, the items whose time the watermark has passed.
func (t *timers) popBefore(w compliance.Instant, visit func(*item)) {
	for len(t.byWake) > 0 && t.byWake[0].wake < w {
		visit(heap.Pop((*timerHeap)(t)).(*item)) //nolint:errcheck,forcetypeassert // the heap holds items
	}
}

// timerHeap implements container/heap; item.queued is its place plus 1.
type timerHeap timers

func (h *timerHeap) Len() int           { return len(h.byWake) }
func (h *timerHeap) Less(i, j int) bool { return h.byWake[i].wake < h.byWake[j].wake }

func (h *timerHeap) Swap(i, j int) {
	h.byWake[i], h.byWake[j] = h.byWake[j], h.byWake[i]
	h.byWake[i].queued, h.byWake[j].queued = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	it := x.(*item) //nolint:errcheck,forcetypeassert // the heap holds items
	h.byWake = append(h.byWake, it)
	it.queued = len(h.byWake)
}

func (h *timerHeap) Pop() any {
	last := len(h.byWake) - 1
	it := h.byWake[last]
	h.byWake = h.byWake[:last]
	it.queued = 0
	return it
}

// endings hold the groups by when their state may end, as a heap. Every group has one at
// most, and none is moved or taken out before its time.
type endings struct{ byTime []ending }

type ending struct {
	at compliance.Instant
	g  *group
}

func (t *endings) add(g *group, at compliance.Instant) {
	t.byTime = append(t.byTime, ending{at, g})
	for i := len(t.byTime) - 1; i > 0; {
		parent := (i - 1) / 2
		if t.byTime[parent].at <= t.byTime[i].at {
			return
		}
		t.byTime[i], t.byTime[parent] = t.byTime[parent], t.byTime[i]
		i = parent
	}
}

func (t *endings) popBefore(w compliance.Instant, visit func(*group)) {
	for len(t.byTime) > 0 && t.byTime[0].at < w {
		visit(t.pop())
	}
}

func (t *endings) pop() *group {
	first, last := t.byTime[0].g, len(t.byTime)-1
	t.byTime[0], t.byTime[last] = t.byTime[last], ending{}
	t.byTime = t.byTime[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if t.byTime[child].at < t.byTime[least].at {
				least = child
			}
		}
		if least == i {
			return first
		}
		t.byTime[i], t.byTime[least] = t.byTime[least], t.byTime[i]
		i = least
	}
}
