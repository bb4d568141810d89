package dictionary

import (
	"bytes"
	"slices"
	"strconv"
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
	g := glancer{rest: raw, keyField: t.Fields[t.KeyField]}
	ok = g.peek() == '{' && g.object(t.root) && g.peek() == 0 && len(g.rest) == 0
	return string(g.key), ok
}

// bits are those of a set of an object's members.
const bits = 64

// digits of a whole number that a float64 holds exactly, whatever they are.
const digits = 15

// glancer reads the JSON that events mostly are: no escapes in strings, no exponents,
// few undeclared members. It says no to everything else, valid or not. The data was
// read once already where it came in an envelope, and reading it again with a parser of
// all of JSON took a tenth of what an event costs.
type glancer struct {
	rest     []byte
	depth    int
	keys     int
	keyField *Field
	key      []byte
}

// peek is the first byte of what comes next, behind white space; 0 at the end.
func (g *glancer) peek() byte {
	for i, c := range g.rest {
		if c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			g.rest = g.rest[i:]
			return c
		}
	}
	g.rest = nil
	return 0
}

// take passes over c, if that is what comes next.
func (g *glancer) take(c byte) bool {
	if g.peek() != c || c == 0 {
		return false
	}
	g.rest = g.rest[1:]
	return true
}

// value passes over a value that f declares; any value if f is nil.
func (g *glancer) value(f *Field) bool {
	switch g.peek() {
	case '"':
		return g.text(f)
	case '{':
		return (f == nil || f.Kind == Map) && g.object(f)
	case '[':
		return (f == nil || f.Kind == List) && g.list(f)
	case 't':
		return g.word("true", f == nil || f.Kind == Bool)
	case 'f':
		return g.word("false", f == nil || f.Kind == Bool)
	case 'n':
		return g.word("null", f == nil)
	default:
		return g.number(f)
	}
}

func (g *glancer) word(w string, fits bool) bool {
	if !fits || !bytes.HasPrefix(g.rest, []byte(w)) {
		return false
	}
	g.rest = g.rest[len(w):]
	return true
}

// none declares nothing.
var none Field

func (g *glancer) object(f *Field) bool {
	if f == nil {
		f = &none
	}
	if !g.enter('{') || len(f.Fields) > bits {
		return false
	}
	var seen uint64
	var others undeclared
	for first := true; !g.take('}'); first = false {
		if !first && !g.take(',') {
			return false
		}
		name, ok := g.bare()
		if !ok || !g.count() || !g.take(':') {
			return false
		}
		member := f.Fields[string(name)]
		if member == nil && !others.add(name) || member != nil && seen&member.bit != 0 || !g.value(member) {
			return false
		}
		if member != nil {
			seen |= member.bit
		}
	}
	g.depth--
	return seen&f.needs == f.needs
}

func (g *glancer) list(f *Field) bool {
	if !g.enter('[') {
		return false
	}
	var elem *Field
	if f != nil {
		elem = f.Elem
	}
	n := 0
	for ; !g.take(']'); n++ {
		if n > 0 && !g.take(',') || !g.count() || !g.value(elem) {
			return false
		}
	}
	g.depth--
	return f == nil || f.MaxItems == nil || n <= *f.MaxItems
}

func (g *glancer) enter(c byte) bool {
	g.depth++
	return g.depth <= MaxDepth && g.take(c)
}

func (g *glancer) count() bool {
	g.keys++
	return g.keys <= MaxKeys
}

func (g *glancer) text(f *Field) bool {
	s, ok := g.bare()
	if !ok || f == nil {
		return ok
	}
	if f == g.keyField {
		g.key = s
	}
	return f.Kind == String && f.fitsText(s)
}

// bare is the next string, if it is one without escapes.
func (g *glancer) bare() ([]byte, bool) {
	if !g.take('"') {
		return nil, false
	}
	end := bytes.IndexByte(g.rest, '"')
	if end < 0 || !unescaped(g.rest[:end]) {
		return nil, false
	}
	s := g.rest[:end]
	g.rest = g.rest[end+1:]
	return s, true
}

// unescaped says whether s is its own spelling in JSON.
func unescaped(s []byte) bool {
	ascii := true
	for _, c := range s {
		if c < ' ' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.Valid(s)
}

// number passes over -12 or, where whole ones aren't asked for, 12.5.
func (g *glancer) number(f *Field) bool {
	literal := g.rest[:span(g.rest, "-.0123456789eE+")]
	g.rest = g.rest[len(literal):]
	whole := bytes.TrimPrefix(literal, []byte("-"))
	whole, part, pointed := bytes.Cut(whole, []byte("."))
	if !decimal(whole) || len(whole) > digits || len(whole) > 1 && whole[0] == '0' || pointed && !decimal(part) {
		return false
	}
	if f == nil {
		return true
	}
	if f.Kind != Number && (f.Kind != Int || pointed) {
		return false
	}
	v, err := strconv.ParseFloat(string(literal), 64)
	return err == nil && f.fitsNumber(v)
}

// span is how many bytes at the beginning of s are among set.
func span(s []byte, set string) int {
	for i, c := range s {
		if bytes.IndexByte([]byte(set), c) < 0 {
			return i
		}
	}
	return len(s)
}

func decimal(s []byte) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) > 0
}

// undeclared are the names in an object that its schema doesn't know, to find one that
// stands twice.
type undeclared struct {
	names [8][]byte
	n     int
}

// add is false for a name that stands twice, and if there are too many to tell.
func (u *undeclared) add(name []byte) bool {
	for _, other := range u.names[:u.n] {
		if bytes.Equal(other, name) {
			return false
		}
	}
	if u.n == len(u.names) {
		return false
	}
	u.names[u.n] = name
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
