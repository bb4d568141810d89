package settings

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Entry is one key of a configuration.
type Entry struct {
	Key string `json:"key"`
	// Value is written as in YAML on one line; a secret is Redacted.
	Value string `json:"value"`
	// Origin is "default", file:line, "env NAME" or "flag --set key".
	Origin string `json:"origin"`
}

// Show lists every key with its value and origin, in the order of the struct.
func (s *Settings) Show() []Entry {
	var list []Entry
	s.show(s.root, "", &list)
	return list
}

func (s *Settings) show(v reflect.Value, path string, list *[]Entry) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		s.show(v.Elem(), path, list)
	case v.Kind() == reflect.Struct && !leaf(v.Type()):
		for _, f := range s.fields(v.Type(), path) {
			s.show(v.FieldByIndex(f.index), join(path, f.name), list)
		}
	case v.Kind() == reflect.Map && v.Len() > 0:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		for _, k := range keys {
			s.show(v.MapIndex(k), join(path, fmt.Sprint(k)), list)
		}
	case v.Kind() == reflect.Slice && v.Len() > 0 && !leaf(v.Type().Elem()):
		for i := range v.Len() {
			s.show(v.Index(i), fmt.Sprintf("%s[%d]", path, i), list)
		}
	default:
		*list = append(*list, Entry{path, shown(v, path), s.originOf(path).String()})
	}
}

// secretKey catches a secret in a field that isn't a Secret. A key that ends in
// File names a path.
var secretKey = regexp.MustCompile(`(?i)(password|passphrase|secret|token|credential|apiKey|privateKey|signingKey)s?$`)

func secret(path string) bool {
	segments := strings.Split(path, ".")
	if strings.HasSuffix(segments[len(segments)-1], "File") {
		return false
	}
	return slices.ContainsFunc(segments, func(s string) bool { return secretKey.MatchString(strings.TrimRight(s, "[]0123456789")) })
}

func shown(v reflect.Value, path string) string {
	if secret(path) && !v.IsZero() {
		return Redacted
	}
	var n yaml.Node
	if err := n.Encode(v.Interface()); err != nil {
		return Redacted
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	n.Style = yaml.FlowStyle
	text, err := yaml.Marshal(&n)
	if err != nil {
		return Redacted
	}
	return strings.TrimSpace(string(text))
}

// originOf is where path, or what it is a part of, was set.
func (s *Settings) originOf(path string) origin {
	for path != "" {
		if o, ok := s.origins[path]; ok {
			return o
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return origin{}
}

// Validate asks the named sections, or all of them and the whole when none is
// named, for their faults. A section is a key at the top whose type has
// Validate() error; faults that begin with "key: " get the place where that key
// was set.
func (s *Settings) Validate(sections ...string) error {
	var faults []error
	there := s.names(s.root.Type(), "")
	for _, name := range sections {
		if !slices.Contains(there, name) {
			faults = append(faults, compliance.Errorf(compliance.Invalid, "there is no section %s%s", name, suggest(name, "", there, nil)))
		}
	}
	for _, f := range s.fields(s.root.Type(), "") {
		if len(sections) == 0 || slices.Contains(sections, f.name) {
			faults = append(faults, s.validate(s.root.FieldByIndex(f.index), f.name)...)
		}
	}
	if len(sections) == 0 {
		faults = append(faults, s.validate(s.root, "")...)
	}
	return errors.Join(faults...)
}

func (s *Settings) validate(v reflect.Value, path string) []error {
	validator, ok := reflect.TypeAssert[interface{ Validate() error }](v.Addr())
	if !ok {
		return nil
	}
	var faults []error
	for _, err := range flatten(validator.Validate()) {
		faults = append(faults, s.locate(path, err))
	}
	return faults
}

// flatten takes apart what errors.Join made, and nothing else.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, flatten(e)...)
	}
	return list
}

// keyed is a fault that begins with its key: "brokers: …" or "kafka.brokers is …".
var keyed = regexp.MustCompile(`^([A-Za-z0-9_.\[\]-]+)(: | )`)

func (s *Settings) locate(section string, err error) error {
	key, text := section, err.Error()
	if m := keyed.FindStringSubmatch(text); m != nil {
		full := m[1]
		whole := section == "" || full == section || strings.HasPrefix(full, section+".")
		if !whole {
			full = join(section, full)
		}
		switch sentence := m[2] == " "; {
		case s.known(full) && !sentence:
			key, text = full, full+": "+text[len(m[0]):]
		case s.known(full) && whole:
			key = full
		default:
			text = inSection(section, text)
		}
	} else {
		text = inSection(section, text)
	}
	if o := s.near(key); o.name != "" {
		text = o.position() + ": " + text
	}
	return &compliance.Error{Code: compliance.Invalid, Text: text, Err: err}
}

func inSection(section, text string) string {
	if section == "" {
		return text
	}
	return section + ": " + text
}

func (s *Settings) known(key string) bool {
	return slices.ContainsFunc(s.paths, func(p string) bool {
		return p == key || strings.HasPrefix(p, key+".") || strings.HasPrefix(key, p+".") || strings.HasPrefix(key, p+"[")
	})
}

// near is the origin of key, or of the first key set below it.
func (s *Settings) near(key string) origin {
	if o := s.originOf(key); o.name != "" {
		return o
	}
	for _, p := range s.paths {
		if o, ok := s.origins[p]; ok && strings.HasPrefix(p, key+".") {
			return o
		}
	}
	return origin{}
}
