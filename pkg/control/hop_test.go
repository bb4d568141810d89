package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// TestSeveralKeys: where expectations share no field of the item each joins at a key of
// its own, and the item is judged at its id, a stage later.
func TestSeveralKeys(t *testing.T) {
	text := replaced(t, sound, `on: {event.change_id: item.change_id}, between: "[-30d`, `on: {event.commit: item.commit}, between: "[-30d`)
	b, err := load(t, map[string]string{"C.yaml": text})
	require.NoError(t, err)
	c := b.Control("CH-01")
	require.True(t, c.Hops)
	require.Equal(t, 1, c.Stage)
	require.Empty(t, c.Key)
	ev := &compliance.Event{Type: "deploy.completed", ID: "e", Data: map[string]any{"deploy_id": "d-1", "environment": "production", "change_id": "c-1", "commit": "f00"}}
	require.Equal(t, []string{`["item","d-1"]`, `["on commit","f00"]`, `["on change_id","c-1"]`}, c.Keys(ev))
	push := &compliance.Event{Type: "change.pushed", ID: "p", Data: map[string]any{"change_id": "c-1", "commit": "f00"}}
	require.Equal(t, []string{`["on commit","f00"]`}, c.Keys(push))
	approval := &compliance.Event{Type: "change.approved", ID: "a", Data: map[string]any{"change_id": "f00", "commit": "f00"}}
	require.Equal(t, []string{`["on change_id","f00"]`}, c.Keys(approval), "another field with the same value is another key")
	require.False(t, control.IsHop(c.Keys(ev)[0]))
	require.True(t, control.IsHop(c.Keys(ev)[1]))
}

// TestOneKeyIsEnough: a field that all share is the key, as it was.
func TestOneKeyIsEnough(t *testing.T) {
	b, err := load(t, map[string]string{"C.yaml": strings.ReplaceAll(sound, "on: {event.change_id: item.change_id}, between: \"[-30d", "on: {event.change_id: item.change_id, event.commit: item.commit}, between: \"[-30d")})
	require.NoError(t, err)
	require.False(t, b.Control("CH-01").Hops)
	require.Zero(t, b.Control("CH-01").Stage)
}

// TestAnotherFieldIsAnotherJoin: an item isn't handed what lies where it didn't join.
func TestAnotherFieldIsAnotherJoin(t *testing.T) {
	text := replaced(t, sound, `on: {event.change_id: item.change_id}, between: "[-30d`, `on: {event.commit: item.commit}, between: "[-30d`)
	b, err := load(t, map[string]string{"C.yaml": text})
	require.NoError(t, err)
	other, err := load(t, map[string]string{"C.yaml": replaced(t, text, "on: {event.commit: item.commit}", "on: {event.commit: item.component}")})
	require.NoError(t, err)
	was, is := b.Control("CH-01"), other.Control("CH-01")
	require.True(t, was.RoutesAll(was))
	require.True(t, is.Hops)
	require.False(t, was.RoutesAll(is))
}
