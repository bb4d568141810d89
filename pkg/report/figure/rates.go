package figure

import (
	"math"
	"strconv"
	"time"

	"assay.example/assay/pkg/svg"
)

// Week is a control's rate in one week: Gross of Tested deviated, and Unknown more aren't
// known. A week that nothing was tested in has no rate.
type Week struct {
	Start                  time.Time
	Tested, Gross, Unknown int64
}

// Line is a control with its weeks.
type Line struct {
	Name  string
	Weeks []Week
}

// The measures of a line of weeks.
const (
	lineHeight = 34
	barTall    = 24
)

// Weeks draws the deviation rate of each control by week, each on a scale of its own whose
// top stands beside. A week with something unknown is hatched up to the worst case; one
// without anything tested has no bar, as against a bar of nothing.
func Weeks(name string, from, to time.Time, lines []Line) SVG {
	var d drawing
	height := float64(len(lines)*lineHeight) + 22
	d.open(name, height)
	a := axis{from, to}
	d.ticks(a, 0, float64(len(lines)*lineHeight)+2)
	for i := range lines {
		d.weeks(name, a, float64(i*lineHeight)+4, &lines[i])
	}
	return d.close()
}

func (d *drawing) weeks(name string, a axis, y float64, l *Line) {
	most := 0.0
	for _, w := range l.Weeks {
		most = max(most, w.worst())
	}
	d.label("f-name", left-6, y+11, svg.Cut(l.Name, 12))
	d.label("f-axis", left-6, y+22, strconv.FormatFloat(100*most, 'f', 1, 64)+" %")
	d.rule("f-base", left, y+barTall, width-right, y+barTall)
	var rate, worst, none shape
	for _, w := range l.Weeks {
		x, end := a.x(w.Start), a.x(w.Start.AddDate(0, 0, 7))
		wide := max(0.6, (end-x)*0.8)
		tall := func(r float64) float64 {
			if most == 0 || r == 0 {
				return 0
			}
			return max(1, barTall*r/most)
		}
		known := tall(w.rate())
		switch {
		case known > 0:
			rate.box(x, y+barTall-known, wide, known)
		case w.Tested > 0:
			none.box(x, y+barTall-1.5, wide, 1.5)
		}
		if above := tall(w.worst()) - known; w.Unknown > 0 && above > 0 {
			worst.box(x, y+barTall-known-above, wide, above)
		}
	}
	d.fill("f-pass", "", &none)
	d.fill("f-deviation", "", &rate)
	d.fill("f-unknown", name, &worst)
}

func (w *Week) rate() float64 {
	if w.Tested == 0 {
		return 0
	}
	return float64(w.Gross) / float64(w.Tested)
}

func (w *Week) worst() float64 {
	if w.Tested+w.Unknown == 0 {
		return 0
	}
	return float64(w.Gross+w.Unknown) / float64(w.Tested+w.Unknown)
}

// Remedies are how long each of a control's deviations stood, and how many have no remedy
// on record.
type Remedies struct {
	Name string
	Took []time.Duration
	Open int64
}

// remedyHeight is that of a row of remedies.
const remedyHeight = 24

// remedyEnds are the ends of the scale of times to remediate, whose steps grow.
var remedyEnds = []struct {
	at   time.Duration
	name string
}{
	{time.Minute, "1 min"},
	{10 * time.Minute, "10 min"},
	{time.Hour, "1 h"},
	{6 * time.Hour, "6 h"},
	{24 * time.Hour, "1 d"},
	{7 * 24 * time.Hour, "7 d"},
	{30 * 24 * time.Hour, "30 d"},
	{365 * 24 * time.Hour, "1 y"},
}

// openWide is the room of those without a remedy.
const openWide = 70

// TimeToRemediate draws one dot for each remedy on a scale that grows, and hatched at the
// right how many deviations have none.
func TimeToRemediate(name string, rows []Remedies) SVG {
	var d drawing
	bottom := float64(len(rows) * remedyHeight)
	d.open(name, bottom+20)
	first, last := math.Log(float64(remedyEnds[0].at)), math.Log(float64(remedyEnds[len(remedyEnds)-1].at))
	place := func(t time.Duration) float64 {
		part := (math.Log(float64(max(t, 1))) - first) / (last - first)
		return left + 4 + (plot-openWide-20)*min(max(0, part), 1)
	}
	for _, end := range remedyEnds {
		d.rule("f-tick", place(end.at), 0, place(end.at), bottom+4)
		d.label("f-mid", place(end.at), bottom+14, end.name)
	}
	d.label("f-mid", width-right-openWide/2, bottom+14, "no remedy")
	for i := range rows {
		d.remedies(name, float64(i*remedyHeight)+remedyHeight/2, place, &rows[i])
	}
	return d.close()
}

func (d *drawing) remedies(name string, y float64, place func(time.Duration) float64, r *Remedies) {
	d.label("f-name", left-6, y+4, svg.Cut(r.Name, 12))
	d.rule("f-base", left, y, width-right-openWide-8, y)
	for _, took := range r.Took {
		d.say(`<circle class="f-dot" cx="%s" cy="%s" r="4"/>`, svg.Number(place(took)), svg.Number(y))
	}
	if r.Open > 0 {
		var open shape
		open.box(width-right-openWide, y-8, openWide, 16)
		d.fill("f-unknown", name, &open)
		d.label("f-count", width-right-openWide/2, y+4, strconv.FormatInt(r.Open, 10))
	}
}
