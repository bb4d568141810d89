package engine

import "iter"

// index finds words by a hash. It is a table with open addresses: a look takes one line of
// memory for the most part, where a map takes three, and there is one for each item that opens
// and each that ends. None is ever taken out. It has parts that grow by themselves, so that
// nobody waits for all of it to be copied.
type index struct{ parts [indexParts]indexPart }

const indexParts = 64

type indexPart struct {
	slots []slot // a power of two
	used  int
}

// slot is empty if its word is 0, as pieces of words are numbered from 1.
type slot struct {
	hash uint64
	word wordAt
}

// find is the slot of the word of a hash that is the one wanted; if there is none, an empty
// one, or nil.
func (x *index) find(hash uint64, wanted func(wordAt) bool) *slot {
	p := &x.parts[hash%indexParts]
	for i := hash / indexParts; len(p.slots) > 0; i++ {
		s := &p.slots[i&uint64(len(p.slots)-1)]
		if s.word == 0 || s.hash == hash && wanted(s.word) {
			return s
		}
	}
	return nil
}

// add has a word where there is none of its key yet.
func (x *index) add(hash uint64, word wordAt) {
	p := &x.parts[hash%indexParts]
	if p.used >= len(p.slots)/4*3 {
		before := p.slots
		p.slots = make([]slot, max(4, 2*len(before)))
		for _, s := range before {
			if s.word != 0 {
				p.put(s)
			}
		}
	}
	p.put(slot{hash, word})
	p.used++
}

func (p *indexPart) put(s slot) {
	i := s.hash / indexParts
	for p.slots[i&uint64(len(p.slots)-1)].word != 0 {
		i++
	}
	p.slots[i&uint64(len(p.slots)-1)] = s
}

// all visits the slots that have words; their words may be set meanwhile.
func (x *index) all() iter.Seq[*slot] {
	return func(yield func(*slot) bool) {
		for i := range x.parts {
			slots := x.parts[i].slots
			for j := range slots {
				if slots[j].word != 0 && !yield(&slots[j]) {
					return
				}
			}
		}
	}
}
