package peers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// A correlation rule of Panther's joins signals, which are matches of its other rules, by
// the value of a field that each rule names; so an event here is one signal with that
// field (testdata/correlation/events). A rule alerts if an item deviates.

// correlation is a rule with its tests.
type correlation struct {
	rule  string
	cases []correlationCase
}

type correlationCase struct {
	name   string
	alerts bool
	raised []raised
}

// raised is a signal: which rule, with which value of which field, when.
type raised struct {
	rule, field, value string
	at                 compliance.Instant
}

// peersStart is when offsets count from.
const peersStart = compliance.Instant(1_700_000_000_000_000)

// TestCorrelation holds controls to our own signals and, where they are, to the tests
// that Panther publishes with its rules.
func TestCorrelation(t *testing.T) {
	d, err := dictionary.Load(os.DirFS("testdata/correlation/events"))
	require.NoError(t, err)
	peers := peersIn(t, "correlation", d, "boundary: {}")
	own := ownSignals(t)
	rules := slices.Clone(own)
	for _, file := range peersFixture(t, "correlation/*.json") {
		rules = append(rules, publishedCorrelation(t, file))
	}
	rows := make([]peerRow, 0, len(rules))
	for _, c := range rules {
		p := peers[c.rule]
		if p == nil {
			t.Errorf("no control says %s", c.rule)
			continue
		}
		rows = append(rows, p.correlates(t, d, c))
	}
	for title := range peers {
		require.True(t, slices.ContainsFunc(own, func(c correlation) bool { return c.rule == title }), "%s has no case of our own", title)
	}
	peerTable(t, "CORRELATION RULE", rows)
}

func (p *peer) correlates(t *testing.T, d *dictionary.Dictionary, c correlation) peerRow {
	t.Helper()
	row := peerRow{rule: c.rule, as: p.id()}
	for _, k := range c.cases {
		row.cases++
		events := make([]*compliance.Event, 0, len(k.raised))
		for i, r := range k.raised {
			events = append(events, peerEvent(t, d, "signal.raised", "/signals", fmt.Sprintf("%s/%d", r.rule, i), r.at, r.data()))
		}
		outcomes := p.judged(t, events, 10)
		if got := slices.Contains(slices.Collect(maps.Values(outcomes)), compliance.Deviation); got != k.alerts {
			row.differed++
			t.Errorf("%s: %s: %s: the rule alerts: %t; the control says %v", p.file, c.rule, k.name, k.alerts, outcomes)
		}
	}
	return row
}

// data has the value at the field's path.
func (r *raised) data() map[string]any {
	data := map[string]any{"rule": r.rule}
	at := data
	names := strings.Split(r.field, ".")
	for _, name := range names[:len(names)-1] {
		inner := map[string]any{}
		at[name], at = inner, inner
	}
	at[names[len(names)-1]] = r.value
	return data
}

// publishedCorrelation reads a rule's file: groups or sequences give the rule of each id.
func publishedCorrelation(t *testing.T, file string) correlation {
	t.Helper()
	type step struct{ ID, RuleID string }
	var published struct {
		ID        string `json:"id"`
		Detection struct{ Group, Sequence []step }
		Tests     []struct {
			Name           string
			ExpectedResult bool
			RuleOutputs    []struct {
				ID      string
				Matches map[string]map[string][]any
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, file)), &published))
	rules := map[string]string{}
	for _, s := range slices.Concat(published.Detection.Group, published.Detection.Sequence) {
		rules[s.ID] = s.RuleID
	}
	c := correlation{rule: published.ID}
	for _, test := range published.Tests {
		k := correlationCase{name: test.Name, alerts: test.ExpectedResult}
		for _, output := range test.RuleOutputs {
			require.NotEmpty(t, rules[output.ID], "%s: %s", file, output.ID)
			for field, values := range output.Matches {
				for value, times := range values {
					for _, at := range times {
						k.raised = append(k.raised, raised{rules[output.ID], field, value, momentOf(t, at)})
					}
				}
			}
		}
		c.cases = append(c.cases, k)
	}
	return c
}

// momentOf reads minutes from a start, or a time.
func momentOf(t *testing.T, at any) compliance.Instant {
	t.Helper()
	if text, ok := at.(string); ok {
		moment, err := compliance.ParseInstant(text)
		require.NoError(t, err)
		return moment
	}
	minutes, ok := at.(float64)
	require.True(t, ok, "%v is neither a time nor a number of minutes", at)
	return peersStart.Add(time.Duration(minutes * float64(time.Minute)))
}

// ownSignals reads our own cases.
func ownSignals(t *testing.T) []correlation {
	t.Helper()
	var rules map[string][]struct {
		Name    string
		Alerts  bool
		Signals [][]any
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "testdata/correlation_samples.yaml")), &rules))
	var all []correlation
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		c := correlation{rule: rule}
		for _, k := range rules[rule] {
			one := correlationCase{name: "ours: " + k.Name, alerts: k.Alerts}
			for _, s := range k.Signals {
				for _, minute := range s[3:] {
					number, err := strconv.ParseFloat(fmt.Sprint(minute), 64)
					require.NoError(t, err)
					one.raised = append(one.raised, raised{fmt.Sprint(s[0]), fmt.Sprint(s[1]), fmt.Sprint(s[2]), momentOf(t, number)})
				}
			}
			c.cases = append(c.cases, one)
		}
		all = append(all, c)
	}
	return all
}
