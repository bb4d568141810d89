package story_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/story"
)

// theDefault is written once for all tests; nothing changes a story.
var theDefault = sync.OnceValue(func() *story.Story { return story.New(story.Options{}) })

// sizes runs a test on both sizes; small ones on several seeds.
func sizes(t *testing.T, test func(t *testing.T, s *story.Story)) {
	t.Helper()
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("small-%d", seed), func(t *testing.T) {
			t.Parallel()
			test(t, story.New(story.Options{Seed: seed, Size: story.Small}))
		})
	}
	t.Run("middle", func(t *testing.T) {
		t.Parallel()
		test(t, story.New(story.Options{Size: story.Middle}))
	})
	t.Run("default", func(t *testing.T) {
		t.Parallel()
		test(t, theDefault())
	})
}

// events are s's events, without duplicates and barriers.
func events(s *story.Story) []compliance.Event {
	var all []compliance.Event
	for e := range s.Events() {
		if e.Barrier == nil && !e.Duplicate {
			all = append(all, e.Event)
		}
	}
	return all
}

func digest(t *testing.T, s *story.Story) string {
	t.Helper()
	h := sha256.New()
	enc := json.NewEncoder(h)
	for e := range s.Events() {
		require.NoError(t, enc.Encode(e))
	}
	require.NoError(t, enc.Encode(s.Census()))
	require.NoError(t, enc.Encode(s.Planted()))
	h.Write(s.Boundary())
	return hex.EncodeToString(h.Sum(nil))
}

func TestStorySameSeedSameStory(t *testing.T) {
	t.Parallel()
	for _, size := range []story.Size{story.Small, story.Default} {
		first := digest(t, story.New(story.Options{Seed: 7, Size: size}))
		require.Equal(t, first, digest(t, story.New(story.Options{Seed: 7, Size: size})))
		require.NotEqual(t, first, digest(t, story.New(story.Options{Seed: 8, Size: size})))
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	s := theDefault()
	n := len(events(s))
	t.Logf("default: %d events, %d items", n, len(s.Census()))
	require.Greater(t, n, 100_000)
	require.Less(t, n, 200_000)
	require.Greater(t, len(s.Census()), 3000)

	s = story.New(story.Options{Size: story.Small})
	n = len(events(s))
	t.Logf("small: %d events, %d items", n, len(s.Census()))
	require.Greater(t, n, 2000)
	require.Less(t, n, 4000)
}

func BenchmarkDefault(b *testing.B) {
	for b.Loop() {
		story.New(story.Options{})
	}
}

func TestEventsFitTheDictionary(t *testing.T) {
	t.Parallel()
	d, err := dictionary.Default()
	require.NoError(t, err)
	sizes(t, func(t *testing.T, s *story.Story) {
		for _, ev := range events(s) {
			typ, ok := d.Type(ev.Type)
			require.True(t, ok, ev.Type)
			raw, err := json.Marshal(ev.Data)
			require.NoError(t, err)
			data, err := typ.Decode(raw)
			require.NoError(t, err, "%s: %s", ev.Type, raw)
			require.True(t, reflect.DeepEqual(ev.Data, data), "the log decodes %v, the story wrote %v", data, ev.Data)
			require.NotEmpty(t, typ.Key(data, ev.Source))
			for name := range ev.Data {
				require.NotNil(t, typ.Fields[name], "%s has a field %s that no control could read", ev.Type, name)
			}
		}
	})
}

func TestArrivalOrder(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		var last compliance.Instant
		next := map[string]uint64{}
		sent := map[compliance.EventKey]compliance.Event{}
		var duplicates, hoursLate, disordered int
		times := map[string]compliance.Instant{}
		for e := range s.Events() {
			require.GreaterOrEqual(t, e.Arrives, last)
			last = e.Arrives
			if e.Barrier != nil {
				continue
			}
			ev := e.Event
			require.Equal(t, "default", ev.Tenant)
			require.Greater(t, e.Arrives, ev.Time)
			if e.Duplicate {
				require.Equal(t, sent[ev.Key()], ev)
				duplicates++
				continue
			}
			_, again := sent[ev.Key()]
			require.False(t, again, "%v is there twice", ev.Key())
			sent[ev.Key()] = ev
			next[ev.Source]++
			require.Equal(t, next[ev.Source], ev.Sequence, "%s has a hole in the order of arrival", ev.Source)
			if e.Arrives.Sub(ev.Time) > time.Hour {
				hoursLate++
			}
			if ev.Time < times[ev.Source] {
				disordered++
			}
			times[ev.Source] = max(times[ev.Source], ev.Time)
		}
		require.Positive(t, duplicates)
		require.Positive(t, hoursLate)
		require.Positive(t, disordered)
	})
}

