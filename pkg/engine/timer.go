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

// endings hold the groups by when their state may end. Every group has one at most.
type endings struct{ byTime []*group }

func (t *endings) add(g *group, at compliance.Instant) {
	g.endsAt = at
	heap.Push((*endingHeap)(t), g)
}

func (t *endings) popBefore(w compliance.Instant, visit func(*group)) {
	for len(t.byTime) > 0 && t.byTime[0].endsAt < w {
		visit(heap.Pop((*endingHeap)(t)).(*group)) //nolint:errcheck,forcetypeassert // the heap holds groups
	}
}

type endingHeap endings

func (h *endingHeap) Len() int           { return len(h.byTime) }
func (h *endingHeap) Less(i, j int) bool { return h.byTime[i].endsAt < h.byTime[j].endsAt }
func (h *endingHeap) Swap(i, j int)      { h.byTime[i], h.byTime[j] = h.byTime[j], h.byTime[i] }
func (h *endingHeap) Push(x any)         { h.byTime = append(h.byTime, x.(*group)) } //nolint:errcheck,forcetypeassert // as above

func (h *endingHeap) Pop() any {
	last := len(h.byTime) - 1
	g := h.byTime[last]
	h.byTime[last] = nil
	h.byTime = h.byTime[:last]
	return g
}
