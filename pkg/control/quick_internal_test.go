package control

import (
	"math/rand/v2"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// TestQuickAgreesWithCEL: whatever random expressions of the closed set, and some beyond
// it, are computed from, fields that are missing or of another type included, CEL computes
// the same; and what CEL refuses, nothing computes quickly.
func TestQuickAgreesWithCEL(t *testing.T) {
	env, err := language()
	require.NoError(t, err)
	env, err = env.Extend(cel.Variable("e.count", cel.IntType), cel.Variable("e.flag", cel.DynType))
	require.NoError(t, err)
	c := &compiler{env: env}
	r := expressions{rand.New(rand.NewPCG(3, 5))}
	quickly, refused, asked := 0, 0, 0
	for range 10_000 {
		text := r.expression(3)
		checked, issues := env.Compile(text)
		if issues.Err() != nil {
			continue // of kinds that the checker tells apart
		}
		p, err := c.plan(checked.NativeRep(), text)
		require.NoError(t, err)
		for range 5 {
			s := r.scope()
			want, err := p.slowly(s)
			asked++
			if p.quick == nil {
				continue
			}
			got, ok := p.quick(s)
			if !ok {
				continue
			}
			quickly++
			require.NoError(t, err, "%s of %v", text, s)
			require.Equal(t, want, got, "%s of %v and %v", text, s.Event, s.Item)
		}
		if p.quick == nil {
			refused++
		}
	}
	t.Logf("%d computed by CEL, %d of them quickly too; %d expressions are CEL's alone", asked, quickly, refused)
	require.Greater(t, quickly, 3_000)
	require.Positive(t, refused)
}

type expressions struct{ *rand.Rand }

func (r expressions) one(choices ...string) string { return choices[r.IntN(len(choices))] }

func (r expressions) expression(depth int) string {
	if depth == 0 || r.IntN(5) == 0 {
		return r.one("event.a", "event.b", "item.a", "part.a", "event.gone", "item.time", "event.id", "event.source", "event.sequence",
			"e.count", "e.flag", `"x"`, `"y"`, `""`, "0", "1", "-1", "2.5", "1u", "true", "false", "null", "has(event.a)", "size(event.b)", `event["a"]`)
	}
	left, right := r.expression(depth-1), r.expression(depth-1)
	switch r.IntN(8) {
	case 0:
		return "!(" + left + ")"
	case 1:
		return "(" + left + " ? " + right + " : true)"
	case 2:
		return "[1, 2].exists(event, event == " + left + ")"
	}
	return "(" + left + r.one(" == ", " != ", " < ", " <= ", " > ", " >= ", " && ", " || ", " && ", " || ", " + ") + right + ")"
}

// scope has values of any type in any place.
func (r expressions) scope() *Scope {
	anything := func() any {
		return []any{"x", "y", "", int64(0), int64(1), int64(-1), 2.5, 1.0, true, false, nil, []any{"x"}, map[string]any{"a": "x"}}[r.IntN(13)]
	}
	data := func() map[string]any {
		m := map[string]any{"a": anything(), "b": anything()}
		for _, name := range []string{"a", "b"} {
			if r.IntN(6) == 0 {
				delete(m, name)
			}
		}
		return m
	}
	ev := &compliance.Event{ID: r.one("x", "y"), Source: "/s", Type: "t", Sequence: r.Uint64N(2), Data: data()}
	seen := See(ev)
	names := map[string]value{"e.count": constant(types.Int(r.IntN(3)))}
	if r.IntN(4) > 0 {
		names["e.flag"] = constant(anything())
	}
	s := &Scope{control: &Control{names: names}, Event: &seen, Item: View(data()), Part: data()}
	if r.IntN(9) == 0 {
		s.Event = nil
	}
	return s
}