// No verdict but the planted one is ever corrected: what comes more than four
// minutes late, which is within every deadline's margin, decides nothing that
// was open meanwhile, and no score comes after its day.
func TestLatenessCorrectsNothingElse(t *testing.T) {
	t.Parallel()
	harmless := map[string]bool{
		"access.login": true, "access.reviewed": true, "incident.resolved": true,
	}
	sizes(t, func(t *testing.T, s *story.Story) {
		triage := map[any]bool{}
		for _, ev := range events(s) {
			if ev.Type == "output.delivered" && ev.Data["use_case"] == "triage" {
				triage[ev.Data["trace_id"]] = true
			}
		}
		planted := false
		for e := range s.Events() {
			ev := e.Event
			late := e.Arrives.Sub(ev.Time)
			switch {
			case planted:
				require.Equal(t, "access.request.approved", ev.Type, "it follows its barrier")
				planted = false
			case e.Barrier != nil:
				planted = true
			case e.Duplicate:
			case ev.Type == "source.heartbeat":
				require.Less(t, late, time.Minute)
			case ev.Type == "eval.online.scored":
				require.Equal(t, e.Arrives.Time().Day(), ev.Time.Time().Day())
			case !harmless[ev.Type] && !triage[ev.Data["trace_id"]]:
				require.Less(t, late, 4*time.Minute+time.Second, "%v", ev)
			}
		}
	})
}

// What a source says first is that it lives, what it says last that it retires;
// in between it is never quiet for longer than the boundary allows, but for the
// scorer, once, within one day.
func TestOnlyTheScorerFallsSilentAndWithinOneDay(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		b := boundaryOf(t, s)
		from, to := s.Period()
		first, beats, last := map[string]string{}, map[string][]compliance.Instant{}, map[string]string{}
		for _, ev := range events(s) {
			if first[ev.Source] == "" {
				first[ev.Source] = ev.Type
			}
			last[ev.Source] = ev.Type
			if ev.Type == "source.heartbeat" {
				beats[ev.Source] = append(beats[ev.Source], ev.Time)
			}
		}
		var gaps [][2]compliance.Instant
		for source, rule := range b.Sources {
			require.Equal(t, "source.heartbeat", first[source])
			require.Equal(t, "source.retired", last[source])
			require.Less(t, beats[source][0], from.Add(-30*24*time.Hour))
			require.Greater(t, beats[source][len(beats[source])-1], to.Add(5*24*time.Hour))
			gap, err := time.ParseDuration(rule.MaxGap)
			require.NoError(t, err)
			for i := 1; i < len(beats[source]); i++ {
				if beats[source][i].Sub(beats[source][i-1]) > gap {
					require.Equal(t, "/scorer", source)
					gaps = append(gaps, [2]compliance.Instant{beats[source][i-1], beats[source][i]})
				}
			}
		}
		require.Len(t, gaps, 1)
		d := gaps[0][0].Time().Format(time.DateOnly)
		require.Equal(t, d, gaps[0][1].Time().Format(time.DateOnly))
		require.Greater(t, gaps[0][1].Sub(gaps[0][0]), 19*time.Hour)
		for _, ev := range events(s) {
			require.False(t, ev.Source == "/scorer" && gaps[0][1].Add(-20*time.Hour) <= ev.Time && ev.Time < gaps[0][1], "%v", ev)
		}
		for _, it := range s.Census() {
			silent := it.Control == story.MC11 && it.Time.Time().Format(time.DateOnly) == d
			require.Equal(t, silent, it.Outcome == compliance.Inconclusive, "%+v", it)
		}
	})
}

func TestCensusIsWellFormed(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		from, to := s.Period()
		seen := map[[2]string]bool{}
		for _, it := range s.Census() {
			key := [2]string{it.Control, it.ItemID}
			require.False(t, seen[key], "%v is there twice", key)
			seen[key] = true
			require.GreaterOrEqual(t, it.Time, from)
			require.Less(t, it.Time, to)
			require.Equal(t, it.Outcome == compliance.Pass, it.Reason == "", "%+v", it)
			require.False(t, it.Remediated && it.Outcome != compliance.Deviation)
		}
		sum := 0
		for control, c := range s.Totals() {
			require.Equal(t, c.Items, c.Pass+c.Deviation+c.NotApplicable+c.Inconclusive, control)
			require.Positive(t, c.Pass, control)
			sum += c.Items
		}
		require.Len(t, s.Census(), sum)
		require.Len(t, s.Totals(), 12)
	})
}

