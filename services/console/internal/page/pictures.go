package page

import (
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/chart"
)

// stretch is the time that a picture shows.
type stretch struct{ from, to compliance.Instant }

// reach widens it; ends of time and times that there are none of don't.
func (s *stretch) reach(times ...compliance.Instant) {
	for _, t := range times {
		if t != compliance.Ever && t != compliance.Never && t != 0 {
			s.from, s.to = min(s.from, t), max(s.to, t)
		}
	}
}

// mostLanes is how many expectations a timeline draws.
const mostLanes = 12

// timeline draws when things were expected, and when they came; nothing where nothing
// was expected.
func (b *itemBody) timeline() chart.SVG {
	v := &b.Verdict
	s := stretch{v.Item.Time, v.Item.Time}
	item := chart.Lane{Name: "item", Marks: []chart.Mark{{At: v.Item.Time.Time(), Kind: "item", Tip: "the item, at " + exact(v.Item.Time)}}}
	var lanes []chart.Lane
	for _, p := range b.Parts {
		for i := range p.Wanted {
			lanes = append(lanes, p.Wanted[i].lane(p.Part, &s))
		}
	}
	if len(lanes) == 0 || s.from == s.to {
		return ""
	}
	if s.from <= v.KnownAt && v.KnownAt <= s.to {
		item.Marks = append(item.Marks, chart.Mark{At: v.KnownAt.Time(), Kind: "known", Tip: "known at " + exact(v.KnownAt)})
	}
	around := (s.to - s.from) / 40
	lanes = append([]chart.Lane{item}, lanes[:min(len(lanes), mostLanes)]...)
	return chart.Timeline("t", (s.from - around).Time(), (s.to + around).Time(), lanes)
}

// lane is an expectation as a timeline draws it; the stretch is widened to hold it.
func (w *wanted) lane(part string, s *stretch) chart.Lane {
	lane := chart.Lane{Name: strings.TrimSpace(part + " " + w.Name), State: w.State}
	if w.Interval != "" {
		s.reach(w.From, w.To)
		lane.From, lane.To = w.From.Time(), w.To.Time()
	}
	for i := range w.Expectation.Found {
		f := &w.Expectation.Found[i]
		s.reach(f.Time)
		lane.Marks = append(lane.Marks, chart.Mark{At: f.Time.Time(), Kind: "evidence", Tip: f.ID + " at " + exact(f.Time), Link: w.Found[i].Link})
	}
	if r := w.Expectation.Remedy; r != nil {
		s.reach(r.Time)
		lane.Marks = append(lane.Marks, chart.Mark{At: r.Time.Time(), Kind: "remedy", Tip: "remedy " + r.ID + " at " + exact(r.Time), Link: w.Remedy.Link})
	}
	return lane
}

// mostNodes is how many of a kind a lineage draws.
const mostNodes = 4

// lineage draws what rests on what.
func (b *itemBody) lineage(v *visit) chart.SVG {
	stages := []chart.Stage{{Heading: "Events"}, {Heading: "Verdict"}, {Heading: "Violations"}}
	add := func(stage int, n chart.Node) {
		if s := &stages[stage]; len(s.Nodes) < mostNodes {
			s.Nodes = append(s.Nodes, n)
		} else {
			s.More++
		}
	}
	for i := range b.Exhibits {
		x := &b.Exhibits[i]
		state := chart.Pass
		if !x.OnRecord || !x.Intact {
			state = chart.Unknown
		}
		add(0, chart.Node{Title: x.Type, Text: x.ID, State: state, Tip: x.Expectation + ": " + x.Checked(), Link: x.Link})
	}
	add(1, chart.Node{
		Title: b.Rule.ID + " · revision " + strconv.Itoa(b.Verdict.Revision), Text: words(b.Verdict.Outcome) + " " + words(b.Verdict.Reason),
		State: b.State, Tip: "known at " + exact(b.Verdict.KnownAt),
	})
	for i := range b.Violation {
		n := &b.Violation[i]
		add(2, chart.Node{Title: n.Change, Text: "revision " + strconv.Itoa(n.Revision), State: stateOf(compliance.Outcome(n.Outcome)), Tip: moment(n.KnownAt)})
	}
	if b.Told {
		stages = append(stages, chart.Stage{Heading: "Deliveries"})
		for i := range b.Delivery {
			d := &b.Delivery[i]
			state := chart.Deviation
			if d.Outcome == "delivered" {
				state = chart.Pass
			}
			add(3, chart.Node{Title: d.Target, Text: d.Outcome + " " + d.At.Time().Format(time.DateTime), State: state, Tip: d.Error, Link: v.to("/deliveries", "target", d.Target)})
		}
	}
	return chart.Lineage("l", stages)
}
