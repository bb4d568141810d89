package dictionary

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Check says whether Decode would take raw, and gives the Kafka key of such an event.
// Who needs no more than that is spared the values: making them was a third of what
// an event costs on its way in.
func (t *Type) Check(raw []byte, source string) (key string, err error) {
	if key, ok := t.glance(raw); ok {
		if t.KeyField == SourceKey {
			key = source
		}
		return key, nil
	}
	data, err := t.Decode(raw)
	if err != nil {
		return "", err
	}
	return t.Key(data, source), nil
}

// glance says whether raw surely fits. Where it says no, Decode has the word; the
// fuzz test holds the two together.
func (t *Type) glance(raw []byte) (key string, ok bool) {
	if !t.plain || len(raw) > MaxBytes {
		return "", false
	}
	in := read(raw)
	defer in.end()
	g := glancer{decoder: decoder{in: &in.Decoder, limits: Limits{MaxBytes, MaxDepth, MaxKeys}}, keyField: t.Fields[t.KeyField]}
	ok = in.PeekKind() == '{' && g.object(t.root) && g.end() == nil
	return g.key, ok
}

// bits are those of a set of an object's members.
const bits = 64

// glancer reads as decoder does, and keeps one value.
type glancer struct {
	decoder
	keyField *Field
	key      string
}

func (g *glancer) object(f *Field) bool {
	if _, err := g.in.ReadToken(); err != nil || g.enter() != nil || len(f.Fields) > bits {
		return false
	}
	var seen uint64
	var others undeclared
	for g.in.PeekKind() != '}' {
		name, ok := g.bare()
		if !ok || g.count() != nil {
			return false
		}
		member, declared := f.Fields[string(name)]
		if !declared {
			if !others.add(name) || !g.skip() {
				return false
			}
			continue
		}
		if seen&member.bit != 0 || !g.member(member) {
			return false
		}
		seen |= member.bit
	}
	return seen&f.needs == f.needs && g.leave() == nil
}

func (g *glancer) member(f *Field) bool {
	switch kind := g.in.PeekKind(); {
	case kind == '"' && f.Kind == String:
		return g.text(f)
	case kind == '{' && f.Kind == Map:
		return g.object(f)
	default:
		v, err := g.value(f)
		return err == nil && f.fits(v)
	}
}

func (g *glancer) text(f *Field) bool {
	s, ok := g.bare()
	if !ok || !f.fitsText(s) {
		return false
	}
	if f == g.keyField {
		g.key = string(s)
	}
	return true
}

// skip passes over the value of an undeclared member.
func (g *glancer) skip() bool {
	_, err := g.value(nil)
	return err == nil
}

// bare is the next string, if it is one without escapes. It is good until the next read.
func (g *glancer) bare() ([]byte, bool) {
	quoted, err := g.in.ReadValue()
	if err != nil || quoted.Kind() != '"' || bytes.IndexByte(quoted, '\\') >= 0 {
		return nil, false
	}
	return quoted[1 : len(quoted)-1], true
}

// undeclared are the names in an object that its schema doesn't know, to find one that
// stands twice.
type undeclared struct {
	names [8]string
	n     int
}

// add is false for a name that stands twice, and if there are too many to tell.
func (u *undeclared) add(name []byte) bool {
	if u.n == len(u.names) || slices.Contains(u.names[:u.n], string(name)) {
		return false
	}
	u.names[u.n] = string(name)
	u.n++
	return true
}

// fitsText is fitsString without a string of its own.
func (f *Field) fitsText(v []byte) bool {
	if f.anyEnum {
		return slices.Contains(f.Enum, string(v))
	}
	return f.fitsLength(utf8.RuneCount(v))
}
