package engine

import "iter"

// store holds what a partition knows between events. The engine calls it from one
// goroutine, and reads and changes the groups that it hands out in place; it calls
// keep after it has made one, and drop when its state has ended. A store on disk
// gets every change of a group as the Changes that go to the changelog too, so it
// can be filled and refilled by the same records.
type store interface {
	groupStore
	endedStore
}

// groupStore holds what is at the join keys.
type groupStore interface {
	// group is the state at a join key; nil if there is none.
	group(groupKey) *group
	keep(*group)
	drop(groupKey)
	// ofTenant visits a tenant's groups, in any order.
	ofTenant(tenant string) iter.Seq[*group]
}

// endedStore holds a word for each item whose state has ended.
type endedStore interface {
	// ended is what was last said of an item whose state has ended; nil if it
	// hasn't. An id stays taken.
	ended(itemKey) *published
	end(itemKey, *published)
	// everyEnded visits them all, in any order; end may be called meanwhile for those visited.
	everyEnded() iter.Seq2[itemKey, *published]
}

// memory is a store in the heap.
type memory struct {
	groups map[groupKey]*group
	endedItems
}

func newMemory() *memory {
	return &memory{groups: map[groupKey]*group{}, endedItems: newEndedItems()}
}

func (m *memory) group(k groupKey) *group { return m.groups[k] }
func (m *memory) keep(g *group)           { m.groups[g.key] = g }
func (m *memory) drop(k groupKey)         { delete(m.groups, k) }

func (m *memory) ofTenant(tenant string) iter.Seq[*group] {
	return func(yield func(*group) bool) {
		for k, g := range m.groups {
			if k.tenant == tenant && !yield(g) {
				return
			}
		}
	}
}
