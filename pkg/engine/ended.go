package engine

import (
	"encoding/binary"
	"iter"

	"assay.example/assay/pkg/compliance"
)

// endedItems are the words that stay of items, for ever: so each is packed into one text,
// which takes a fifth of what it says, and which the garbage collector needn't look into.
// It is no format: nobody else reads it, and the changelog has its own.
type endedItems struct {
	byKey map[groupKey]*few[string, string]
	names names
}

func newEndedItems() endedItems {
	return endedItems{byKey: map[groupKey]*few[string, string]{}, names: names{places: map[string]uint64{}}}
}

func (m *endedItems) ended(k itemKey) *published {
	at := m.byKey[k.groupKey]
	if at == nil {
		return nil
	}
	word := at.get(k.id)
	if word == "" {
		return nil
	}
	return m.names.unpack(word)
}

func (m *endedItems) end(k itemKey, last *published) {
	at := m.byKey[k.groupKey]
	if at == nil {
		at = &few[string, string]{}
		m.byKey[k.groupKey] = at
	}
	at.set(k.id, m.names.pack(last))
}

func (m *endedItems) everyEnded() iter.Seq2[itemKey, *published] {
	return func(yield func(itemKey, *published) bool) {
		for k, at := range m.byKey {
			for i := range at.list {
				if !yield(itemKey{k, at.list[i].key}, m.names.unpack(at.list[i].value)) {
					return
				}
			}
		}
	}
}

// names are the texts that many verdicts have in common: sources, types, topics, outcomes.
// A packed word has their places.
type names struct {
	places map[string]uint64
	list   []string
}

func (n *names) place(name string) uint64 {
	i, known := n.places[name]
	if !known {
		i = uint64(len(n.list))
		n.places[name], n.list = i, append(n.list, name)
	}
	return i
}

func (n *names) pack(p *published) string {
	var room [512]byte
	b, v := room[:0], &p.Verdict
	b = binary.AppendUvarint(b, uint64(p.Revision))
	b = append(b, 0)
	if p.Free {
		b[len(b)-1] = 1
	}
	b = appendText(b, v.Item.ID)
	for _, number := range []compliance.Instant{v.Item.Time, v.Due, v.RemediatedAt} {
		b = binary.AppendVarint(b, int64(number))
	}
	for _, name := range []string{string(v.Outcome), v.Reason} {
		b = binary.AppendUvarint(b, n.place(name))
	}
	b = binary.AppendUvarint(b, uint64(len(v.Evidence)))
	for i := range v.Evidence {
		e := &v.Evidence[i]
		for _, name := range []string{e.Expectation, e.Source, e.Type, e.Topic} {
			b = binary.AppendUvarint(b, n.place(name))
		}
		b = appendText(b, e.ID)
		for _, number := range []int64{int64(e.Time), int64(e.Partition), e.Offset} {
			b = binary.AppendVarint(b, number)
		}
		b = append(b, e.SHA256[:]...)
	}
	return string(b)
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func (n *names) unpack(word string) *published {
	r := unpacking{rest: word, names: n}
	p := &published{Revision: int(r.count()), Free: r.take(1) == "\x01"}
	v := &p.Verdict
	v.Item.ID = r.text()
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
	return p
}

// unpacking reads what pack wrote, in its order.
type unpacking struct {
	rest  string
	names *names
}

func (r *unpacking) take(n int) string {
	part := r.rest[:n]
	r.rest = r.rest[n:]
	return part
}

func (r *unpacking) count() uint64 {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	r.rest = r.rest[size:]
	return n
}

func (r *unpacking) number() int64 {
	n, size := binary.Varint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	r.rest = r.rest[size:]
	return n
}

func (r *unpacking) name() string { return r.names.list[r.count()] }

func (r *unpacking) text() string { return r.take(int(r.count())) }
