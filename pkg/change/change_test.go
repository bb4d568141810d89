package change_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

const boundary = `effective_from: 2026-07-01T00:00:00Z
boundary: {services: [api, web]}
sources: {/pager: {types: [incident.*], max_gap: 3h}}
`

const acknowledged = `id: GA-01
title: Incidents are acknowledged
criteria: [CC7.3]
population: {event: incident.opened, where: event.service in boundary.services, item: event.incident_id}
expect:
  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, between: "[0s, 15m]"}
assert: ack.count >= 1
reasons: {nobody: ack.count == 0}
`

func bundle(t *testing.T, boundary string, rules ...string) *control.Bundle {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	files := fstest.MapFS{}
	for _, text := range rules {
		files[strings.TrimPrefix(strings.Split(text, "\n")[0], "id: ")+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := control.LoadWith(files, []byte(boundary), d)
	require.NoError(t, err)
	return b
}

func at(text string) compliance.Instant {
	i, err := compliance.ParseInstant(text)
	if err != nil {
		panic(err)
	}
	return i
}

func TestCompare(t *testing.T) {
	other := strings.ReplaceAll(acknowledged, "GA-01", "GA-02")
	was := bundle(t, boundary, acknowledged, other)
	w, july := at("2026-11-01T00:00:00Z"), at("2026-07-01T00:00:00Z")
	require.Empty(t, change.Compare(was, was, w))

	words := strings.NewReplacer("title: Incidents", "title: All incidents", `"[0s, 15m]"`, `"[0s,900s]"`).Replace(acknowledged)
	require.Equal(t, []change.Difference{
		{Control: "GA-01", Change: change.Words, Effect: change.NoEffect, From: july, Key: "title", Before: "Incidents are acknowledged", After: "All incidents are acknowledged"},
	}, change.Compare(was, bundle(t, boundary, words, other), w))

	layout := strings.ReplaceAll(acknowledged, "ack.count >= 1", "( ack.count>=1 )")
	got := change.Compare(was, bundle(t, boundary, layout, other), w)
	require.Len(t, got, 1)
	require.Equal(t, "layout", got[0].Key)

	longer := strings.NewReplacer("15m]", "30m]", "{nobody:", "{never: \"false\", nobody:").Replace(acknowledged)
	require.Equal(t, []change.Difference{
		{Control: "GA-01", Change: change.Rule, Effect: change.Restating, From: july, Key: "expect.ack.between", Before: "[0s, 15m]", After: "[0s, 30m]"},
		{Control: "GA-01", Change: change.Rule, Effect: change.Restating, From: july, Key: "reasons.never", After: "false"},
		{Control: "GA-02", Change: change.Removed, Effect: change.Restating, From: july, Before: "Incidents are acknowledged"},
	}, change.Compare(was, bundle(t, boundary, longer), w))

	later := strings.NewReplacer("2026-07-01", "2027-01-01", "[api, web]", "[api]").Replace(boundary)
	require.Equal(t, []change.Difference{
		{Change: change.Rule, Effect: change.Restating, From: july, Key: "effective_from", Before: "2026-07-01T00:00:00Z", After: "2027-01-01T00:00:00Z"},
		{Control: "GA-01", Change: change.Rule, Effect: change.Restating, From: july, Key: "boundary.services[web]", Before: "{}"},
	}, change.Compare(bundle(t, boundary, acknowledged), bundle(t, later, acknowledged), w))
}

// TestCompareVersions: a version is compared with what is in force where it begins.
func TestCompareVersions(t *testing.T) {
	w, december := at("2026-11-01T00:00:00Z"), at("2026-12-01T00:00:00Z")
	from := func(rules, when string) string { return rules + "effective_from: " + when + "\n" }
	longer := strings.Replace(acknowledged, "15m]", "30m]", 1)
	was := versions(t, acknowledged)
	got := change.Compare(was, versions(t, acknowledged, from(longer, "2026-12-01T00:00:00Z")), w)
	require.Equal(t, []change.Difference{
		{Control: "GA-01", Change: change.Rule, Effect: change.Prospective, From: december, Key: "expect.ack.between", Before: "[0s, 15m]", After: "[0s, 30m]"},
	}, got)
	got = change.Compare(was, versions(t, acknowledged, from(longer, "2026-10-01T00:00:00Z"), from(acknowledged, "2026-12-01T00:00:00Z")), w)
	require.Len(t, got, 1)
	require.Equal(t, change.Restating, got[0].Effect)
	require.Empty(t, change.Compare(was, versions(t, acknowledged, from(acknowledged, "2026-12-01T00:00:00Z")), w))

	got = change.Compare(was, versions(t, from(acknowledged, "2026-12-01T00:00:00Z")), w)
	require.Equal(t, []change.Difference{
		{Control: "GA-01", Change: change.Rule, Effect: change.Restating, From: at("2026-07-01T00:00:00Z"), Key: "effective_from", Before: "2026-07-01T00:00:00Z", After: "2026-12-01T00:00:00Z"},
	}, got)
}

func versions(t *testing.T, rules ...string) *control.Bundle {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	files := fstest.MapFS{}
	for i, text := range rules {
		files[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := control.LoadWith(files, []byte(boundary), d)
	require.NoError(t, err)
	return b
}
