package reconcile_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/reconcile"
)

func at(text string) compliance.Instant {
	t, err := compliance.ParseInstant(text)
	if err != nil {
		panic(err)
	}
	return t
}

func mapping(t *testing.T, text string) *reconcile.Mapping {
	t.Helper()
	m, err := reconcile.ReadMapping("recon.yaml", []byte(text))
	require.NoError(t, err)
	return m
}

const export = "\ufeffid,env,finished\n" +
	"d1,production,2026-07-01 02:00:00\n" + // midnight in UTC
	"d2,production,2026-07-10 12:00:30\n" +
	"d3,staging,2026-07-10 12:00:00\n" +
	"d4,production,2026-07-11 12:00:00\n" +
	"d5,production,2026-07-12 12:00:00\n" +
	"d5,production,2026-07-12 12:00:00\n" +
	"d6,production,2026-08-01 03:00:00\n" +
	"d7,production,2026-07-13 12:00:00\n" +
	"\"d8\",production,2026-08-01 02:00:20\n"

func TestEachDifferenceIsNamed(t *testing.T) {
	m := mapping(t, "key: id\ntime: finished\nlayout: \"2006-01-02 15:04:05\"\nzone: Europe/Berlin\ntolerance: 1m\nwhere: {env: production}\n")
	e, err := reconcile.ReadExport(strings.NewReader(export), m)
	require.NoError(t, err)
	require.Equal(t, 9, e.Read)
	require.Equal(t, 1, e.Filtered)
	r := reconcile.Compare(e, m, []reconcile.Item{
		{ID: "d1", At: at("2026-07-01T00:00:00Z"), Outcome: compliance.Pass},
		{ID: "d2", At: at("2026-07-10T10:00:00Z"), Outcome: compliance.Deviation}, // half a minute apart
		{ID: "d4", At: at("2026-07-11T11:00:00Z"), Outcome: compliance.Pass},      // an hour apart
		{ID: "d7", At: at("2026-07-13T10:00:00Z"), Outcome: compliance.Withdrawn},
		{ID: "d8", At: at("2026-07-31T23:59:59Z"), Outcome: compliance.Pass}, // each on its side of the edge
		{ID: "d9", At: at("2026-07-31T23:59:58Z"), Outcome: compliance.Pending},
		{ID: "d10", At: at("2026-06-30T23:59:30Z"), Outcome: compliance.Pass}, // not in the period
	}, at("2026-07-01T00:00:00Z"), at("2026-08-01T00:00:00Z"))
	require.False(t, r.Agree())
	require.Equal(t, &reconcile.Result{
		Compared: 6, Matched: 3, Outside: 1,
		Missing: []reconcile.Row{{Line: 6, Key: "d5", At: at("2026-07-12T10:00:00Z")}},
		Extra:   []reconcile.Item{{ID: "d9", At: at("2026-07-31T23:59:58Z"), Outcome: compliance.Pending}},
		Moved: []reconcile.Moved{{
			Row: reconcile.Row{Line: 5, Key: "d4", At: at("2026-07-11T10:00:00Z")}, Item: reconcile.Item{ID: "d4", At: at("2026-07-11T11:00:00Z"), Outcome: compliance.Pass},
		}},
		Withdrawn: []reconcile.Row{{Line: 9, Key: "d7", At: at("2026-07-13T10:00:00Z")}},
		Repeated:  []reconcile.Row{{Line: 7, Key: "d5", At: at("2026-07-12T10:00:00Z")}},
	}, r)
}

func TestKeysOfSeveralColumnsAndNoTime(t *testing.T) {
	m := mapping(t, "key: [system, month]\njoin: \"@\"\n")
	e, err := reconcile.ReadExport(strings.NewReader("month,system,reviewer\n2026-07,billing,ann\n2026-08,billing,\n"), m)
	require.NoError(t, err)
	r := reconcile.Compare(e, m, []reconcile.Item{{ID: "billing@2026-07", At: at("2026-07-01T00:00:00Z"), Outcome: compliance.Pass}, {ID: "billing@2026-08", At: at("2026-08-01T00:00:00Z"), Outcome: compliance.Pass}},
		at("2026-07-01T00:00:00Z"), at("2026-10-01T00:00:00Z"))
	require.True(t, r.Agree())
	require.Equal(t, 2, r.Matched)
}

