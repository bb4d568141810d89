package peers_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/controltest/internal/timeline"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/schemas"
)

// A rule of Panther's looks at one log entry of a vendor, and alerts once as many as its
// threshold match within its window. An entry becomes what the mapping that we ship makes
// of it, and beside that a vendor.log, the entry as it came, for rules that read more.
// A rule alerts if an item deviates.

// entries are what a rule is tried on.
type entries struct {
	Name   string
	Alerts bool
	Log    any
	Times  int // how often it comes; 0 means once
	Every  time.Duration
	Vary   string // a path to what differs each time
	// Deviations is how many items deviate; 0 means any number.
	Deviations int
}

// vendors are ours, by how the names of rules begin; "" has no mapping.
func vendors() map[string]string {
	return map[string]string{
		"Okta": "okta", "GitHub": "github-audit", "Github": "github-audit", "OpenAI": "openai", "Anthropic": "anthropic", "Auth0": "",
		"AWS": "", "GCP": "", "Azure": "", "Google": "", "GSuite": "", "Slack": "", "Zoom": "", "OneLogin": "", "Zendesk": "", "Box": "", "DUO": "",
		"Amazon": "", "CarbonBlack": "", "Crowdstrike": "", "Dropbox": "", "Duo": "", "GitLab": "", "Intune": "", "Kubernetes": "", "Microsoft365": "", "MongoDB": "",
		"Osquery": "", "Standard": "", "Teleport": "",
	}
}

// differing are published tests that say otherwise than our controls, and why.
func differing() map[string]string {
	const one = "one entry matches; the control says when the rule alerts, after five addresses"
	return map[string]string{
		"OpenAI.CredentialStuffing: Match - Failed Login":              one,
		"OpenAI.CredentialStuffing: Match - Failed Login Different IP": one,
	}
}

// TestVendorRules holds controls to our own entries and, where they are, to the unit tests
// that Panther publishes with its rules.
func TestVendorRules(t *testing.T) {
	d := vendorTypes(t)
	library, err := source.Default(d)
	require.NoError(t, err)
	peers := peersIn(t, "panther", d, "boundary: {}")
	var own map[string][]entries
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "testdata/panther_samples.yaml")), &own))
	var rows []peerRow
	try := func(rule string, cases []entries) {
		if p := peers[rule]; p != nil {
			rows = append(rows, p.alerts(t, d, library, rule, cases))
		} else {
			t.Errorf("no control says %s", rule)
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(own)) {
		try(rule, own[rule])
	}
	for _, file := range peersFixture(t, "panther/*.json") {
		try(publishedRule(t, file))
	}
	for title := range peers {
		require.NotEmpty(t, own[title], "%s has no case of our own", title)
	}
	peerTable(t, "RULE OF ONE ENTRY", rows)
}

// vendorTypes are the product's event types and vendor.log.
func vendorTypes(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	files := fstest.MapFS{}
	shipped, err := fs.Sub(schemas.FS, "events")
	require.NoError(t, err)
	for _, folder := range []fs.FS{shipped, os.DirFS("testdata/panther/events")} {
		names, err := fs.Glob(folder, "*.json")
		require.NoError(t, err)
		for _, name := range names {
			raw, err := fs.ReadFile(folder, name)
			require.NoError(t, err)
			files[name] = &fstest.MapFile{Data: raw}
		}
	}
	d, err := dictionary.Load(files)
	require.NoError(t, err)
	return d
}

