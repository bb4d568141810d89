package control

import (
	"encoding/json"
	"strings"
)

// Path is a field of an event or item: the names after `event.` or `item.`.
type Path []string

// String is the path with dots.
func (p Path) String() string { return strings.Join(p, ".") }

// first is the field of the event or item itself; empty if there is none.
func (p Path) first() string {
	if len(p) == 0 {
		return ""
	}
	return p[0]
}

// In finds the value at p, or nil.
func (p Path) In(v Fields) any {
	if v == nil || len(p) == 0 {
		return nil
	}
	value := v.Field(p[0])
	for _, name := range p[1:] {
		m, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = m[name]
	}
	return value
}

// EncodeKey writes key values canonically, as a JSON list. It reports false if
// one of them is missing or empty: an empty key matches nothing.
func EncodeKey(values ...any) (string, bool) {
	for _, v := range values {
		switch x := v.(type) {
		case string:
			if x == "" {
				return "", false
			}
		case int64, bool, float64:
		default:
			return "", false
		}
	}
	if key, ok := plainKey(values); ok {
		return key, true
	}
	b, err := json.Marshal(values)
	if err != nil {
		return "", false
	}
	return string(b), true
}

// plainKey writes what encoding/json writes, if the values are texts without anything
// to escape. Most are, and a key is made for each event and control that it concerns.
func plainKey(values []any) (string, bool) {
	var room [keyRoom]byte
	b := append(room[:0], '[')
	for i, v := range values {
		var ok bool
		if b, ok = appendValue(b, i, v); !ok {
			return "", false
		}
	}
	return string(append(b, ']')), true
}

// keyRoom is more than most keys take.
const keyRoom = 64

// appendKey writes the key of fields as plainKey does; false if there is a value that it
// doesn't write, or an empty one.
func appendKey(b []byte, paths []Path, view Fields) ([]byte, bool) {
	b = append(b, '[')
	for i, p := range paths {
		v := p.In(view)
		var ok bool
		if b, ok = appendValue(b, i, v); !ok || v == "" {
			return nil, false
		}
	}
	return append(b, ']'), true
}

// appendValue writes the i-th value of a key, if JSON has it as it is.
func appendValue(b []byte, i int, v any) ([]byte, bool) {
	s, ok := v.(string)
	if !ok || !bare(s) {
		return nil, false
	}
	if i > 0 {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), s...), '"'), true
}

// bare says whether JSON has s as it is.
func bare(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// MayCome tells whether events of a source can meet the expectation about an item. If
// they are joined by their source, no other's silence matters.
func (e *Expectation) MayCome(source string, item Fields) bool {
	return e.Sender == nil || e.Sender.In(item) == source
}
