package control

import (
	"encoding/json"
	"maps"
	"strings"

	"assay.example/assay/pkg/compliance"
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
func (p Path) In(v View) any {
	var value any = map[string]any(v)
	for _, name := range p {
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
	var room [64]byte
	b := append(room[:0], '[')
	for i, v := range values {
		s, ok := v.(string)
		if !ok || !bare(s) {
			return "", false
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), s...), '"')
	}
	return string(append(b, ']')), true
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
func (e *Expectation) MayCome(source string, item View) bool {
	return e.Sender == nil || e.Sender.In(item) == source
}

// View is an event as conditions see it: its data, and over that its attributes
// id, source, type, time and sequence.
type View map[string]any

// attributes are what a view has of every event, whatever its data.
var attributes = []string{"id", "source", "type", "time", "sequence"}

// Data is the data that the view was made of, but for what attributes hide.
func (v View) Data() map[string]any {
	data := maps.Clone(map[string]any(v))
	for _, name := range attributes {
		delete(data, name)
	}
	return data
}

// ViewOf makes the view of ev. Attributes win over data of the same name.
func ViewOf(ev *compliance.Event) View {
	v := make(View, len(ev.Data)+5)
	maps.Copy(v, ev.Data)
	v["id"], v["source"], v["type"], v["time"] = ev.ID, ev.Source, ev.Type, ev.Time.Time()
	v["sequence"] = int64(ev.Sequence)
	return v
}
