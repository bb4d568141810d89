package settings

import (
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// at is the position of n if it stands in a file; lines of a variable or a flag
// mean nothing.
func (o origin) at(n *yaml.Node) origin {
	if o.file && n.Line > 0 {
		o.line, o.column = n.Line, n.Column
	}
	return o
}

// value reads n into v, the key at path.
func (l *loader) value(n *yaml.Node, v reflect.Value, path string, from origin) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	at := from.at(n)
	null := n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
	switch {
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		l.value(n, v.Elem(), path, from)
	case null && v.Kind() == reflect.Struct && !leaf(v.Type()):
		// A section whose keys are all commented out.
	case null:
		l.fault(at, "%s has no value; it wants %s", path, wanted(v.Type()))
	case leaf(v.Type()):
		l.leaf(n, v, path, at)
	case v.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		l.section(n, v, path, from)
	case v.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		l.entries(n, v, path, from)
	case v.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		l.list(n, v, path, from)
	default:
		l.mismatch(n, v, path, at)
	}
}

func (l *loader) mismatch(n *yaml.Node, v reflect.Value, path string, at origin) {
	if whole(v.Type()) && n.ShortTag() == "!!int" {
		l.fault(at, "%s is out of range", path)
		return
	}
	l.fault(at, "%s wants %s, not %s", orRoot(path), wanted(v.Type()), given(n))
}

func (l *loader) leaf(n *yaml.Node, v reflect.Value, path string, at origin) {
	fresh := reflect.New(v.Type())
	err := n.Decode(fresh.Interface())
	switch {
	case whole(v.Type()) && n.ShortTag() == "!!float":
		l.mismatch(n, v, path, at) // yaml would cut 1.5 to 1
	case err == nil:
		v.Set(fresh.Elem())
		l.origins[path] = at
	case n.Kind == yaml.ScalarNode && readsItself(v.Type()):
		l.fault(at, "%s: %w", path, err)
	default:
		l.mismatch(n, v, path, at)
	}
}

// pairs calls fn for each key of a mapping; a key given twice is a fault.
func (l *loader) pairs(n *yaml.Node, path string, from origin, fn func(key, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := from.at(key)
		switch line, twice := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			l.fault(at, "a key below %s is not a plain word; merge keys are not supported", orRoot(path))
		case twice:
			l.fault(at, "%s is given twice, first on line %d", join(path, key.Value), line)
		default:
			seen[key.Value] = key.Line
			fn(key, n.Content[i+1])
		}
	}
}

func orRoot(path string) string {
	if path == "" {
		return "the configuration"
	}
	return path
}

func (l *loader) section(n *yaml.Node, v reflect.Value, path string, from origin) {
	l.pairs(n, path, from, func(key, value *yaml.Node) {
		next := join(path, key.Value)
		if f, ok := l.fieldOf(v, path, key.Value); ok {
			l.value(value, f, next, from)
			return
		}
		l.fault(from.at(key), "there is no key %s%s", next, suggest(key.Value, path, l.names(v.Type(), path), l.paths))
	})
}

func (l *loader) entries(n *yaml.Node, v reflect.Value, path string, from origin) {
	l.origins[path] = from.at(n)
	fresh := reflect.MakeMap(v.Type())
	l.pairs(n, path, from, func(key, value *yaml.Node) {
		k, elem := reflect.New(v.Type().Key()), reflect.New(v.Type().Elem()).Elem()
		if err := key.Decode(k.Interface()); err != nil {
			l.mismatch(key, k.Elem(), join(path, key.Value), from.at(key))
			return
		}
		l.value(value, elem, join(path, key.Value), from)
		fresh.SetMapIndex(k.Elem(), elem)
	})
	v.Set(fresh)
}

func (l *loader) list(n *yaml.Node, v reflect.Value, path string, from origin) {
	l.origins[path] = from.at(n)
	fresh := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		l.value(item, fresh.Index(i), fmt.Sprintf("%s[%d]", path, i), from)
	}
	v.Set(fresh)
}
