// Package chart draws the console's pictures as SVG: days of a control, a calendar,
// what came of sources, what an item waited for, and what rests on what.
//
// It guarantees:
//   - A drawing is a function of its arguments: the same ones give the same bytes.
//   - Texts and addresses are escaped, whatever an event made of them.
//   - No state is told by colour alone: each has a height or a pattern of its own.
//   - What isn't known is never drawn as a pass, also where it shares a day with one.
//   - No style and no script is in it; classes are the stylesheet's to colour.
package chart

import (
	"fmt"
	"strings"

	"assay.example/assay/pkg/svg"
)

// SVG is a drawing, to be put into a page as it is.
type SVG string

// State is what a day, or anything else that is drawn, is like.
type State string

// The states. Beyond is what the record doesn't reach yet, and what lies before it.
const (
	Pass      State = "pass"
	Deviation State = "deviation"
	Unknown   State = "unknown"
	Waived    State = "waived"
	Nothing   State = "nothing"
	Beyond    State = "beyond"
)

// drawn is the state as it is drawn: one of a later release isn't known.
func (s State) drawn() State {
	switch s {
	case Pass, Deviation, Waived, Nothing, Beyond, Unknown:
		return s
	}
	return Unknown
}

// Letter marks a state where there is room for a letter.
func (s State) Letter() string {
	switch s {
	case Pass:
		return "✓"
	case Deviation:
		return "✕"
	case Unknown:
		return "?"
	case Waived:
		return "w"
	case Nothing, Beyond:
		return ""
	}
	return "?" // a state of a later release isn't known, and never a pass
}

// Word names a state for people.
func (s State) Word() string {
	switch s {
	case Pass:
		return "pass"
	case Deviation:
		return "deviation"
	case Waived:
		return "waived"
	case Nothing:
		return "nothing happened"
	case Beyond:
		return "not on record"
	case Unknown:
	}
	return "unknown"
}

// drawing is an SVG under way.
type drawing struct{ strings.Builder }

// open begins a drawing of a size. What it shows is told beside it, so a screen reader
// is told to leave it out, and links in it are for pointers.
func (d *drawing) open(class string, width, height float64) {
	fmt.Fprintf(d, `<svg class="chart %s" viewBox="0 0 %s %s" aria-hidden="true" focusable="false">`, class, svg.Number(width), svg.Number(height))
}

// stretched begins a drawing that is as wide as its place: what is across is in parts of
// a hundred, so that neither patterns nor letters are stretched with it.
func (d *drawing) stretched(class string, height float64) {
	fmt.Fprintf(d, `<svg class="chart %s" width="100%%" height="%s" aria-hidden="true" focusable="false">`, class, svg.Number(height))
}

func (d *drawing) close() SVG {
	d.put("</svg>")
	return SVG(d.String())
}

func (d *drawing) put(text string) { _, _ = d.WriteString(text) } // never fails

// hatch defines the pattern of what isn't known, under a name that must be the page's
// only one.
func (d *drawing) hatch(id string) {
	fmt.Fprintf(d, `<defs><pattern id="%s" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`+
		`<rect class="hatch-ground" width="4" height="4"/><rect class="hatch-line" width="1.6" height="4"/></pattern></defs>`, svg.Text(id))
}

// box is where a rectangle is. In a stretched drawing x and width are parts of a hundred.
type box struct {
	x, y, width, height float64
	parts               bool
}

func (b box) String() string {
	unit := ""
	if b.parts {
		unit = "%"
	}
	return fmt.Sprintf(`x="%s%s" y="%s" width="%s%s" height="%s"`, svg.Number(b.x), unit, svg.Number(b.y), svg.Number(b.width), unit, svg.Number(b.height))
}

func (d *drawing) rect(class string, b box) { fmt.Fprintf(d, `<rect class="%s" %s/>`, class, b) }

// unknown is a rectangle filled with the pattern of that name.
func (d *drawing) unknown(hatch string, b box) {
	fmt.Fprintf(d, `<rect class="unknown" fill="url(#%s)" %s/>`, svg.Text(hatch), b)
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<line class="%s" x1="%s" y1="%s" x2="%s" y2="%s"/>`, class, svg.Number(x1), svg.Number(y1), svg.Number(x2), svg.Number(y2))
}

func (d *drawing) label(class string, x, y float64, words string) {
	fmt.Fprintf(d, `<text class="%s" x="%s" y="%s">%s</text>`, class, svg.Number(x), svg.Number(y), svg.Text(words))
}

// link begins what leads to an address, with a tip; without an address it is a group.
// It returns what ends it.
func (d *drawing) link(address, tip string) (end string) {
	end = "</g>"
	if address == "" {
		d.put("<g>")
	} else {
		fmt.Fprintf(d, `<a href="%s" tabindex="-1">`, svg.Text(address))
		end = "</a>"
	}
	if tip != "" {
		fmt.Fprintf(d, "<title>%s</title>", svg.Text(tip))
	}
	return end
}
