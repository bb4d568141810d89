package figure_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/report/figure"
)

var (
	from = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	to   = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
)

const hostile = `<script>alert(1)</script>"'&` + "\x00\x1b"

func all(name string, days []figure.Day) map[string]figure.SVG {
	return map[string]figure.SVG{
		"matrix":   figure.Matrix(name, from, to, []figure.Row{{Name: name, Days: days}, {Name: "none"}}),
		"days":     figure.Days(name, from, to, days),
		"weeks":    figure.Weeks(name, from, to, []figure.Line{{Name: name, Weeks: []figure.Week{{Start: from.AddDate(0, 0, -2), Tested: 4, Gross: 1, Unknown: 2}, {Start: from, Unknown: 1}, {Start: to}}}}),
		"remedies": figure.TimeToRemediate(name, []figure.Remedies{{Name: name, Took: []time.Duration{0, -1, time.Second, 100 * 365 * 24 * time.Hour}, Open: 3}}),
	}
}

// Drawings are XML, whatever an event made of a name, with no script and no style.
func TestDrawingsAreSound(t *testing.T) {
	for name, svg := range all(hostile, []figure.Day{{Date: from, Pass: 3}, {Date: to, Deviation: 1}, {Date: from.AddDate(9, 0, 0), Unknown: 1}}) {
		decoder := xml.NewDecoder(strings.NewReader(string(svg)))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
		}
		for _, no := range []string{"<script", "style=", "<style", "NaN", "Inf", "http"} {
			require.NotContains(t, string(svg), no, name)
		}
		require.Contains(t, string(svg), `aria-hidden="true"`)
	}
}

// What isn't known is hatched, alone and in company, and never drawn as a pass.
func TestUnknownIsHatched(t *testing.T) {
	hatched := `fill="url(#x-hatch)"`
	for name, day := range map[string]figure.Day{
		"alone": {Unknown: 1}, "beside a pass": {Pass: 5, Unknown: 1}, "beside a deviation": {Deviation: 1, Unknown: 1}, "beside a waived one": {Waived: 1, Unknown: 2},
	} {
		day.Date = from
		matrix := string(figure.Matrix("x", from, to, []figure.Row{{Name: "CH-01", Days: []figure.Day{day}}}))
		require.Contains(t, matrix, hatched, name)
		require.NotContains(t, matrix, `class="f-pass"`, name)
		require.Contains(t, string(figure.Days("x", from, to, []figure.Day{day})), hatched, name)
	}
	calm := []figure.Day{{Date: from, Pass: 5}}
	for name, svg := range all("x", calm) {
		if name == "matrix" || name == "days" {
			require.NotContains(t, string(svg), hatched, name)
		}
	}
	weeks := figure.Weeks("x", from, to, []figure.Line{{Name: "a", Weeks: []figure.Week{{Start: from, Tested: 3, Unknown: 1}}}})
	require.Contains(t, string(weeks), hatched, "the worst case")
}

// The same arguments give the same drawing, and other ones another.
func TestDrawingsAreFunctions(t *testing.T) {
	one, two := []figure.Day{{Date: from, Pass: 3}}, []figure.Day{{Date: from, Pass: 3, Deviation: 1}}
	for name, svg := range all("x", one) {
		require.Equal(t, svg, all("x", one)[name], name)
	}
	require.NotEqual(t, all("x", one)["matrix"], all("x", two)["matrix"])
	require.NotEqual(t, all("x", one)["days"], all("x", two)["days"])
}
