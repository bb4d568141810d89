package control

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Links name the fields that tie an event to the one that caused it.
type Links struct{ Child, Parent Path }

// linked is a list of events with their causal order: never two machines' clocks.
type linked struct {
	traits.Lister
	links   *Links
	parents map[any]any // id of an event → id of its parent
}

// newLinked takes the matched events and the item, which is part of the trace.
func newLinked(l *Links, events []View, item View) *linked {
	lister, ok := types.DefaultTypeAdapter.NativeToValue(plain(events)).(traits.Lister)
	if !ok {
		panic("control: a list of maps is always a list to CEL")
	}
	list := &linked{
		Lister:  lister,
		links:   l,
		parents: map[any]any{},
	}
	list.add(item)
	for _, v := range events {
		list.add(v)
	}
	return list
}

func (l *linked) add(v View) {
	if id := l.links.Child.In(v); present(id) {
		l.parents[id] = l.links.Parent.In(v)
	}
}

// present tells a real id from a missing or empty one.
func present(id any) bool {
	_, ok := EncodeKey(id)
	return ok
}

// orphans are events that name a parent which is not among them.
func (l *linked) orphans(events []View) []View {
	orphans := []View{}
	for _, v := range events {
		parent := l.links.Parent.In(v)
		if !present(parent) {
			continue
		}
		if _, ok := l.parents[parent]; !ok {
			orphans = append(orphans, v)
		}
	}
	return orphans
}

// precedes tells whether a is an ancestor of b.
func (l *linked) precedes(a, b View) bool {
	first := l.links.Child.In(a)
	if !present(first) {
		return false
	}
	at := l.links.Parent.In(b)
	for range len(l.parents) + 1 { // a cycle ends too
		if !present(at) {
			return false
		}
		if at == first {
			return true
		}
		at = l.parents[at]
	}
	return false
}

// precedesBinding is `spans.precedes(a, b)` in CEL.
func precedesBinding(args ...ref.Val) ref.Val {
	list, ok := args[0].(*linked)
	if !ok {
		return types.NewErr("precedes needs an expectation with links")
	}
	a, okA := viewOfVal(args[1])
	b, okB := viewOfVal(args[2])
	if !okA || !okB {
		return types.NewErr("precedes compares two events")
	}
	return types.Bool(list.precedes(a, b))
}

func viewOfVal(v ref.Val) (View, bool) {
	switch m := v.Value().(type) {
	case map[string]any:
		return m, true
	case View:
		return m, true
	}
	return nil, false
}

func plain(events []View) []map[string]any {
	list := make([]map[string]any, len(events))
	for i, v := range events {
		list[i] = v
	}
	return list
}
