// Package figure draws the pictures of a report as SVG.
//
// It guarantees:
//   - A drawing is a function of its arguments: the same ones give the same bytes.
//   - Texts are escaped, whatever an event made of them.
//   - What isn't known is hatched, and never drawn as a pass, nor hidden beside one.
//   - No state is told by colour alone.
//   - No style and no script is in it; classes are the page's to colour.
package figure

import (
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/svg"
)

// SVG is a drawing, to be put into a page as it is.
type SVG string

// The measures of all drawings: how wide they are, and where names and the rest begin.
const (
	width = 720
	left  = 84
	right = 12
)

const plot = width - left - right

// drawing is an SVG under way.
type drawing struct{ strings.Builder }

func (d *drawing) say(format string, args ...any) { _, _ = fmt.Fprintf(d, format, args...) } // never fails

// open begins a drawing. Tables beside it tell what it shows, so that a screen reader is
// told to leave it out.
func (d *drawing) open(name string, height float64) {
	d.say(`<svg class="figure" viewBox="0 0 %d %s" aria-hidden="true" focusable="false">`, width, svg.Number(height))
	d.say(`<defs><pattern id="%s-hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`+
		`<rect class="f-ground" width="5" height="5"/><rect class="f-line" width="2" height="5"/></pattern></defs>`, svg.Text(name))
}

func (d *drawing) close() SVG {
	d.say("</svg>")
	return SVG(d.String())
}

func (d *drawing) label(class string, x, y float64, words string) {
	d.say(`<text class="%s" x="%s" y="%s">%s</text>`, class, svg.Number(x), svg.Number(y), svg.Text(words))
}

func (d *drawing) rule(class string, x1, y1, x2, y2 float64) {
	d.say(`<path class="%s" d="M%s %sL%s %s"/>`, class, svg.Number(x1), svg.Number(y1), svg.Number(x2), svg.Number(y2))
}

// shape is one path that gathers rectangles of one look.
type shape struct{ strings.Builder }

func (s *shape) box(x, y, w, h float64) {
	_, _ = fmt.Fprintf(s, "M%s %sh%sv%sh-%sz", svg.Number(x), svg.Number(y), svg.Number(w), svg.Number(h), svg.Number(w))
}

// fill draws what was gathered; hatch names the drawing whose pattern fills it, if one does.
func (d *drawing) fill(class, hatch string, s *shape) {
	switch {
	case s.Len() == 0:
	case hatch != "":
		d.say(`<path class="%s" fill="url(#%s-hatch)" d="%s"/>`, class, svg.Text(hatch), s.String())
	default:
		d.say(`<path class="%s" d="%s"/>`, class, s.String())
	}
}

// axis is a line of time, with the beginnings of months.
type axis struct{ from, to time.Time }

func (a axis) x(t time.Time) float64 {
	whole := max(a.to.Sub(a.from), time.Hour)
	return left + plot*min(max(0, float64(t.Sub(a.from))/float64(whole)), 1)
}

// ticks draws the beginnings of months, their names below.
func (d *drawing) ticks(a axis, top, bottom float64) {
	for t := time.Date(a.from.Year(), a.from.Month(), 1, 0, 0, 0, 0, time.UTC); t.Before(a.to); t = t.AddDate(0, 1, 0) {
		at := t
		if at.Before(a.from) {
			at = a.from
		}
		x := a.x(at)
		d.rule("f-tick", x, top, x, bottom+4)
		if x < width-right-24 {
			d.label("f-month", x+3, bottom+12, at.Format("Jan 2006"))
		}
	}
}
