package control_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

const approvals = `id: CH-01
title: Approved
criteria: [CC8.1]
population: {event: deploy.completed, item: event.deploy_id}
expect: {ok: {event: change.approved, on: {event.change_id: item.change_id}, where: event.approver != item.author, between: "[-2d, 0s]"}}
assert: ok.count >= 1
`

// TestFollowKnowsWhatWasRead: a version has the record of what was routed for its control
// and held; else its record begins with the rules that read it.
func TestFollowKnowsWhatWasRead(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	load := func(files ...string) *control.Bundle {
		fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")}}
		for i, text := range files {
			fsys[string(rune('a'+i))+".yaml"] = &fstest.MapFile{Data: []byte(text)}
		}
		b, err := control.Load(fsys, types)
		require.NoError(t, err)
		return b
	}
	w, err := compliance.ParseInstant("2026-08-01T00:00:00Z")
	require.NoError(t, err)
	since := control.Since{Routed: w.Add(control.Early), Watermark: w}
	later := func(old, with string) string {
		return replaced(t, approvals, old, with) + "effective_from: 2026-09-01T00:00:00Z\n"
	}
	for name, c := range map[string]struct {
		second string
		want   compliance.Instant
	}{
		"shorter":       {later("-2d", "-1d"), compliance.Ever},
		"longer":        {later("-2d", "-3d"), w.Add(-2 * 24 * 60 * 60 * 1e9)},
		"another type":  {later("change.approved", "[change.approved, change.approval_revoked]"), since.Routed},
		"another key":   {later("event.change_id: item.change_id", "event.source: item.change_id"), since.Routed},
		"another field": {later("event.approver != item.author", "event.commit == item.commit"), since.Routed},
	} {
		t.Run(name, func(t *testing.T) {
			b := load(approvals, c.second)
			b.Follow(load(approvals), since)
			versions := b.Control("CH-01").Versions
			require.Equal(t, compliance.Ever, versions[0].HistoryFrom, "it stood there")
			require.Equal(t, c.want, versions[1].HistoryFrom)
			next := load(approvals, c.second)
			next.Follow(b, control.Since{Routed: since.Routed.Add(1), Watermark: w.Add(1)})
			require.Equal(t, c.want, next.Control("CH-01").Versions[1].HistoryFrom, "what is known stays known")
		})
	}
	b := load(approvals)
	b.Follow(load(replaced(t, approvals, "id: CH-01", "id: CH-09")), since)
	require.Equal(t, since.Routed, b.Control("CH-01").HistoryFrom, "a new control has read nothing")
}

// TestPackedBundlesAreTheSame: a bundle can be read from its files in one piece.
func TestPackedBundlesAreTheSame(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(fstest.MapFS{
		control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")}, "sub/a.yaml": {Data: []byte(approvals)},
	}, types)
	require.NoError(t, err)
	packed, err := b.Pack()
	require.NoError(t, err)
	again, err := control.Unpack(packed, types)
	require.NoError(t, err)
	require.Equal(t, b.Hash, again.Hash)
	require.Equal(t, "sub/a.yaml", again.Control("CH-01").File)
	repacked, err := again.Pack()
	require.NoError(t, err)
	require.Equal(t, packed, repacked)
	for _, wrong := range [][]byte{nil, []byte("x"), packed[:len(packed)/2]} {
		_, err := control.Unpack(wrong, types)
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	}
}
