package control_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

// TestTablesUnheard: a look at what wasn't heard is unknown, and says whether it may
// still be; what the rest of a condition decides stays decided; another key's rows are an
// error.
func TestTablesUnheard(t *testing.T) {
	c := withBoundary(t, asOf, `id: TT-01
title: T
criteria: [CC6.2]
tables: {held: {from: [access.granted, access.revoked], key: [event.subject, event.system]}}
population: {event: person.terminated, item: event.person_id}
expect:
  gone: {event: access.revoked, on: {event.subject: item.person_id}, between: "(0s, 24h]"}
assert: '[item.person_id, "console"] in refs.held'
applies: '[item.person_id, "console"] in refs.held || [item.person_id, "wiki"] in refs.held'
reasons:
  of: 'refs.held.of(item.person_id).size() > 0'
  other: '!(["bob", "console"] in refs.held)'
`).Controls[0]
	waits, silent := control.Doubt{Waits: true}, control.Doubt{Silent: true}
	console, ok := control.EncodeKey("ann", "console")
	require.True(t, ok)
	key, _ := control.EncodeKey("ann")
	ask := func(cond *control.Condition, row, none control.Doubt) (control.Truth, control.Doubt) {
		s := c.NewScope(control.View{"person_id": "ann"}, 0)
		rows := map[string]control.View{console: {"system": "console"}}
		s.Derived = []*control.Table{control.NewHeard(key, rows, func(v control.View) control.Doubt {
			if v == nil {
				return none
			}
			return row
		})}
		return cond.Decide(s, []control.Knowledge{control.Opaque})
	}
	for _, x := range []struct {
		cond      *control.Condition
		row, none control.Doubt
		truth     control.Truth
		doubt     control.Doubt
	}{
		{c.Assert, control.Doubt{}, silent, control.True, control.Doubt{}},
		{c.Assert, waits, silent, control.Unknown, waits},
		{c.Assert, silent, control.Doubt{}, control.Unknown, silent},
		{c.Applies, control.Doubt{}, silent, control.True, silent},
		{c.Applies, waits, silent, control.Unknown, waits.Or(silent)},
		{c.Reasons[0].When, control.Doubt{}, waits, control.Unknown, waits},
		{c.Reasons[0].When, silent, control.Doubt{}, control.Unknown, silent},
		{c.Reasons[0].When, control.Doubt{}, control.Doubt{}, control.True, control.Doubt{}},
		{c.Reasons[1].When, control.Doubt{}, control.Doubt{}, control.Unknown, control.Doubt{Failed: true}},
	} {
		truth, doubt := ask(x.cond, x.row, x.none)
		require.Equal(t, x.truth, truth, "%s %+v %+v", x.cond.Source, x.row, x.none)
		require.Equal(t, x.doubt, doubt, "%s %+v %+v", x.cond.Source, x.row, x.none)
	}
}
