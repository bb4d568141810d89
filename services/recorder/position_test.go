package recorder

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/recorder/internal/rows"
)

func TestPositionSurvivesACommit(t *testing.T) {
	id := [16]byte{1, 2, 3}
	for _, p := range []position{
		{Start: 0, End: 10, Before: rows.Chain{Last: -1}},
		{Start: 10, Before: rows.Chain{Last: 8, Leaves: 7}},
	} {
		got, known := readPosition(id, p.Start, p.metadata(id))
		require.True(t, known)
		require.Equal(t, p, got)
	}
}

func TestPositionOfOthers(t *testing.T) {
	id := [16]byte{1}
	none := position{Before: rows.Chain{Last: -1}}
	full := position{Start: 10, End: 20, Before: rows.Chain{Last: 9, Leaves: 10}}
	for _, c := range []struct {
		name   string
		offset int64
		text   string
		want   position
	}{
		{"no commit", -1, "", none},
		{"an operator's", 7, "consumer-1-uuid", position{Start: 7, Before: rows.Chain{Last: -1}}},
		{"another schema's", 7, `{"schema":99,"end":12}`, position{Start: 7, Before: rows.Chain{Last: -1}}},
		{"another topic's of the same name", 10, full.metadata([16]byte{2}), none},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, known := readPosition(id, c.offset, c.text)
			require.False(t, known)
			require.Equal(t, c.want, got)
		})
	}
}

func TestResumeTrustsCoverage(t *testing.T) {
	pending := position{Start: 10, End: 20, Before: rows.Chain{Last: 9, Leaves: 10}}
	nothing := covered{Before: rows.Chain{Last: -1}}
	for _, c := range []struct {
		name    string
		at      position
		known   bool
		covered covered
		want    position
	}{
		{"the range is repeated", pending, true, covered{End: 10, Before: rows.Chain{Last: 9, Leaves: 10}}, pending},
		{"the range is complete", pending, true, covered{End: 20, Before: rows.Chain{Last: 19, Leaves: 20}}, position{Start: 20, Before: rows.Chain{Last: 19, Leaves: 20}}},
		{"coverage was dropped", pending, true, nothing, pending},
		{"the group is new, the tables are not", position{Before: rows.Chain{Last: -1}}, false, covered{End: 20, Before: rows.Chain{Last: 18, Leaves: 12}}, position{Start: 20, Before: rows.Chain{Last: 18, Leaves: 12}}},
		{"all is new", position{Before: rows.Chain{Last: -1}}, false, nothing, position{Before: rows.Chain{Last: -1}}},
		{"an operator went ahead", position{Start: 50, Before: rows.Chain{Last: -1}}, false, covered{End: 20, Before: rows.Chain{Last: 18, Leaves: 12}}, position{Start: 50, Before: rows.Chain{Last: 18, Leaves: 12}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.at.resume(c.covered, c.known)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	_, err := pending.resume(covered{End: 4, Before: rows.Chain{Last: 3, Leaves: 4}}, true)
	require.ErrorContains(t, err, "the tables reach offset 4 and the group has recorded up to 10")
}

func TestTokensDiffer(t *testing.T) {
	base := rows.Range{Topic: "events.access", ID: [16]byte{1}, Partition: 1, Start: 11, End: 112}
	seen := map[string]bool{token(&base, "events"): true, token(&base, "coverage"): true}
	for _, change := range []func(*rows.Range){
		func(r *rows.Range) { r.Topic = "events.incident" },
		func(r *rows.Range) { r.ID[15] = 1 },
		func(r *rows.Range) { r.Partition = 11 },
		func(r *rows.Range) { r.Start, r.End = 1, 1112 },
		func(r *rows.Range) { r.End = 113 },
	} {
		r := base
		change(&r)
		require.False(t, seen[token(&r, "events")])
		seen[token(&r, "events")] = true
	}
	require.Len(t, seen, 7)
}
