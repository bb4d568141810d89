package compliance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
)

func TestInstantsSurviveText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := compliance.Instant(rapid.Int64Range(-62_135_596_800_000_000, 253_402_300_799_999_999).Draw(t, "µs"))
		got, err := compliance.ParseInstant(want.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	for _, end := range []compliance.Instant{compliance.Ever, compliance.Never} {
		text, err := json.Marshal(end)
		require.NoError(t, err)
		var got compliance.Instant
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, end, got)
		require.Equal(t, end, end.Add(time.Hour), "the ends of time stay")
	}
}

func TestInstantsAreCutToMicroseconds(t *testing.T) {
	got, err := compliance.ParseInstant("2026-07-01T02:00:00.123456789+02:00")
	require.NoError(t, err)
	require.Equal(t, "2026-07-01T00:00:00.123456Z", got.String())
}

func TestTimesThatCannotBeWrittenAgainAreRefused(t *testing.T) {
	for _, text := range []string{"", "yesterday", "2026-07-01", "2026-07-01T00:00:00", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00"} {
		_, err := compliance.ParseInstant(text)
		require.Error(t, err, text)
		require.Contains(t, err.Error(), fmt.Sprintf("%q", text), "the error shows what was given")
	}
}

func TestEventsHaveOneOrder(t *testing.T) {
	list := []compliance.Event{
		{Time: 1, Source: "b", ID: "1"}, {Time: 2, Source: "a", ID: "1"}, {Time: 2, Source: "a", ID: "2"}, {Time: 2, Source: "b", ID: "0"},
	}
	for i := range list {
		for j := range list {
			got := list[i].Compare(&list[j])
			switch {
			case i < j:
				require.Negative(t, got)
			case i > j:
				require.Positive(t, got)
			default:
				require.Zero(t, got)
			}
		}
	}
}

func TestHashesAreHex(t *testing.T) {
	var h compliance.Hash
	require.NoError(t, h.UnmarshalText([]byte("00ff000000000000000000000000000000000000000000000000000000000001")))
	require.Equal(t, byte(0xff), h[1])
	require.Equal(t, "00ff000000000000000000000000000000000000000000000000000000000001", h.String())
	for _, bad := range []string{"", "00", "zz00000000000000000000000000000000000000000000000000000000000001"} {
		require.Error(t, h.UnmarshalText([]byte(bad)))
	}
}

func TestErrorsKeepTheirCodeAndCause(t *testing.T) {
	err := fmt.Errorf("doing it: %w", compliance.Errorf(compliance.NotFound, "no %s here: %w", "thing", io.EOF))
	require.Equal(t, compliance.NotFound, compliance.CodeOf(err))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, compliance.Internal, compliance.CodeOf(errors.New("anything")))
}

// A revision is written for a change of outcome, reason, evidence, remedy or the
// item, and for nothing else.
func TestSame(t *testing.T) {
	base := compliance.Verdict{
		Item: compliance.Item{ID: "i", Time: 5}, Outcome: compliance.Pass, Due: 9,
		Evidence: []compliance.Evidence{{Expectation: "ack", Source: "/s", ID: "1", Offset: 7}},
	}
	same := map[string]func(*compliance.Verdict){
		"another copy of the evidence": func(v *compliance.Verdict) { v.Evidence[0].Offset = 8 },
		"another deadline":             func(v *compliance.Verdict) { v.Due = 10 },
	}
	differs := map[string]func(*compliance.Verdict){
		"outcome":      func(v *compliance.Verdict) { v.Outcome = compliance.Deviation },
		"reason":       func(v *compliance.Verdict) { v.Reason = "r" },
		"item's time":  func(v *compliance.Verdict) { v.Item.Time = 6 },
		"remedy":       func(v *compliance.Verdict) { v.RemediatedAt = 6 },
		"no evidence":  func(v *compliance.Verdict) { v.Evidence = nil },
		"other event":  func(v *compliance.Verdict) { v.Evidence[0].ID = "2" },
		"other body":   func(v *compliance.Verdict) { v.Evidence[0].SHA256[0] = 1 },
		"other source": func(v *compliance.Verdict) { v.Evidence[0].Source = "/t" },
		"other role":   func(v *compliance.Verdict) { v.Evidence[0].Expectation = "item" },
	}
	change := func(by func(*compliance.Verdict)) *compliance.Verdict {
		v := base
		v.Evidence = []compliance.Evidence{base.Evidence[0]}
		by(&v)
		return &v
	}
	for name, by := range same {
		require.True(t, base.Same(change(by)), name)
	}
	for name, by := range differs {
		require.False(t, base.Same(change(by)), name)
	}
}

// A revision is flat JSON, as docs/formats/violations.md says.
func TestRevisionAsJSON(t *testing.T) {
	text, err := json.Marshal(compliance.Revision{
		Tenant: "t", Control: "CH-01", RuleHash: "r", Bundle: "b", Number: 2,
		Verdict: compliance.Verdict{Item: compliance.Item{ID: "i"}, Outcome: compliance.Pass},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"tenant": "t", "control": "CH-01", "rule_hash": "r", "bundle": "b", "revision": 2,
		"item": {"id": "i", "time": "1970-01-01T00:00:00Z"}, "outcome": "pass", "due": "1970-01-01T00:00:00Z",
		"known_at": "1970-01-01T00:00:00Z", "final_at": "1970-01-01T00:00:00Z"}`, string(text))
}
