package chart

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/svg"
)

// Day is one day of something.
type Day struct {
	Date  time.Time
	State State
	// Also says that something unknown is beside a deviation or a waived one.
	Also bool
	// Tip says it in words; Link leads to what stands behind it, and may be empty.
	Tip, Link string
}

// The measures of a strip: its height and the heights of states.
const (
	stripHeight = 22
	barHeight   = 6
	halfHeight  = 14
)

// column is where day i of n stands in a strip, in parts of a hundred.
func column(i, n int) (x, width float64) {
	each := 100 / float64(max(1, n))
	return float64(i) * each, each * 0.88
}

// Strip draws days side by side. A pass is low and calm; what asks for attention is
// tall. name makes the names in it the page's only ones.
func Strip(name string, days []Day) SVG {
	var d drawing
	d.stretched("strip", stripHeight)
	d.hatch(name + "-h")
	d.calm(days)
	for i := range days {
		d.stripDay(name+"-h", i, len(days), &days[i])
	}
	return d.close()
}

// calm draws the many, days that passed or had nothing, as two paths.
func (d *drawing) calm(days []Day) {
	var pass, nothing strings.Builder
	for i := range days {
		switch x := i * 10; days[i].State {
		case Pass:
			fmt.Fprintf(&pass, "M%d %dh9v%dh-9z", x, stripHeight-barHeight, barHeight)
		case Nothing:
			fmt.Fprintf(&nothing, "M%d %dh3v2h-3z", x+3, stripHeight-2)
		case Deviation, Unknown, Waived, Beyond:
		}
	}
	if pass.Len()+nothing.Len() == 0 {
		return
	}
	fmt.Fprintf(d, `<svg width="100%%" height="100%%" viewBox="0 0 %d %d" preserveAspectRatio="none">`, 10*len(days), stripHeight)
	for _, p := range []struct{ class, path string }{{"pass", pass.String()}, {"nothing", nothing.String()}} {
		if p.path != "" {
			fmt.Fprintf(d, `<path class="%s" d="%s"/>`, p.class, p.path)
		}
	}
	d.put("</svg>")
}

func (d *drawing) stripDay(hatch string, i, n int, day *Day) {
	switch day.State {
	case Pass, Nothing, Beyond:
		return
	case Deviation, Unknown, Waived:
	}
	x, width := column(i, n)
	part := func(y, height float64) box { return box{x, y, width, height, true} }
	end := d.link(day.Link, day.Tip)
	switch day.State {
	case Deviation:
		d.rect("deviation", part(0, stripHeight))
		if day.Also {
			d.unknown(hatch, part(halfHeight, stripHeight-halfHeight-0.5))
		}
	case Waived:
		d.rect("waived", part(stripHeight-halfHeight, halfHeight-0.5))
		if day.Also {
			d.unknown(hatch, part(0.5, stripHeight-halfHeight-1))
		}
	default:
		d.unknown(hatch, part(0.5, stripHeight-1))
	}
	d.put(end)
}

// Months draws the beginnings of months above strips of the same days.
func Months(days []Day) SVG {
	var d drawing
	d.stretched("months", 14)
	for i, day := range days {
		if i == 0 || day.Date.Day() == 1 {
			x, _ := column(i, len(days))
			fmt.Fprintf(&d, `<line class="tick" x1="%s%%" y1="0" x2="%s%%" y2="14"/>`, svg.Number(x), svg.Number(x))
			if x < 96 {
				fmt.Fprintf(&d, `<text class="month" x="%s%%" y="11" dx="4">%s</text>`, svg.Number(x), day.Date.Format("Jan"))
			}
		}
	}
	return d.close()
}

// The measures of a calendar's month.
const (
	cell       = 30
	monthHead  = 34
	weekLength = 7
)

// Month draws one month as a calendar, weeks from Monday: each day with its number and
// the letter of its state. Days are those of the month, which need not be all.
func Month(name string, days []Day) SVG {
	var d drawing
	if len(days) == 0 {
		d.open("calendar", weekLength*cell, monthHead)
		return d.close()
	}
	first := time.Date(days[0].Date.Year(), days[0].Date.Month(), 1, 0, 0, 0, 0, time.UTC)
	offset := (int(first.Weekday()) + 6) % weekLength
	last := days[len(days)-1].Date.Day() - 1 + offset
	d.open("calendar", weekLength*cell, float64(monthHead+(last/weekLength+1)*cell))
	d.hatch(name + "-h")
	d.label("month", 1, 12, first.Format("January 2006"))
	for i, letter := range []string{"M", "T", "W", "T", "F", "S", "S"} {
		d.label("weekday", float64(i)*cell+cell/2.0, 28, letter)
	}
	for i := range days {
		place := days[i].Date.Day() - 1 + offset
		d.calendarDay(name+"-h", float64(place%weekLength)*cell, float64(monthHead+place/weekLength*cell), &days[i])
	}
	return d.close()
}

func (d *drawing) calendarDay(hatch string, x, y float64, day *Day) {
	const side = cell - 2
	state := day.State.drawn()
	end := d.link(day.Link, day.Tip)
	switch state {
	case Unknown:
		d.unknown(hatch, box{x + 0.5, y + 0.5, side - 1, side - 1, false})
	default:
		d.rect(string(state), box{x + 0.5, y + 0.5, side - 1, side - 1, false})
	}
	if day.Also && state != Unknown {
		d.unknown(hatch, box{x + 0.5, y + side*0.65, side - 1, side*0.35 - 0.5, false})
	}
	class := "on-" + string(state)
	d.label("date "+class, x+4, y+11, strconv.Itoa(day.Date.Day()))
	if mark := state.Letter(); mark != "" {
		d.label("mark "+class, x+side-5, y+side-6, mark)
	}
	d.put(end)
}

// Sample draws one state as strips draw it, for an explanation.
func Sample(name string, state State) SVG {
	return Strip(name, []Day{{State: state}})
}
