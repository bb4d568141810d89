package figure

import (
	"strconv"
	"time"

	"assay.example/assay/pkg/svg"
)

// Day is how many items a day has. Unknown are those that are inconclusive or pending.
type Day struct {
	Date                             time.Time
	Pass, Deviation, Waived, Unknown int64
}

func (d *Day) sum() int64 { return d.Pass + d.Deviation + d.Waived + d.Unknown }

// Row is a control with its days, in the order of time; a day without items may be left
// out.
type Row struct {
	Name string
	Days []Day
}

// The measures of a matrix.
const (
	rowHeight = 15
	dayHeight = 11
	calm      = 4 // how high a pass is
)

// Matrix draws one row a control and one mark a day: a pass is low, a deviation tall, a
// waived one open, and what isn't known hatched, above the rest of its day where it has
// company.
func Matrix(name string, from, to time.Time, rows []Row) SVG {
	var d drawing
	height := float64(len(rows)*rowHeight + 24)
	d.open(name, height)
	a := axis{from, to}
	bottom := float64(len(rows)*rowHeight) + 4
	d.ticks(a, 0, bottom)
	each := plot / max(1, to.Sub(from).Hours()/24)
	for i := range rows {
		d.row(name, a, each, float64(i*rowHeight)+2, &rows[i])
	}
	return d.close()
}

func (d *drawing) row(name string, a axis, each, y float64, r *Row) {
	d.label("f-name", left-6, y+dayHeight-1, svg.Cut(r.Name, 12))
	d.rule("f-base", left, y+dayHeight, width-right, y+dayHeight)
	var pass, deviation, waived, unknown shape
	wide := max(0.6, each*0.86)
	for i := range r.Days {
		day := &r.Days[i]
		x := a.x(day.Date)
		room := float64(dayHeight)
		if day.Unknown > 0 && day.Deviation+day.Waived > 0 {
			room = dayHeight - 5
			unknown.box(x, y, wide, 5)
		}
		switch {
		case day.Deviation > 0:
			deviation.box(x, y+dayHeight-room, wide, room)
		case day.Waived > 0:
			waived.box(x, y+dayHeight-min(room, 8), wide, min(room, 8))
		case day.Unknown > 0:
			unknown.box(x, y, wide, dayHeight)
		case day.Pass > 0:
			pass.box(x, y+dayHeight-calm, wide, calm)
		}
	}
	d.fill("f-pass", "", &pass)
	d.fill("f-waived", "", &waived)
	d.fill("f-deviation", "", &deviation)
	d.fill("f-unknown", name, &unknown)
}

// The measures of the two panels of days.
const (
	volumeHeight = 90
	troubleTop   = 118
	troubleTall  = 70
)

// Days draws how many items each day had, and below, on a scale of its own, those that are
// no plain pass: deviations, waived ones, and hatched what isn't known.
func Days(name string, from, to time.Time, days []Day) SVG {
	var d drawing
	d.open(name, troubleTop+troubleTall+22)
	a := axis{from, to}
	bottom := float64(troubleTop + troubleTall)
	d.ticks(a, 4, bottom)
	most, worst := int64(1), int64(1)
	for i := range days {
		most = max(most, days[i].sum())
		worst = max(worst, days[i].sum()-days[i].Pass)
	}
	d.scale("all items", 8, volumeHeight, most)
	d.scale("no plain pass", troubleTop, troubleTall, worst)
	d.bars(name, a, days, most, worst)
	return d.close()
}

// scale draws the two ends of an upright axis.
func (d *drawing) scale(what string, top, tall float64, most int64) {
	d.label("f-axis", left-6, top+7, strconv.FormatInt(most, 10))
	d.label("f-axis", left-6, top+tall, "0")
	d.label("f-what", 0, top+tall/2+4, what)
	d.rule("f-base", left, top+tall, width-right, top+tall)
}

func (d *drawing) bars(name string, a axis, days []Day, most, worst int64) {
	var pass, other, deviation, waived, unknown, unknownAbove shape
	wide := max(0.6, 0.86*plot/max(1, a.to.Sub(a.from).Hours()/24))
	for i := range days {
		day := &days[i]
		x := a.x(day.Date)
		up := func(s *shape, base *float64, n int64, tall float64, of int64) {
			if n > 0 {
				h := max(1, tall*float64(n)/float64(of))
				s.box(x, *base-h, wide, h)
				*base -= h
			}
		}
		base := 8.0 + volumeHeight
		up(&pass, &base, day.Pass, volumeHeight, most)
		up(&other, &base, day.Deviation+day.Waived, volumeHeight, most)
		up(&unknownAbove, &base, day.Unknown, volumeHeight, most)
		base = troubleTop + troubleTall
		up(&deviation, &base, day.Deviation, troubleTall, worst)
		up(&waived, &base, day.Waived, troubleTall, worst)
		up(&unknown, &base, day.Unknown, troubleTall, worst)
	}
	d.fill("f-pass", "", &pass)
	d.fill("f-deviation", "", &other)
	d.fill("f-unknown", name, &unknownAbove)
	d.fill("f-deviation", "", &deviation)
	d.fill("f-waived", "", &waived)
	d.fill("f-unknown", name, &unknown)
}