func TestPlanted(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"self-approval":            "CH-01 deviation self_approval",
		"deployed-before-approval": "CH-01 deviation approval_after_deploy",
		"missing-evaluation":       "CH-05a deviation no_evaluation",
		"failed-evaluation":        "CH-05a deviation evaluation_failed",
		"unapproved-provider":      "MC-01 deviation provider_not_approved",
		"tool-outside-boundary":    "MC-06 deviation tool_outside_boundary",
		"late-acknowledgement":     "IN-01 deviation acknowledged_late",
		"skipped-review":           "AC-04 deviation no_review",
		"kept-access":              "AC-03 deviation still_active",
		"access-revoked-late":      "AC-03 deviation still_active",
		"leaver-without-access":    "AC-03 not_applicable no_parts",
		"missing-retrieval":        "MC-05 deviation step_missing",
		"late-evidence":            "AC-02 pass ",
		"silent-scorer":            "MC-11 inconclusive source_silent",
		"low-groundedness":         "MC-11 deviation below_threshold",
		"too-few-samples":          "MC-11 not_applicable does_not_apply",
		"no-mfa":                   "AC-01 deviation no_mfa",
	}
	sizes(t, func(t *testing.T, s *story.Story) {
		census := map[[2]string]story.Item{}
		strange := 0
		for _, it := range s.Census() {
			census[[2]string{it.Control, it.ItemID}] = it
			if it.Outcome != compliance.Pass {
				strange++
			}
		}
		got := map[string]string{}
		for _, p := range s.Planted() {
			got[p.Name] = fmt.Sprintf("%s %s %s", p.Control, p.Outcome, p.Reason)
			require.NotEmpty(t, p.Items)
			require.NotEmpty(t, p.Why)
			for _, id := range p.Items {
				it := census[[2]string{p.Control, id}]
				require.Equal(t, p.Outcome, it.Outcome, "%s: %s", p.Name, id)
				require.Equal(t, p.Reason, it.Reason)
				if p.Outcome != compliance.Pass {
					strange--
				}
			}
		}
		require.Equal(t, want, got)
		require.Zero(t, strange, "what isn't a pass was planted")
	})
}

// The late approval is one second's work for a driver: the barrier stands
// before it, and the deviation was due long before.
func TestBarrierStandsBeforeTheLateEvidence(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		var barriers, after []story.Emission
		for e := range s.Events() {
			if len(barriers) == 1 && len(after) == 0 {
				after = append(after, e)
			}
			if e.Barrier != nil {
				barriers = append(barriers, e)
			}
		}
		require.Len(t, barriers, 1)
		require.Equal(t, story.AC02, barriers[0].Barrier.Control)
		require.Equal(t, compliance.Deviation, barriers[0].Barrier.Outcome)
		ev := after[0].Event
		require.Equal(t, "access.request.approved", ev.Type)
		require.Equal(t, barriers[0].Arrives, after[0].Arrives)
		require.Greater(t, after[0].Arrives.Sub(ev.Time), 48*time.Hour)
		for _, grant := range events(s) {
			if grant.Type == "access.granted" && grant.Data["grant_id"] == barriers[0].Barrier.Item {
				require.Equal(t, ev.Data["subject"], grant.Data["subject"])
				require.Equal(t, ev.Data["entitlement"], grant.Data["entitlement"])
				require.Less(t, ev.Time, grant.Time)
				return
			}
		}
		require.Fail(t, "the barrier's grant is missing")
	})
}

type boundaryFile struct {
	EffectiveFrom time.Time `yaml:"effective_from"`
	Tenants       []string  `yaml:"tenants"`
	Boundary      struct {
		Systems    []memberEntry `yaml:"systems"`
		Services   []memberEntry `yaml:"services"`
		Components []string      `yaml:"components"`
	} `yaml:"boundary"`
	Sources map[string]struct {
		Types  []string `yaml:"types"`
		MaxGap string   `yaml:"max_gap"`
	} `yaml:"sources"`
	Refs struct {
		Providers map[string]struct {
			ValidFrom time.Time `yaml:"valid_from"`
			Classes   []string  `yaml:"classes"`
		} `yaml:"providers"`
		RequiredSuites map[string]struct {
			Suites      []string `yaml:"suites"`
			MinPermille int64    `yaml:"min_permille"`
		} `yaml:"required_suites"`
		Agents map[string]struct {
			Tools []string `yaml:"tools"`
		} `yaml:"agents"`
	} `yaml:"refs"`
}

type memberEntry struct {
	ID    string    `yaml:"id"`
	From  time.Time `yaml:"from"`
	Until time.Time `yaml:"until"`
}

func boundaryOf(t *testing.T, s *story.Story) boundaryFile {
	t.Helper()
	var b boundaryFile
	require.NoError(t, yaml.Unmarshal(s.Boundary(), &b))
	return b
}

func TestBoundaryFitsTheStory(t *testing.T) {
	t.Parallel()
	sizes(t, func(t *testing.T, s *story.Story) {
		b := boundaryOf(t, s)
		from, to := s.Period()
		require.Equal(t, from, compliance.InstantOf(b.EffectiveFrom))
		require.Len(t, b.Sources, 8)
		require.NotEmpty(t, b.Boundary.Components)
		for _, m := range append(b.Boundary.Systems, b.Boundary.Services...) {
			require.LessOrEqual(t, compliance.InstantOf(m.Until), to)
		}
	})
}
