package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// mapping makes one event of each record that it takes.
type mapping struct {
	place     string
	kinds     []string // a "*" at the end stands for anything
	otherwise bool     // only for records that no other mapping takes
	when      *program
	typ       *dictionary.Type
	id, time  *program
	data      []field
}

type field struct {
	name  string
	decl  *dictionary.Field
	value *program
}

// kindEmpty is the kind of a delivery without a record.
const kindEmpty = "empty"

// maxID is the most bytes that an event's id may have; a longer one is hashed.
const maxID = 256

// Map turns a delivery into events. It never fails as a whole: what becomes no
// event is told with its reason.
func (v *Vendor) Map(d Delivery) Mapped {
	var out Mapped
	s := v.scope(&d)
	records, err := v.records(s)
	if err != nil {
		out.Faults = append(out.Faults, Fault{Mapping: v.Name, Err: err})
		return out
	}
	kinds, unmapped := map[string]bool{}, map[string]bool{}
	if len(records) == 0 && !v.ignore {
		// What should be taken apart and has no part may be of a shape that nobody foresaw.
		kinds[kindEmpty], unmapped[kindEmpty] = true, true
	}
	for i, record := range records {
		s.record, s.place, s.memo = record, i, map[string]any{}
		kind, err := v.kind.text(s)
		if err != nil {
			out.Faults = append(out.Faults, Fault{Record: i, Mapping: v.Name, Err: err})
			continue
		}
		kinds[kind] = true
		if !v.mapRecord(s, kind, i, &out) && !v.ignore {
			unmapped[kind] = true
		}
	}
	out.Kinds, out.Unmapped = slices.Sorted(maps.Keys(kinds)), slices.Sorted(maps.Keys(unmapped))
	return out
}

func (v *Vendor) scope(d *Delivery) *scope {
	return &scope{
		body: d.Body, record: d.Body, headers: d.Headers,
		received: d.Received.String(), sha256: hex.EncodeToString(d.SHA256[:]), lets: v.lets, memo: map[string]any{},
	}
}

// records takes a delivery apart.
func (v *Vendor) records(s *scope) ([]any, error) {
	if v.each == nil {
		return []any{s.body}, nil
	}
	list, err := v.each.value(s)
	if err != nil {
		return nil, err
	}
	records, ok := list.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: each: is %T, not a list", v.each.place, list)
	}
	return records, nil
}

// mapRecord says whether a mapping took the record, if only to fail.
func (v *Vendor) mapRecord(s *scope, kind string, i int, out *Mapped) bool {
	taken := false
	for _, m := range v.mappings { // those with `otherwise` come last
		if m.otherwise && taken || !m.takes(kind) {
			continue
		}
		ok, err := m.when.holds(s)
		if err == nil && !ok {
			continue
		}
		taken = true
		var ev Event
		if err == nil {
			ev, err = m.event(s, i)
		}
		if err != nil {
			out.Faults = append(out.Faults, Fault{Record: i, Mapping: m.place, Err: err})
			continue
		}
		out.Events = append(out.Events, ev)
	}
	return taken
}

func (m *mapping) takes(kind string) bool {
	return slices.ContainsFunc(m.kinds, func(k string) bool {
		prefix, open := strings.CutSuffix(k, "*")
		return open && strings.HasPrefix(kind, prefix) || k == kind
	})
}

func (m *mapping) event(s *scope, record int) (Event, error) {
	ev := Event{Type: m.typ.Name, Mapping: m.place}
	var err error
	if ev.ID, err = m.identity(s, record); err != nil {
		return ev, err
	}
	if ev.Time, err = m.instant(s); err != nil {
		return ev, err
	}
	data, err := m.values(s)
	if err != nil {
		return ev, err
	}
	if ev.Data, err = json.Marshal(data, json.Deterministic(true)); err != nil {
		return ev, fmt.Errorf("writing the data of %s: %w", m.typ.Name, err)
	}
	if ev.Key, err = m.typ.Check(ev.Data, ""); err != nil {
		return ev, fmt.Errorf("%s: %w", m.typ.Name, err)
	}
	return ev, nil
}

// identity is the type and what the vendor calls the fact, so that two events of
// one record differ; without a name it is the payload's hash and the record's place.
func (m *mapping) identity(s *scope, record int) (string, error) {
	id, err := m.id.text(s)
	if err != nil {
		return "", err
	}
	switch {
	case id == "" && m.id != nil:
		return "", fmt.Errorf("%s: the id is empty", m.id.place)
	case id == "":
		id = s.sha256 + "/" + strconv.Itoa(record)
	}
	if id = m.typ.Name + "/" + id; len(id) > maxID {
		id = m.typ.Name + "/" + compliance.Hash(sha256.Sum256([]byte(id))).String()
	}
	return id, nil
}

func (m *mapping) instant(s *scope) (compliance.Instant, error) {
	text, err := m.time.text(s)
	if err != nil {
		return 0, err
	}
	if text == "" {
		text = s.received
	}
	at, err := parseTime(text)
	if err != nil {
		return 0, fmt.Errorf("%s: time: %w", m.place, err)
	}
	return at, nil
}

// values computes the data. A field that need not be there is left out where its
// value is absent, or is empty text.
func (m *mapping) values(s *scope) (map[string]any, error) {
	data := make(map[string]any, len(m.data))
	for _, f := range m.data {
		v, err := f.value.value(s)
		if err != nil {
			return nil, fmt.Errorf("%s of %s: %w", f.name, m.typ.Name, err)
		}
		if f.decl.Kind == dictionary.String {
			v = asText(v)
		}
		if v == nil || v == "" && !f.decl.Required {
			continue
		}
		data[f.name] = v
	}
	return data, nil
}
