package ledger

import (
	"crypto/sha256"
	"encoding/binary"

	"assay.example/assay/pkg/compliance"
)

// Kind says what a record is. It stands in clear in the leaf.
type Kind byte

// The kinds.
const (
	// KindEvent is a record that decodes as an event.
	KindEvent Kind = 1
	// KindClock is a record that says what time the log has and nothing else.
	// Its leaf has no secrets, so anybody can make it again.
	KindClock Kind = 2
	// KindOther is everything else: records that can't be decoded.
	KindOther Kind = 3
)

// Version is the first byte of a leaf.
const Version = 1

// LeafSize is the length of a leaf's bytes.
const LeafSize = 2 + 8 + 8 + sha256.Size + sha256.Size

// Labels keep the hashes of one thing from being taken for those of another.
const (
	labelKeys  = "assay/leaf/v1/keys"
	labelHead  = "assay/leaf/v1/head"
	labelEvent = "assay/leaf/v1/event"
	labelClock = "assay/leaf/v1/clock"
	labelOther = "assay/leaf/v1/other"
)

// Leaf is a record as the Merkle tree knows it.
type Leaf struct {
	Kind         Kind
	Prev, Offset int64
	// Head commits to the tenant, the attributes and the key.
	Head compliance.Hash
	// Body commits to the value; zero for a clock.
	Body compliance.Hash
}

// Bytes is the leaf's one encoding.
func (l *Leaf) Bytes() []byte {
	b := make([]byte, 0, LeafSize)
	b = append(b, Version, byte(l.Kind))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Prev))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Offset))
	b = append(b, l.Head[:]...)
	return append(b, l.Body[:]...)
}

// Hash is the RFC 6962 leaf hash: SHA-256 of a zero byte and the leaf's bytes.
func (l *Leaf) Hash() compliance.Hash {
	return sha256.Sum256(append([]byte{0}, l.Bytes()...))
}

// Attributes are what an event says about itself, apart from its tenant, key and
// body.
type Attributes struct {
	Source, Type, ID string
	Time, Received   compliance.Instant
	Sequence         uint64
}

// Hash binds the attributes to the key's commitment, which also hides them: it is
// a random number for who doesn't know it.
func (a *Attributes) Hash(key compliance.Hash) compliance.Hash {
	b := label(make([]byte, 0, 256), labelEvent)
	b = text(b, a.Source)
	b = text(b, a.Type)
	b = text(b, a.ID)
	b = number(b, int64(a.Time))
	b = number(b, int64(a.Received))
	b = number(b, int64(a.Sequence))
	return sha256.Sum256(append(b, key[:]...))
}

// Head binds a tenant's tag to the hash of attributes.
func Head(tag, attributes compliance.Hash) compliance.Hash {
	b := label(make([]byte, 0, 128), labelHead)
	b = append(b, tag[:]...)
	return sha256.Sum256(append(b, attributes[:]...))
}

// Event is the leaf of an event whose record has this key. Its Ref holds the
// SHA-256 of the value.
func (k *Keys) Event(at Place, ev *compliance.Event, key []byte) (Leaf, error) {
	keys, err := k.Of(ev.Tenant)
	if err != nil {
		return Leaf{}, err
	}
	attributes := Attributes{
		Source: ev.Source, Type: ev.Type, ID: ev.ID,
		Time: ev.Time, Received: ev.Received, Sequence: ev.Sequence,
	}
	hash := attributes.Hash(Commit(Blind(keys.Key, at), key))
	return keys.seal(KindEvent, at, hash, ev.Ref.SHA256), nil
}

func (keys *TenantKeys) seal(kind Kind, at Place, attributes, value compliance.Hash) Leaf {
	return Leaf{
		Kind: kind, Prev: at.Prev, Offset: at.Offset,
		Head: Head(TenantTag(keys, at), attributes),
		Body: Commit(Blind(keys.Body, at), value[:]),
	}
}

// Clock is the leaf of a clock record.
func Clock(at Place, now compliance.Instant) Leaf {
	b := number(label(nil, labelClock), int64(now))
	return Leaf{Kind: KindClock, Prev: at.Prev, Offset: at.Offset, Head: sha256.Sum256(b)}
}

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Other is the leaf of a record that is neither: its headers as they came, in
// their order, under the operator's keys.
func (k *Keys) Other(at Place, received compliance.Instant, headers []Header, key []byte, value compliance.Hash) (Leaf, error) {
	keys, err := k.Of(Operator)
	if err != nil {
		return Leaf{}, err
	}
	b := number(label(nil, labelOther), int64(received))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	for _, h := range headers {
		b = text(b, h.Key)
		b = text(b, string(h.Value))
	}
	commitment := Commit(Blind(keys.Key, at), key)
	return keys.seal(KindOther, at, sha256.Sum256(append(b, commitment[:]...)), value), nil
}

// label, text and number write a length before whatever can vary in length.
func label(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func number(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }
