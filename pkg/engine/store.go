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
	// keep takes a group, and tells it its shelf.
	keep(*group)
	drop(groupKey)
	// ofTenant visits a tenant's groups, in any order.
	ofTenant(tenant string) iter.Seq[*group]
}

// endedStore holds a word for each item whose state has ended.
type endedStore interface {
	// shelf is where the words of a join key stand; noShelf if there are none.
	shelf(groupKey) shelf
	// ended is what was last said of an item whose state has ended; nil if it
	// hasn't. An id stays taken.
	ended(at shelf, id string) *published
	// end keeps a word, and tells where, if that isn't known.
	end(shelf, itemKey, *published) shelf
	// everyEnded visits them all, in any order; end may be called meanwhile for those visited.
	everyEnded() iter.Seq2[itemKey, *published]
}

// memory is a store in the heap. A join key is looked up with every event, most often of the
// control of the event before: so each control of a tenant has a map of its own.
type memory struct {
	lanes map[laneKey]*lane
	last  *lane // that was asked for
	endedItems
}

type laneKey struct{ tenant, control string }

type lane struct {
	laneKey
	spots map[string]spot
}

// spot is what there is at a join key.
type spot struct {
	group *group
	shelf shelf
}

func newMemory() *memory {
	return &memory{lanes: map[laneKey]*lane{}, endedItems: newEndedItems()}
}

func (m *memory) lane(k groupKey) *lane {
	if l := m.last; l != nil && l.tenant == k.tenant && l.control == k.control {
		return l
	}
	at := laneKey{k.tenant, k.control}
	l := m.lanes[at]
	if l == nil {
		l = &lane{laneKey: at, spots: map[string]spot{}}
		m.lanes[at] = l
	}
	m.last = l
	return l
}

func (m *memory) group(k groupKey) *group { return m.lane(k).spots[k.key].group }
func (m *memory) shelf(k groupKey) shelf  { return m.lane(k).spots[k.key].shelf }

func (m *memory) keep(g *group) {
	l := m.lane(g.key)
	g.shelf = l.spots[g.key.key].shelf
	l.spots[g.key.key] = spot{g, g.shelf}
}

func (m *memory) drop(k groupKey) {
	l := m.lane(k)
	if at := l.spots[k.key].shelf; at != noShelf {
		l.spots[k.key] = spot{shelf: at}
		return
	}
	delete(l.spots, k.key)
}

func (m *memory) ofTenant(tenant string) iter.Seq[*group] {
	return func(yield func(*group) bool) {
		for k, l := range m.lanes {
			if k.tenant != tenant {
				continue
			}
			for _, s := range l.spots {
				if s.group != nil && !yield(s.group) {
					return
				}
			}
		}
	}
}

func (m *memory) end(at shelf, k itemKey, last *published) shelf {
	if at == noShelf {
		spots := m.lane(k.groupKey).spots
		s := spots[k.key]
		if s.shelf == noShelf {
			s.shelf = m.newShelf(k.groupKey)
			spots[k.key] = s
		}
		at = s.shelf
	}
	m.put(at, k.id, last)
	return at
}
