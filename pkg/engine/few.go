package engine

import (
	"hash/maphash"
	"iter"
	"slices"
)

// few is a map that stays a list while it has few entries, as the items and events of most
// join keys do: it takes a third of the memory, and is walked faster. Values know their keys.
// The zero value is empty.
type few[K comparable, V keyed[K]] struct {
	list []entry[K, V]
	at   map[K]int // places in list, once that is long
}

type keyed[K comparable] interface{ key() K }

// entry has the hash of its key, so that the values of others needn't be looked at.
type entry[K comparable, V keyed[K]] struct {
	hash  uint64
	value V
}

var fewSeed = maphash.MakeSeed()

// longList is from when on a map finds an entry faster than a walk does.
const longList = 24

// find is the place of a key in the list; -1 if it isn't there.
func (m *few[K, V]) find(key K) int {
	if m.at != nil {
		if i, ok := m.at[key]; ok {
			return i
		}
		return -1
	}
	if len(m.list) == 0 {
		return -1
	}
	hash := maphash.Comparable(fewSeed, key)
	for i := range m.list {
		if m.list[i].hash == hash && m.list[i].value.key() == key {
			return i
		}
	}
	return -1
}

// get is the value at a key, or the zero value.
func (m *few[K, V]) get(key K) V { return m.value(m.find(key)) }

// value is get where find has found the place.
func (m *few[K, V]) value(i int) (v V) {
	if i >= 0 {
		return m.list[i].value
	}
	return v
}

func (m *few[K, V]) set(v V) { m.put(m.find(v.key()), v) }

// put is set where find has found the place.
func (m *few[K, V]) put(i int, v V) {
	if i >= 0 {
		m.list[i].value = v
		return
	}
	m.list = append(m.list, entry[K, V]{maphash.Comparable(fewSeed, v.key()), v})
	switch {
	case m.at != nil:
		m.at[v.key()] = len(m.list) - 1
	case len(m.list) > longList:
		m.at = make(map[K]int, len(m.list))
		for i := range m.list {
			m.at[m.list[i].value.key()] = i
		}
	}
}

// dropIf takes out those that are over, and tells of each when it is no longer looked at.
func (m *few[K, V]) dropIf(over func(V) bool, gone func(V)) {
	for i, e := range slices.Backward(m.list) { // what moves to i was asked already
		if over(e.value) {
			m.dropAt(i, e.value.key())
			gone(e.value)
		}
	}
	if m.at != nil && len(m.list) < longList/2 {
		m.at = nil
	}
}

func (m *few[K, V]) drop(key K) {
	if i := m.find(key); i >= 0 {
		m.dropAt(i, key)
	}
}

func (m *few[K, V]) dropAt(i int, key K) {
	last := len(m.list) - 1
	if m.at != nil {
		delete(m.at, key)
		if i != last {
			m.at[m.list[last].value.key()] = i
		}
	}
	m.list[i] = m.list[last]
	m.list[last] = entry[K, V]{}
	m.list = m.list[:last]
}

// emptied is an empty one in the room of one that is over.
func (m *few[K, V]) emptied() few[K, V] { return few[K, V]{list: roomOf(m.list)} }

func (m *few[K, V]) len() int { return len(m.list) }

// values visits all, in any order; none may be added or dropped meanwhile.
func (m *few[K, V]) values() iter.Seq[V] {
	return func(yield func(V) bool) {
		for i := range m.list {
			if !yield(m.list[i].value) {
				return
			}
		}
	}
}
