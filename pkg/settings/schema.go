package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/agnivade/levenshtein"
	"go.yaml.in/yaml/v3"
)

// field is one key of a struct.
type field struct {
	name  string
	index []int
}

// fields lists the keys of a struct as yaml sees them, in order.
func fields(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case options == "inline":
			for _, inner := range fields(f.Type) {
				list = append(list, field{inner.name, append([]int{i}, inner.index...)})
			}
		case name == "":
			list = append(list, field{strings.ToLower(f.Name), []int{i}})
		default:
			list = append(list, field{name, []int{i}})
		}
	}
	return list
}

// fields are those of the struct at path that are not hidden.
func (s *Settings) fields(t reflect.Type, path string) []field {
	return slices.DeleteFunc(fields(t), func(f field) bool { return slices.Contains(s.hidden, join(path, f.name)) })
}

func (s *Settings) names(t reflect.Type, path string) []string {
	var list []string
	for _, f := range s.fields(t, path) {
		list = append(list, f.name)
	}
	return list
}

func (s *Settings) fieldOf(v reflect.Value, path, name string) (reflect.Value, bool) {
	for _, f := range s.fields(v.Type(), path) {
		if f.name == name {
			return v.FieldByIndex(f.index), true
		}
	}
	return reflect.Value{}, false
}

// readsItself says whether a type parses its own text, and so has better words
// for what is wrong with it.
func readsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[yaml.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// leaf says whether a type has no keys of its own.
func leaf(t reflect.Type) bool {
	if readsItself(t) {
		return true
	}
	return !slices.Contains([]reflect.Kind{reflect.Struct, reflect.Map, reflect.Slice, reflect.Pointer}, t.Kind())
}

// leaves lists every key that a struct has, except below lists and maps.
func (s *Settings) leaves(t reflect.Type, path string) []string {
	if t.Kind() == reflect.Pointer {
		return s.leaves(t.Elem(), path)
	}
	if leaf(t) || t.Kind() != reflect.Struct {
		return []string{path}
	}
	var list []string
	for _, f := range s.fields(t, path) {
		list = append(list, s.leaves(t.FieldByIndex(f.index).Type, join(path, f.name))...)
	}
	return list
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// envName is the variable of a key: kafka.topicPrefix is ASSAY_KAFKA_TOPIC_PREFIX.
func envName(prefix, path string) string {
	var b strings.Builder
	b.WriteString(prefix)
	lower := false
	for _, r := range path {
		switch {
		case r == '.' || r == '-':
			b.WriteByte('_')
			lower = false
			continue
		case unicode.IsUpper(r) && lower:
			b.WriteByte('_')
		}
		lower = !unicode.IsUpper(r)
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// wanted says in a reader's words what a type takes.
func wanted(t reflect.Type) string {
	switch {
	case t.String() == "time.Duration":
		return "a duration such as 30s or 5m"
	case t.Kind() == reflect.Pointer:
		return wanted(t.Elem())
	}
	switch zero := reflect.Zero(t); {
	case t.Kind() == reflect.Bool:
		return "true or false"
	case zero.CanInt():
		return "a whole number"
	case zero.CanUint():
		return "a whole number that isn't negative"
	case zero.CanFloat():
		return "a number"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct || t.Kind() == reflect.Map:
		return "keys and values"
	default:
		return "a text"
	}
}

func whole(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 && !readsItself(t) && t.String() != "time.Duration"
}

// given says what a node holds, without its value.
func given(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!map":
		return "keys and values"
	case "!!seq":
		return "a list"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	default:
		return "a text"
	}
}

// suggest is the end of the sentence "there is no key x": the nearest one, a key
// of that name elsewhere, or all that there are.
func suggest(name, at string, here, everywhere []string) string {
	if best := nearest(name, here); best != "" {
		return fmt.Sprintf("; did you mean %s?", join(at, best))
	}
	for _, path := range everywhere {
		if path == name || strings.HasSuffix(path, "."+name) {
			return fmt.Sprintf("; did you mean %s?", path)
		}
	}
	if len(here) == 0 {
		return ""
	}
	return "; there are " + strings.Join(here, ", ")
}

// nearest is the candidate within a third of the name's length in edits, or "".
func nearest(name string, candidates []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}