// What was planted is found, all of it, and nothing else, whatever the order of the lines.
func TestComparePlanted(t *testing.T) {
	m := mapping(t, "key: id\ntime: at\nlayout: unix\ntolerance: 5s\n")
	from, to := at("2026-07-01T00:00:00Z"), at("2026-08-01T00:00:00Z")
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		var lines []string
		var items []reconcile.Item
		planted := map[string]int{}
		for i := range 60 {
			id := fmt.Sprintf("i%d", i)
			when := from.Add(time.Duration(r.IntN(31*24*3600)) * time.Second)
			kind := []string{"matched", "matched", "missing", "extra", "moved", "outside"}[r.IntN(6)]
			row := when
			switch kind {
			case "matched":
				row = when.Add(time.Duration(r.IntN(11)-5) * time.Second)
			case "moved":
				row = when.Add(time.Duration(6+r.IntN(100)) * time.Second)
			case "outside":
				row = to.Add(time.Duration(6+r.IntN(1000)) * time.Second)
			}
			planted[kind]++
			if kind != "missing" && kind != "outside" {
				items = append(items, reconcile.Item{ID: id, At: when, Outcome: compliance.Pass})
			}
			if kind != "extra" {
				lines = append(lines, fmt.Sprintf("%s,%d\n", id, row.Time().Unix()))
			}
		}
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		e, err := reconcile.ReadExport(strings.NewReader("id,at\n"+strings.Join(lines, "")), m)
		require.NoError(t, err)
		got := reconcile.Compare(e, m, items, from, to)
		require.Equal(t, []int{planted["matched"], planted["missing"], planted["extra"], planted["moved"], planted["outside"], 0},
			[]int{got.Matched, len(got.Missing), len(got.Extra), len(got.Moved), got.Outside, len(got.Repeated)}, "seed %d", seed)
		require.True(t, slices.IsSortedFunc(got.Extra, func(a, b reconcile.Item) int { return int(a.At - b.At) }))
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	for text, says := range map[string]string{
		"time: at\n":                          "key: which column",
		"key: [a, \"\"]\n":                    "key: which column",
		"key: id\ntolerance: 1m\n":            "time: which column",
		"key: id\ntime: t\ntolerance: -1m\n":  "it counts from 0s",
		"key: id\ntime: t\nlayout: soon\n":    `layout: "soon" is none`,
		"key: id\ntime: t\nzone: Atlantis\n":  `zone: "Atlantis" is unknown`,
		"key: id\ntime: t\nzone: Local\n":     `zone: "Local" is unknown`,
		"key: id\nkeys: id\n":                 "field keys not found",
		"key: id\ntime: t\ntolerance: much\n": "line 3",
		"":                                    "key: which column",
	} {
		_, err := reconcile.ReadMapping("recon.yaml", []byte(text))
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), text)
		require.ErrorContains(t, err, says, text)
		require.ErrorContains(t, err, "recon.yaml", text)
	}
}

func TestExportsThatAreRefused(t *testing.T) {
	m := mapping(t, "key: id\ntime: at\n")
	for text, says := range map[string][]string{
		"":                              {"the export is empty"},
		"id,when\n":                     {`the export has no column "at"; it has id, when`},
		"id,at,id\n":                    {`two columns "id"`},
		"id,at\n,2026-07-01\n":          {"line 2: id is empty"},
		"id,at\na,soon\nb,2026-13-01\n": {`line 2: at: time "soon"`, `line 3: at: time "2026-13-01"`},
		"id,at\na\n":                    {"line 2: wrong number of fields"},
		"id,at\na,\"x\n":                {"line 2"},
	} {
		_, err := reconcile.ReadExport(strings.NewReader(text), m)
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err), text)
		for _, s := range says {
			require.ErrorContains(t, err, s, text)
		}
	}
}
