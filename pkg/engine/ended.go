package engine

import (
	"encoding/binary"
	"hash/maphash"
	"iter"

	"assay.example/assay/pkg/compliance"
)

// endedItems are the words that stay of items, for ever: so each is packed into a few bytes,
// a fifth of what it says, which stand in large pieces that the garbage collector needn't
// look into, and is found by the hash of its shelf and id. It is no format: nobody else reads
// it, and the changelog has its own.
type endedItems struct {
	index index
	seed  maphash.Seed
	keys  []groupKey // by shelf
	words words
	names names
}

// shelf is the number of a join key that has words.
type shelf uint32

const noShelf shelf = 0

func newEndedItems() endedItems {
	return endedItems{seed: maphash.MakeSeed(), keys: make([]groupKey, 1), names: names{places: map[string]uint64{}}}
}

func (m *endedItems) newShelf(k groupKey) shelf {
	m.keys = append(m.keys, k)
	return shelf(len(m.keys) - 1)
}

// find is the slot of an item's word; if it has none, an empty one, or nil.
func (m *endedItems) find(at shelf, id string) (hash uint64, s *slot) {
	hash = maphash.String(m.seed, id) + uint64(at)*0x9e3779b97f4a7c15
	return hash, m.index.find(hash, func(word wordAt) bool {
		r := m.words.read(word)
		return shelf(r.count()) == at && r.is(id)
	})
}

func (m *endedItems) ended(at shelf, id string) *published {
	if at == noShelf {
		return nil
	}
	_, s := m.find(at, id)
	if s == nil || s.word == 0 {
		return nil
	}
	_, p := m.unpack(s.word)
	return p
}

// put has a word of an item in the place of the one before.
func (m *endedItems) put(at shelf, id string, last *published) {
	var room [512]byte
	b := binary.AppendUvarint(room[:0], uint64(at))
	word := m.words.add(m.names.pack(appendText(b, id), id, last))
	hash, s := m.find(at, id)
	if s == nil || s.word == 0 {
		m.index.add(hash, word)
		return
	}
	m.words.waste += len(m.words.bytes(s.word))
	if s.word = word; m.words.wasteful() {
		m.tidy()
	}
}

// tidy leaves out the words that others took the place of.
func (m *endedItems) tidy() {
	var kept words
	for s := range m.index.all() {
		s.word = kept.add(m.words.bytes(s.word))
	}
	m.words = kept
}

func (m *endedItems) everyEnded() iter.Seq2[itemKey, *published] {
	return func(yield func(itemKey, *published) bool) {
		for s := range m.index.all() {
			if k, p := m.unpack(s.word); !yield(k, p) {
				return
			}
		}
	}
}

// names are the texts that many verdicts have in common: sources, types, topics, outcomes.
// A packed word has their places.
type names struct {
	places map[string]uint64
	list   []string
	near   [16]named
}

type named struct {
	name  string
	place uint64
	known bool
}

// place is the i-th name of a word. Words have much in common: what stood there in the word
// before is asked first.
func (n *names) place(i int, name string) uint64 {
	near := &n.near[i%len(n.near)]
	if near.known && near.name == name {
		return near.place
	}
	place, known := n.places[name]
	if !known {
		place = uint64(len(n.list))
		n.places[name], n.list = place, append(n.list, name)
	}
	*near = named{name, place, true}
	return place
}

// pack adds what was said of the item of an id.
func (n *names) pack(b []byte, id string, p *published) []byte {
	v := &p.Verdict
	b = binary.AppendUvarint(b, uint64(p.Revision))
	b = appendBool(b, p.Free)
	if b = appendBool(b, v.Item.ID != id); v.Item.ID != id {
		b = appendText(b, v.Item.ID)
	}
	for _, number := range [...]compliance.Instant{v.Item.Time, v.Due, v.RemediatedAt} {
		b = binary.AppendVarint(b, int64(number))
	}
	b = binary.AppendUvarint(b, n.place(0, string(v.Outcome)))
	b = binary.AppendUvarint(b, n.place(1, v.Reason))
	b = binary.AppendUvarint(b, uint64(len(v.Evidence)))
	for i := range v.Evidence {
		e := &v.Evidence[i]
		for j, name := range [...]string{e.Expectation, e.Source, e.Type, e.Topic} {
			b = binary.AppendUvarint(b, n.place(2+4*i+j, name))
		}
		b = appendText(b, e.ID)
		for _, number := range [...]int64{int64(e.Time), int64(e.Partition), e.Offset} {
			b = binary.AppendVarint(b, number)
		}
		b = append(b, e.SHA256[:]...)
	}
	return b
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendBool(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}

func (m *endedItems) unpack(word wordAt) (itemKey, *published) {
	r := unpacking{rest: m.words.bytes(word), names: &m.names}
	k := itemKey{m.keys[r.count()], r.text()}
	p := &published{Revision: int(r.count()), Free: r.bool()}
	v := &p.Verdict
	if v.Item.ID = k.id; r.bool() {
		v.Item.ID = r.text()
	}
	v.Item.Time, v.Due, v.RemediatedAt = compliance.Instant(r.number()), compliance.Instant(r.number()), compliance.Instant(r.number())
	v.Outcome, v.Reason = compliance.Outcome(r.name()), r.name()
	if count := r.count(); count > 0 {
		v.Evidence = make([]compliance.Evidence, count)
	}
	for i := range v.Evidence {
		e := &v.Evidence[i]
		e.Expectation, e.Source, e.Type, e.Topic, e.ID = r.name(), r.name(), r.name(), r.name(), r.text()
		e.Time, e.Partition, e.Offset = compliance.Instant(r.number()), int32(r.number()), r.number()
		copy(e.SHA256[:], r.take(len(e.SHA256)))
	}
	return k, p
}

// unpacking reads what pack wrote, in its order.
type unpacking struct {
	rest  []byte
	names *names
}

func (r *unpacking) take(n int) []byte {
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *unpacking) count() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.rest = r.rest[size:]
	return n
}

func (r *unpacking) number() int64 {
	n, size := binary.Varint(r.rest)
	r.rest = r.rest[size:]
	return n
}

func (r *unpacking) bool() bool { return r.take(1)[0] == 1 }

func (r *unpacking) name() string { return r.names.list[r.count()] }

func (r *unpacking) text() string { return string(r.take(int(r.count()))) }

func (r *unpacking) is(text string) bool { return string(r.take(int(r.count()))) == text }