func (p *peer) alerts(t *testing.T, d *dictionary.Dictionary, library *source.Library, rule string, cases []entries) peerRow {
	t.Helper()
	row := peerRow{rule: rule, as: p.id()}
	prefix, _, _ := strings.Cut(rule, ".")
	vendor, known := vendors()[prefix]
	require.True(t, known, "%s is of a vendor that this test doesn't know", rule)
	mapping, _ := library.Vendor(vendor)
	for _, c := range cases {
		row.cases++
		known := differing()[rule+": "+c.Name]
		outcomes := p.judged(t, c.events(t, d, mapping, strings.ToLower(prefix)), 5)
		deviations, unknown := 0, false
		for _, outcome := range outcomes {
			if outcome == compliance.Deviation {
				deviations++
			}
			unknown = unknown || outcome == compliance.Inconclusive
		}
		if unknown {
			t.Errorf("%s: %s: %s: the control can't tell: %v", p.file, rule, c.Name, outcomes)
		}
		if deviations > 0 != c.Alerts || c.Deviations > 0 && c.Deviations != deviations {
			row.differed++
			if known == "" {
				t.Errorf("%s: %s: %s: the rule alerts: %t; the control says %v", p.file, rule, c.Name, c.Alerts, outcomes)
			}
			t.Logf("%s: %s differs: %s", rule, c.Name, known)
		} else if known != "" {
			t.Errorf("%s: %s: %s is the same by now", p.file, rule, c.Name)
		}
	}
	return row
}

// events are the entries as mapped, and as they came.
func (c *entries) events(t *testing.T, d *dictionary.Dictionary, mapping *source.Vendor, name string) []*compliance.Event {
	t.Helper()
	var events []*compliance.Event
	for i := range max(c.Times, 1) {
		raw, err := json.Marshal(c.Log)
		require.NoError(t, err)
		body, err := source.Decode(varied(t, raw, c.Vary, i))
		require.NoError(t, err)
		after := time.Duration(i) * c.Every
		events = append(events, peerEvent(t, d, "vendor.log", "/"+name, fmt.Sprintf("log-%d", i), peersStart.Add(after), map[string]any{"log": body}))
		if mapping == nil {
			continue
		}
		mapped := mapping.Map(source.Delivery{Body: body, SHA256: sha256.Sum256(raw), Received: peersStart})
		require.Empty(t, mapped.Faults)
		for _, e := range mapped.Events {
			typ, err := d.Find(e.Type)
			require.NoError(t, err)
			data, err := typ.Decode(e.Data)
			require.NoError(t, err)
			ev := &compliance.Event{Tenant: timeline.Tenant, Source: "/" + name, ID: fmt.Sprintf("%s-%d", e.ID, i), Type: e.Type, Time: e.Time.Add(after), Data: data}
			timeline.Seal(ev, typ, e.Data, i)
			events = append(events, ev)
		}
	}
	return events
}

// varied gives the entry's value at a path a number.
func varied(t *testing.T, raw []byte, path string, i int) []byte {
	t.Helper()
	if path == "" {
		return raw
	}
	var log map[string]any
	require.NoError(t, json.NewDecoder(bytes.NewReader(raw)).Decode(&log))
	at, names := log, strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := at[name].(map[string]any)
		require.True(t, ok, path)
		at = inner
	}
	at[names[len(names)-1]] = fmt.Sprintf("%v-%d", at[names[len(names)-1]], i)
	changed, err := json.Marshal(log)
	require.NoError(t, err)
	return changed
}

// asSent gives fields the names that their vendor gives them. Panther's tables have names in
// small letters, as some of its tests, and its rules read either.
func asSent(log map[string]any) map[string]any {
	sent := map[string]any{}
	for name, value := range log {
		for _, own := range []string{"eventName", "eventType", "eventSource", "userIdentity", "protoPayload", "debugContext"} {
			if name == strings.ToLower(own) {
				name = own
			}
		}
		sent[name] = value
	}
	return sent
}

// publishedRule reads a rule's unit tests. They say whether one entry matches; it comes as
// often as the rule's threshold wants.
func publishedRule(t *testing.T, file string) (string, []entries) {
	t.Helper()
	var published struct {
		Rule      string `json:"rule_id"`
		Threshold int
		Tests     []struct {
			Name     string
			Expected bool
			Log      map[string]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, file)), &published))
	require.NotEmpty(t, published.Rule, filepath.Base(file))
	var cases []entries
	for _, test := range published.Tests {
		cases = append(cases, entries{Name: test.Name, Alerts: test.Expected, Log: asSent(test.Log), Times: published.Threshold})
	}
	return published.Rule, cases
}
