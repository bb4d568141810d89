package engine

import (
	"iter"
	"slices"
)

// few is a map that stays a list while it has few entries, as the items and events of most
// join keys do: it takes a third of the memory, and is walked faster. The zero value is empty.
type few[K comparable, V any] struct {
	list []entry[K, V]
	at   map[K]int // places in list, once that is long
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// longList is from when on a map finds an entry faster than a walk does.
const longList = 12

func (m *few[K, V]) find(key K) int {
	if m.at != nil {
		if i, ok := m.at[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.list {
		if m.list[i].key == key {
			return i
		}
	}
	return -1
}

// get is the value at a key, or the zero value.
func (m *few[K, V]) get(key K) (v V) {
	if i := m.find(key); i >= 0 {
		return m.list[i].value
	}
	return v
}

func (m *few[K, V]) set(key K, v V) {
	if i := m.find(key); i >= 0 {
		m.list[i].value = v
		return
	}
	m.list = append(m.list, entry[K, V]{key, v})
	switch {
	case m.at != nil:
		m.at[key] = len(m.list) - 1
	case len(m.list) > longList:
		m.at = make(map[K]int, len(m.list))
		for i := range m.list {
			m.at[m.list[i].key] = i
		}
	}
}

// dropIf takes out those that are over.
func (m *few[K, V]) dropIf(over func(K, V) bool) {
	for i, e := range slices.Backward(m.list) { // what moves to i was asked already
		if over(e.key, e.value) {
			m.dropAt(i)
		}
	}
	if m.at != nil && len(m.list) < longList/2 {
		m.at = nil
	}
}

func (m *few[K, V]) drop(key K) {
	if i := m.find(key); i >= 0 {
		m.dropAt(i)
	}
}

func (m *few[K, V]) dropAt(i int) {
	last := len(m.list) - 1
	if m.at != nil {
		delete(m.at, m.list[i].key)
		if i != last {
			m.at[m.list[last].key] = i
		}
	}
	m.list[i] = m.list[last]
	m.list[last] = entry[K, V]{}
	m.list = m.list[:last]
}

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
