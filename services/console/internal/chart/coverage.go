package chart

import (
	"fmt"
	"math"
	"strings"
	"time"

	"assay.example/assay/pkg/svg"
)

// Volume is how much came on a day.
type Volume struct {
	Date time.Time
	// Events are what came; Beats are signs of life.
	Events, Beats int64
}

// Gap is a silence. Tip says it in words; Link leads to what proves it.
type Gap struct {
	From, To  time.Time
	Tip, Link string
}

// Coverage draws what came of a source from day to day, and hatches its silences where
// they were, to the minute. Days has every day from the first to the last. Heights
// grow with the logarithm of most, the busiest day of all sources, so that strips can
// be compared.
func Coverage(name string, days []Volume, gaps []Gap, most int64) SVG {
	var d drawing
	d.stretched("strip coverage", stripHeight)
	d.hatch(name + "-h")
	d.volumes(days, most)
	if len(days) > 0 {
		for i := range gaps {
			d.gap(name+"-h", days[0].Date, len(days), &gaps[i])
		}
	}
	return d.close()
}

// volumes draws what came each day as two paths.
func (d *drawing) volumes(days []Volume, most int64) {
	var volume, beat strings.Builder
	for i, day := range days {
		switch x := i * 10; {
		case day.Events > 0:
			height := svg.Number(3 + (stripHeight-5)*math.Log1p(float64(day.Events))/math.Log1p(float64(max(1, most))))
			fmt.Fprintf(&volume, "M%d %dv-%sh9v%sz", x, stripHeight, height, height)
		case day.Beats > 0:
			fmt.Fprintf(&beat, "M%d %dh9v2h-9z", x, stripHeight-3)
		}
	}
	fmt.Fprintf(d, `<svg width="100%%" height="100%%" viewBox="0 0 %d %d" preserveAspectRatio="none">`, 10*max(1, len(days)), stripHeight)
	fmt.Fprintf(d, `<path class="volume" d="%s"/><path class="beat" d="%s"/></svg>`, volume.String(), beat.String())
}

func (d *drawing) gap(hatch string, first time.Time, days int, g *Gap) {
	place := func(t time.Time) float64 {
		return min(max(0, 100*t.Sub(first).Hours()/24/float64(days)), 100)
	}
	from, to := place(g.From), place(g.To)
	if to <= from {
		return
	}
	wide := max(0.3, to-from) // a silence of minutes can be seen, too
	end := d.link(g.Link, g.Tip)
	d.unknown(hatch, box{min(from, 100-wide), 0.5, wide, stripHeight - 1, true})
	d.put(end)
}

// Spark draws how many there were each day, as bars.
func Spark(counts []int64) SVG {
	var d drawing
	most := int64(1)
	for _, n := range counts {
		most = max(most, n)
	}
	d.open("spark", float64(max(1, len(counts)))*4, 16)
	for i, n := range counts {
		if n > 0 {
			height := max(1, 16*float64(n)/float64(most))
			d.rect("volume", box{float64(i) * 4, 16 - height, 3, height, false})
		}
	}
	return d.close()
}

// Mark is a moment on a line of time.
type Mark struct {
	At time.Time
	// Kind is its class: item, evidence, remedy, due or known.
	Kind, Tip, Link string
}

// Lane is a line of a timeline: an interval, and marks in and beside it. A lane
// without an interval has equal ends.
type Lane struct {
	Name     string
	State    State
	From, To time.Time
	Marks    []Mark
}

// The measures of a timeline.
const (
	laneHeight = 26
	nameWidth  = 120
	lineWidth  = 560
)

// Timeline draws lanes over a stretch of time. What reaches beyond it is cut.
func Timeline(name string, from, to time.Time, lanes []Lane) SVG {
	var d drawing
	height := float64(len(lanes)*laneHeight + 20)
	d.open("timeline", nameWidth+lineWidth+8, height)
	d.hatch(name + "-h")
	whole := max(to.Sub(from), time.Microsecond)
	place := func(t time.Time) float64 {
		return nameWidth + lineWidth*min(max(0, float64(t.Sub(from))/float64(whole)), 1)
	}
	for i := range lanes {
		d.lane(name+"-h", float64(i)*laneHeight, place, &lanes[i])
	}
	d.line("axis", nameWidth, height-18, nameWidth+lineWidth, height-18)
	layout := "2 Jan 15:04"
	if whole < time.Hour {
		layout = "2 Jan 15:04:05"
	}
	d.label("axis-label", nameWidth, height-5, from.UTC().Format(layout))
	d.label("axis-label end", nameWidth+lineWidth, height-5, to.UTC().Format(layout))
	return d.close()
}

func (d *drawing) lane(hatch string, y float64, place func(time.Time) float64, l *Lane) {
	d.label("lane", 0, y+17, svg.Cut(l.Name, 18))
	if l.To.After(l.From) {
		x := place(l.From)
		wide := max(3, place(l.To)-x)
		if state := l.State.drawn(); state == Unknown {
			d.unknown(hatch, box{x, y + 7, wide, 12, false})
		} else {
			d.rect("span "+string(state), box{x, y + 7, wide, 12, false})
		}
	}
	for _, m := range l.Marks {
		x := place(m.At)
		end := d.link(m.Link, m.Tip)
		if m.Kind == "evidence" || m.Kind == "remedy" || m.Kind == "item" {
			fmt.Fprintf(d, `<circle class="mark-%s" cx="%s" cy="%s" r="4.5"/>`, svg.Text(m.Kind), svg.Number(x), svg.Number(y+13))
		} else {
			d.line("mark-"+svg.Text(m.Kind), x, y+2, x, y+24)
		}
		d.put(end)
	}
}
