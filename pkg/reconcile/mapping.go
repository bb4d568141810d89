package reconcile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Mapping says what an export's columns mean.
type Mapping struct {
	// Key are the columns that make an item's id, with Join between them.
	Key  Columns `yaml:"key" json:"key"`
	Join string  `yaml:"join" json:"join,omitempty"`
	// Time is the column with the item's time; without it every row is compared, and no times.
	Time string `yaml:"time" json:"time,omitempty"`
	// Layout is how Time is written: rfc3339, unix, unix_ms, or as Go writes 2006-01-02 15:04.
	Layout string `yaml:"layout" json:"layout,omitempty"`
	// Zone is that of times which name none, such as Europe/Berlin; UTC without it.
	Zone string `yaml:"zone" json:"zone,omitempty"`
	// Tolerance is how far the two times of an item may lie apart.
	Tolerance time.Duration `yaml:"tolerance" json:"tolerance"`
	// Where are values that a row must have to be compared, by column.
	Where map[string]string `yaml:"where" json:"where,omitempty"`

	zone *time.Location
}

// Columns are one name, or a list of them.
type Columns []string

// UnmarshalYAML takes both.
func (c *Columns) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = Columns{n.Value}
		return nil
	}
	return n.Decode((*[]string)(c))
}

// ReadMapping reads a mapping from YAML; what it doesn't know it refuses.
func ReadMapping(file string, raw []byte) (*Mapping, error) {
	m := &Mapping{}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, compliance.Errorf(compliance.Invalid, "%s: %w", file, err)
	}
	if err := m.check(); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "%s: %w", file, err)
	}
	return m, nil
}

func (m *Mapping) check() error {
	if len(m.Key) == 0 || slices.Contains(m.Key, "") {
		return errors.New("key: which column has the item's id? Such as key: deployment_id")
	}
	if m.Tolerance < 0 {
		return fmt.Errorf("tolerance: is %s; it counts from 0s", m.Tolerance)
	}
	if m.Time == "" && (m.Tolerance > 0 || m.Layout != "" || m.Zone != "") {
		return errors.New("time: which column has the item's time? tolerance, layout and zone are about it")
	}
	if m.Layout == "" {
		m.Layout = rfc3339
	}
	if !slices.Contains([]string{rfc3339, unix, unixMilli}, m.Layout) && !strings.Contains(m.Layout, "06") {
		return fmt.Errorf("layout: %q is none; write rfc3339, unix, unix_ms, or the time 2006-01-02 15:04:05 as the export writes it", m.Layout)
	}
	zone, err := time.LoadLocation(m.Zone)
	if err != nil || m.Zone == "Local" {
		return fmt.Errorf("zone: %q is unknown; write one such as Europe/Berlin", m.Zone)
	}
	m.zone = zone
	return nil
}

const (
	rfc3339   = "rfc3339"
	unix      = "unix"
	unixMilli = "unix_ms"
)

// at reads a time of the export.
func (m *Mapping) at(text string) (compliance.Instant, error) {
	switch m.Layout {
	case rfc3339:
		return compliance.ParseInstant(text)
	case unix, unixMilli:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no whole number", text)
		}
		if m.Layout == unix {
			return compliance.InstantOf(time.Unix(n, 0)), nil
		}
		return compliance.InstantOf(time.UnixMilli(n)), nil
	}
	t, err := time.ParseInLocation(m.Layout, text, m.zone)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time as in %s", text, m.Layout)
	}
	return compliance.InstantOf(t), nil
}

// columns finds the columns of an export by their names in its first line.
func (m *Mapping) columns(head []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range head {
		name = strings.TrimSpace(name)
		if _, twice := at[name]; twice {
			return nil, compliance.Errorf(compliance.Invalid, "the export has two columns %q", name)
		}
		at[name] = i
	}
	needs := slices.Concat(m.Key, slices.Sorted(maps.Keys(m.Where)))
	if m.Time != "" {
		needs = append(needs, m.Time)
	}
	for _, name := range needs {
		if _, ok := at[name]; !ok {
			return nil, compliance.Errorf(compliance.Invalid, "the export has no column %q; it has %s", name, strings.Join(head, ", "))
		}
	}
	return at, nil
}
