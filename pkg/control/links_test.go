package control

import (
	"testing"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/stretchr/testify/require"
)

func span(id, parent string) View { return View{"span": id, "parent": parent, "id": "event-" + id} }

func TestLinks(t *testing.T) {
	l := &Links{Child: Path{"span"}, Parent: Path{"parent"}}
	events := []View{span("a", ""), span("b", "a"), span("c", "b"), span("x", "gone"), {"span": "n"}, {"parent": "a"}}
	item := span("i", "c")
	list := newLinked(l, events, item)

	require.Equal(t, []View{events[3]}, list.orphans(events), "only a parent that is named and absent makes an orphan")
	for _, c := range []struct {
		a, b View
		want bool
	}{
		{events[0], item, true},
		{events[1], item, true},
		{events[2], item, true},
		{item, events[0], false},
		{events[2], events[1], false},
		{item, item, false},
		{events[3], item, false},
		{events[4], item, false},
		{events[0], events[5], true},
		{View{}, item, false},
		{item, View{}, false},
	} {
		require.Equal(t, c.want, list.precedes(c.a, c.b), "%v %v", c.a, c.b)
	}

	circle := []View{span("a", "c"), span("b", "a"), span("c", "b")}
	list = newLinked(l, circle, View{})
	require.True(t, list.precedes(circle[0], circle[2]), "a circle ends")
	require.True(t, list.precedes(circle[0], circle[0]))
	require.False(t, list.precedes(span("z", ""), circle[0]))
	require.Empty(t, list.orphans(circle))
}

func TestPrecedesNeedsLinksAndEvents(t *testing.T) {
	native := func(v any) ref.Val { return types.DefaultTypeAdapter.NativeToValue(v) }
	list := newLinked(&Links{Child: Path{"span"}, Parent: Path{"parent"}}, nil, View{})
	event := native(map[string]any{"span": "a"})
	require.True(t, types.IsError(precedesBinding(native([]string{}), event, event)))
	require.True(t, types.IsError(precedesBinding(list, native("a"), event)))
	require.Equal(t, types.False, precedesBinding(list, event, event))
	require.True(t, types.IsError(beforeBinding(native(1), event)))
	require.True(t, types.IsError(ofBinding(native(1), event)))
}
