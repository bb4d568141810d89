package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Source says where a configuration is read from.
type Source struct {
	// File is YAML; empty for none.
	File string
	// Env is the environment as os.Environ gives it; Prefix begins the
	// variables that are keys, such as "ASSAY_". An empty variable is none.
	Env    []string
	Prefix string
	// Reserved are variables with the prefix that are not keys; "ASSAY_TEST_*"
	// stands for all that begin so.
	Reserved []string
	// Set are flags, each "key=value".
	Set []string
	// Hidden are parts of the struct that are no keys, since the program fills
	// them itself: "recorder.kafka" and all below it.
	Hidden []string
}

// Settings is a configuration that knows where its values came from.
type Settings struct {
	root    reflect.Value
	hidden  []string
	paths   []string
	origins map[string]origin
}

// origin is where a value was set; the zero origin is the default.
type origin struct {
	name         string // the file, the variable or the flag
	file         bool
	line, column int
}

func (o origin) String() string {
	switch {
	case o.name == "":
		return "default"
	case o.line == 0:
		return o.name
	}
	return fmt.Sprintf("%s:%d", o.name, o.line)
}

// position is the origin with its column, for a fault.
func (o origin) position() string {
	if o.line == 0 {
		return o.name
	}
	return fmt.Sprintf("%s:%d:%d", o.name, o.line, o.column)
}

// Load reads into, a pointer to a struct that holds the defaults. Its error
// joins every fault of every source, each compliance.Invalid; into then holds
// what could be read.
func Load(into any, s Source) (*Settings, error) {
	root := reflect.ValueOf(into).Elem()
	l := &loader{Settings: Settings{root: root, hidden: s.Hidden, origins: map[string]origin{}}}
	l.paths = l.leaves(root.Type(), "")
	if s.File != "" {
		l.file(s.File)
	}
	l.environment(s)
	for _, text := range s.Set {
		l.flag(text)
	}
	return &l.Settings, errors.Join(l.faults...)
}

type loader struct {
	Settings
	faults []error
}

func (l *loader) fault(at origin, format string, args ...any) {
	l.faults = append(l.faults, compliance.Errorf(compliance.Invalid, "%s: %w", at.position(), fmt.Errorf(format, args...)))
}

// yamlLine is how the parser says where a syntax error is.
var yamlLine = regexp.MustCompile(`^yaml: line (\d+): (?s)(.*)$`)

func (l *loader) file(name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		l.faults = append(l.faults, compliance.Errorf(compliance.Invalid, "reading the configuration: %w", err))
		return
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return
	} else if err != nil {
		l.syntax(name, err)
		return
	}
	if err := decoder.Decode(&second); err == nil {
		l.fault(origin{name: name, line: second.Line, column: second.Column}, "a second document begins; the configuration is one")
	} else if !errors.Is(err, io.EOF) {
		l.syntax(name, err)
	}
	l.value(document.Content[0], l.root, "", origin{name: name, file: true})
}

func (l *loader) syntax(name string, err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		name, text = name+":"+m[1], m[2]
	}
	l.fault(origin{name: name}, "this is not YAML: %s", text)
}

// serviceLink are the variables that Kubernetes makes for a Service whose name
// begins like the prefix. They are nobody's configuration.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT(_\w+)?)=|_PORT(_\d+_(TCP|UDP)(_\w+)?)?=((tcp|udp)://|\d+\.\d+\.\d+\.\d+$|\d+$|tcp$|udp$)`)

func (l *loader) environment(s Source) {
	byName := map[string]string{}
	for _, path := range l.paths {
		name := envName(s.Prefix, path)
		if other, taken := byName[name]; taken {
			l.fault(origin{name: name}, "the keys %s and %s share this variable", other, path)
		}
		byName[name] = path
	}
	for _, variable := range slices.Sorted(slices.Values(s.Env)) {
		name, text, _ := strings.Cut(variable, "=")
		if s.Prefix == "" || !strings.HasPrefix(name, s.Prefix) || text == "" || s.reserves(name) {
			continue
		}
		at := origin{name: "env " + name}
		path, known := byName[name]
		switch {
		case known:
			l.text(path, text, at)
		case !serviceLink.MatchString(variable):
			names := make([]string, 0, len(byName))
			for n := range byName {
				names = append(names, n)
			}
			slices.Sort(names)
			l.fault(at, "there is no such key%s", suggestName(name, names))
		}
	}
}

func (s Source) reserves(name string) bool {
	return slices.ContainsFunc(s.Reserved, func(r string) bool {
		prefix, all := strings.CutSuffix(r, "*")
		return name == r || (all && strings.HasPrefix(name, prefix))
	})
}

func suggestName(name string, names []string) string {
	if best := nearest(name, names); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; `assay config show` lists the keys"
}

func (l *loader) flag(text string) {
	path, value, ok := strings.Cut(text, "=")
	if !ok {
		l.fault(origin{name: "flag --set"}, "%q has no '='; write key=value", path)
		return
	}
	l.text(path, value, origin{name: "flag --set " + path})
}

// text sets one key from a variable or a flag.
func (l *loader) text(path, text string, at origin) {
	l.set(l.root, "", strings.Split(path, "."), text, at)
}

func (l *loader) set(v reflect.Value, path string, rest []string, text string, at origin) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if len(rest) == 0 {
		n, err := textNode(v.Type(), text)
		if err != nil {
			l.fault(at, "%s wants %s", path, wanted(v.Type()))
			return
		}
		l.value(n, v, path, at)
		return
	}
	next := join(path, rest[0])
	switch {
	case v.Kind() == reflect.Struct && !leaf(v.Type()):
		if f, ok := l.fieldOf(v, path, rest[0]); ok {
			l.set(f, next, rest[1:], text, at)
			return
		}
		l.fault(at, "there is no key %s%s", next, suggest(rest[0], path, l.names(v.Type(), path), l.paths))
	case v.Kind() == reflect.Map:
		l.setEntry(v, next, rest, text, at)
	default:
		l.fault(at, "%s has no keys below it", path)
	}
}

func (l *loader) setEntry(v reflect.Value, path string, rest []string, text string, at origin) {
	key, elem := reflect.ValueOf(rest[0]).Convert(v.Type().Key()), reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(key); old.IsValid() {
		elem.Set(old)
	}
	l.set(elem, path, rest[1:], text, at)
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	v.SetMapIndex(key, elem)
}

// textNode reads a variable or flag: texts as they are, a list of plain values
// also as "a,b,c", all else as YAML.
func textNode(t reflect.Type, text string) (*yaml.Node, error) {
	scalar := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	switch {
	case t.Kind() == reflect.String:
		scalar.Tag = "!!str"
		return scalar, nil
	case leaf(t):
		return scalar, nil
	case t.Kind() == reflect.Slice && leaf(t.Elem()) && !strings.HasPrefix(text, "["):
		return listNode(t, text)
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil || len(document.Content) == 0 {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return document.Content[0], nil
}

func listNode(t reflect.Type, text string) (*yaml.Node, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if text == "" {
		return list, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		n, err := textNode(t.Elem(), strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		list.Content = append(list.Content, n)
	}
	return list, nil
}
