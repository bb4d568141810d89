package controltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest/internal/timeline"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

func (r *reader) eventType(n *yaml.Node) *dictionary.Type {
	name := r.Text(n, "type")
	t, err := r.dictionary.Find(name)
	if err != nil {
		r.Problem(n, "%s", "there is no event type "+strconv.Quote(name)+document.DidYouMean(name, r.dictionary.Names()))
		return nil
	}
	return t
}

// events reads one entry, which is several events if it says repeat:.
func (r *reader) events(n *yaml.Node, start compliance.Instant, offset int) []timeline.Arrival {
	f := r.Mapping(n, "an event", "at", "id", "type", "source", "data", "arrives", "duplicate", "repeat", "every", "sequence")
	for _, key := range []string{"at", "id", "type"} {
		if f[key] == nil {
			r.Problem(n, "an event needs %s:", key)
			return nil
		}
	}
	t := r.eventType(f["type"])
	if t == nil {
		return nil
	}
	id, source := r.Text(f["id"], "id"), r.defaults[t.Name].source
	if f["source"] != nil {
		source = r.Text(f["source"], "source")
	}
	if source == "" {
		r.Problem(n, "an event needs source:, here or in the defaults of its type")
	}
	data, raw := r.data(n, t, f["data"])
	first, count, every := r.instant(f["at"], "at", start), 1, time.Duration(0)
	if f["repeat"] != nil {
		count, every = r.number(f["repeat"], "repeat"), r.every(n, f["every"])
	}
	sequence := 0
	if f["sequence"] != nil {
		sequence = r.number(f["sequence"], "sequence")
	}
	lag := time.Duration(0)
	if f["arrives"] != nil {
		if lag = r.instant(f["arrives"], "arrives", start).Sub(first); lag < 0 {
			r.Problem(f["arrives"], "this event would arrive before it happens")
		}
	}
	twice := f["duplicate"] != nil && r.boolean(f["duplicate"], "duplicate")
	var list []timeline.Arrival
	for i := range count {
		ev := &compliance.Event{Tenant: timeline.Tenant, Source: source, ID: id, Type: t.Name, Time: first.Add(time.Duration(i) * every), Data: data}
		if count > 1 {
			ev.ID = fmt.Sprintf("%s-%d", id, i+1)
		}
		if sequence > 0 {
			ev.Sequence = uint64(sequence + i)
		}
		timeline.Seal(ev, t, raw, offset+i)
		list = append(list, timeline.Arrival{Event: ev, At: ev.Time.Add(lag), Twice: twice})
	}
	return list
}

func (r *reader) every(n, every *yaml.Node) time.Duration {
	if every == nil {
		r.Problem(n, "repeat: needs every:, the time between two of these events")
		return 0
	}
	d, err := control.ParseDuration(r.Text(every, "every"))
	if err != nil || d <= 0 {
		r.Problem(every, "every: is a duration above 0, such as 1h")
	}
	return d
}

// data is the defaults of the type with the event's own over them, checked
// against the schema.
func (r *reader) data(event *yaml.Node, t *dictionary.Type, own *yaml.Node) (map[string]any, []byte) {
	fields := map[string]any{}
	for _, n := range []*yaml.Node{r.defaults[t.Name].data, own} {
		r.Each(n, "data", func(key, value *yaml.Node) {
			var v any
			if err := value.Decode(&v); err != nil {
				r.Problem(value, "reading a value: %v", err)
			}
			if _, isTime := v.(time.Time); isTime {
				v = value.Value // a text in the dictionary's types
			}
			if fields[key.Value] = v; v == nil {
				delete(fields, key.Value)
			}
		})
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		r.Problem(event, "the data can't be JSON: %v", err)
		return nil, nil
	}
	decoded, err := t.Decode(raw)
	if err != nil {
		r.refused(event, own, t, err)
	}
	return decoded, raw
}

// refused places each fault at the field that it speaks of.
func (r *reader) refused(event, data *yaml.Node, t *dictionary.Type, err error) {
	refusal, ok := errors.AsType[*dictionary.Refusal](err)
	if !ok {
		r.Problem(event, "%v", err)
		return
	}
	for _, fault := range refusal.Faults {
		at := event
		if data != nil {
			at = data
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fault.Pointer, "/"), "/")
		if field := valueOf(data, name); field != nil {
			at = field
		}
		r.Problem(at, "%s%s: %s", t.Name, strings.ReplaceAll(fault.Pointer, "/", "."), fault.Reason)
	}
}
