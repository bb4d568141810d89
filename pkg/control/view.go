package control

import (
	"maps"

	"assay.example/assay/pkg/compliance"
)

// Fields is what is read of an event or an item: by a path a field, by a condition a view.
type Fields interface {
	// Field is a field, or nil.
	Field(name string) any
	// View has all of them.
	View() View
}

// View is an event as conditions see it: its data, and over that its attributes
// id, source, type, time and sequence.
type View map[string]any

// ViewOf makes the view of ev. Attributes win over data of the same name.
func ViewOf(ev *compliance.Event) View {
	v := make(View, len(ev.Data)+5)
	maps.Copy(v, ev.Data)
	v["id"], v["source"], v["type"], v["time"] = ev.ID, ev.Source, ev.Type, ev.Time.Time()
	v["sequence"] = int64(ev.Sequence)
	return v
}

// Field is a field, or nil.
func (v View) Field(name string) any { return v[name] }

// View is v.
func (v View) View() View { return v }

// Moved is a view of an event as it is seen at another time.
func (v View) Moved(at compliance.Instant) View {
	moved := maps.Clone(v)
	moved["time"] = at.Time()
	return moved
}

// Seen is an event whose view is made when a condition asks for it. Of most events only the
// fields of a key are read: then the view would be half of what an event costs. The event
// must not change.
type Seen struct {
	event *compliance.Event
	id    string
	view  View
}

// See is what ViewOf is, but later.
func See(ev *compliance.Event) Seen { return Seen{event: ev, id: ev.ID} }

// Field is a field, or nil.
func (s *Seen) Field(name string) any {
	switch name {
	case "id":
		return s.id
	case "source":
		return s.event.Source
	case "type":
		return s.event.Type
	case "time":
		return s.event.Time.Time()
	case "sequence":
		return int64(s.event.Sequence)
	}
	return s.event.Data[name]
}

// Called is what is read of the event by another id.
func (s *Seen) Called(id string) Seen { return Seen{event: s.event, id: id} }

// View has all fields.
func (s *Seen) View() View {
	if s.view == nil {
		s.view = ViewOf(s.event)
		s.view["id"] = s.id
	}
	return s.view
}

// Called is what is read of an event by another id, as that of the item that it opens.
func Called(f Fields, id string) Fields {
	if s, ok := f.(*Seen); ok {
		called := s.Called(id)
		return &called
	}
	view := maps.Clone(f.View())
	view["id"] = id
	return view
}

// viewOf is the view of what may be nothing.
func viewOf(f Fields) View {
	if f == nil {
		return nil
	}
	return f.View()
}

func viewsOf(list Events) []View {
	views := make([]View, list.Len())
	for i := range views {
		views[i] = list.At(i).View()
	}
	return views
}
