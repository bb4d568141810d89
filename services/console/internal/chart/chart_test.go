package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/console/internal/chart"
)

func date(day int) time.Time { return time.Date(2026, 7, day, 0, 0, 0, 0, time.UTC) }

const hostile = "<script>\"'&\x00]]>"

// week has every state, and a deviation beside something unknown.
func week() []chart.Day {
	return []chart.Day{
		{Date: date(1), State: chart.Pass, Tip: "1 pass", Link: "/1"},
		{Date: date(2), State: chart.Nothing},
		{Date: date(3), State: chart.Deviation, Tip: hostile, Link: "/?a=1&b=" + hostile},
		{Date: date(4), State: chart.Deviation, Also: true},
		{Date: date(5), State: chart.Unknown, Tip: "1 pending", Link: "/5"},
		{Date: date(6), State: chart.Waived, Also: true},
		{Date: date(7), State: chart.Beyond},
		{Date: date(8), State: "of a later release"},
	}
}

func pictures() map[string]chart.SVG {
	return map[string]chart.SVG{
		"strip":  chart.Strip("s", week()),
		"months": chart.Months([]chart.Day{{Date: date(30)}, {Date: date(31)}, {Date: date(32)}}),
		"month":  chart.Month("m", week()),
		"coverage": chart.Coverage("c", []chart.Volume{{Date: date(1), Events: 1}, {Date: date(2), Events: 1000, Beats: 9}, {Date: date(3), Beats: 9}, {Date: date(4)}},
			[]chart.Gap{{From: date(3).Add(6 * time.Hour), To: date(4).Add(12 * time.Hour), Tip: hostile, Link: "/gap"}, {From: date(9), To: date(10)}}, 1000),
		"spark": chart.Spark([]int64{0, 1, 500, 1000}),
		"timeline": chart.Timeline("t", date(1), date(3), []chart.Lane{
			{Name: "item", Marks: []chart.Mark{{At: date(1).Add(time.Hour), Kind: "item"}, {At: date(2), Kind: "known", Tip: "known"}}},
			{Name: "approval of the change" + hostile, State: chart.Pass, From: date(1), To: date(2), Marks: []chart.Mark{{At: date(2), Kind: "evidence", Link: "/e"}}},
			{Name: "open", State: chart.Unknown, From: date(2), To: date(9)},
			{Name: "missing", State: chart.Nothing, From: date(0), To: date(1)},
		}),
		"lineage": chart.Lineage("l", []chart.Stage{
			{Heading: "Events", Nodes: []chart.Node{{Title: "deploy.completed", Text: hostile, State: chart.Pass, Link: "/e", Tip: "same bytes"}, {Title: "change.approved", Text: "a2", State: chart.Unknown}}, More: 3},
			{Heading: "Verdict", Nodes: []chart.Node{{Title: "CH-01", Text: "deviation", State: chart.Deviation}}},
			{Heading: "Deliveries"},
		}),
		"empty": chart.Strip("e", nil) + chart.Month("e", nil) + chart.Coverage("e", nil, nil, 0) + chart.Spark(nil) + chart.Timeline("e", date(1), date(1), nil) + chart.Lineage("e", nil),
	}
}

func TestDrawings(t *testing.T) {
	for name, svg := range pictures() {
		file := filepath.Join("testdata", name+".svg")
		if os.Getenv("UPDATE_GOLDEN") != "" {
			require.NoError(t, os.WriteFile(file, []byte(svg+"\n"), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), string(svg+"\n"), "%s: if the new drawing is right, run again with UPDATE_GOLDEN=1", file)
	}
}

// Every drawing is XML, whatever is in it, and holds neither a script nor a style.
func TestDrawingsAreClean(t *testing.T) {
	for name, svg := range pictures() {
		d := xml.NewDecoder(strings.NewReader("<svgs>" + string(svg) + "</svgs>"))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			if e, ok := token.(xml.StartElement); ok {
				require.NotContains(t, []string{"script", "style", "foreignObject", "image", "use"}, e.Name.Local, name)
				for _, a := range e.Attr {
					require.NotEqual(t, "style", a.Name.Local, name)
					require.False(t, strings.HasPrefix(a.Name.Local, "on"), name)
				}
			}
		}
	}
}

// What isn't known is hatched, and looks like no pass.
func TestUnknownIsNoPass(t *testing.T) {
	for _, state := range []chart.State{chart.Unknown, "of a later release"} {
		days := []chart.Day{{Date: date(1), State: state}}
		for _, svg := range []chart.SVG{chart.Strip("s", days), chart.Month("m", days)} {
			require.NotContains(t, svg, `class="pass"`)
			require.NotContains(t, svg, chart.Pass.Letter())
			require.Contains(t, svg, `class="unknown" fill="url(#`)
		}
		require.Equal(t, "?", state.Letter())
		require.Equal(t, "unknown", state.Word())
	}
}
