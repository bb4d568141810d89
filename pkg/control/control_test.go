package control_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

const boundary = `
effective_from: 2026-07-01T00:00:00Z
boundary: {components: [api, web], systems: [{id: console, until: 2026-10-01T00:00:00Z}]}
sources: {/vcs: {types: [change.*], max_gap: 3h}}
refs: {providers: {p1: {valid_from: 2026-01-01T00:00:00Z, classes: [public]}}, pairs: [{key: [p1, m1]}]}
`

const deploys = `
id: CH-01
title: Production deployments are approved
criteria: [CC8.1]
severity: high
population:
  event: deploy.completed
  where: event.environment == "production" && event.component in boundary.components
  item: event.deploy_id
expect:
  push: {event: change.pushed, on: {event.change_id: item.change_id}, between: "[-30d, 0s]", pick: last}
  approval:
    event: change.approved
    on: {event.change_id: item.change_id}
    where: event.approver != item.author && event.commit == item.commit
    between: "(push.time, item.time]"
    unless: {event: change.approval_revoked, on: {event.change_id: item.change_id}, between: "(approval.time, item.time]"}
assert: approval.count >= 1
reasons: {no_approval: approval.count == 0}
`

func load(t testing.TB, files map[string]string) (*control.Bundle, error) {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(boundary)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return control.Load(fsys, d)
}

func TestLoadCompilesAControl(t *testing.T) {
	b, err := load(t, map[string]string{"soc2/change/CH-01.yaml": deploys})
	require.NoError(t, err)
	c := b.Control("CH-01")
	require.Equal(t, []control.Path{{"change_id"}}, c.Key)
	require.True(t, b.Reads("change.pushed"))
	require.False(t, b.Reads("tool.call.completed"))
	require.Equal(t, []bool{true, true}, c.Decisive)
}
