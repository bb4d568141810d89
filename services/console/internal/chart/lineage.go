package chart

import (
	"fmt"

	"assay.example/assay/pkg/svg"
)

// Node is something that rests on what is left of it.
type Node struct {
	// Title and Text are its two lines.
	Title, Text string
	State       State
	Tip, Link   string
}

// Stage is a column of nodes under a heading. More counts those left out.
type Stage struct {
	Heading string
	Nodes   []Node
	More    int
}

// The measures of a lineage.
const (
	nodeWidth, nodeHeight = 168, 40
	stageGap, nodeGap     = 36, 10
	stageHead             = 22
)

// Lineage draws stages from left to right. Each node rests on all of the stage before.
func Lineage(name string, stages []Stage) SVG {
	var d drawing
	tallest := 1
	for _, s := range stages {
		tallest = max(tallest, s.rows())
	}
	height := float64(stageHead + tallest*(nodeHeight+nodeGap))
	d.open("lineage", float64(len(stages)*(nodeWidth+stageGap)-stageGap), height)
	d.hatch(name + "-h")
	for i := 1; i < len(stages); i++ {
		d.edges(float64(i)*(nodeWidth+stageGap), &stages[i-1], &stages[i], tallest)
	}
	for i := range stages {
		d.stage(name+"-h", float64(i)*(nodeWidth+stageGap), &stages[i], tallest)
	}
	return d.close()
}

func (s *Stage) rows() int {
	if s.More > 0 {
		return len(s.Nodes) + 1
	}
	return len(s.Nodes)
}

// top is where a row of a stage begins; a stage stands in the middle.
func (s *Stage) top(row, tallest int) float64 {
	free := float64(tallest-s.rows()) * (nodeHeight + nodeGap) / 2
	return stageHead + free + float64(row)*(nodeHeight+nodeGap)
}

func (d *drawing) edges(x float64, from, to *Stage, tallest int) {
	for f := range from.Nodes {
		for t := range to.Nodes {
			y1, y2 := from.top(f, tallest)+nodeHeight/2, to.top(t, tallest)+nodeHeight/2
			fmt.Fprintf(d, `<path class="edge" d="M%s %sC%s %s %s %s %s %s"/>`, svg.Number(x-stageGap), svg.Number(y1),
				svg.Number(x-stageGap/2), svg.Number(y1), svg.Number(x-stageGap/2), svg.Number(y2), svg.Number(x), svg.Number(y2))
		}
	}
}

func (d *drawing) stage(hatch string, x float64, s *Stage, tallest int) {
	d.label("stage", x, 13, s.Heading)
	for i, n := range s.Nodes {
		y := s.top(i, tallest)
		end := d.link(n.Link, n.Tip)
		d.rect("node", box{x + 0.5, y + 0.5, nodeWidth - 1, nodeHeight - 1, false})
		if state := n.State.drawn(); state == Unknown {
			d.unknown(hatch, box{x + 1, y + 1, 5, nodeHeight - 2, false})
		} else {
			d.rect("edge-"+string(state), box{x + 1, y + 1, 5, nodeHeight - 2, false})
		}
		d.label("node-title", x+12, y+17, svg.Cut(n.Title, 24))
		d.label("node-text", x+12, y+32, svg.Cut(n.Text, 26))
		d.put(end)
	}
	if len(s.Nodes) == 0 {
		d.label("node-text", x, float64(stageHead+tallest*(nodeHeight+nodeGap)/2), "none")
	}
	if s.More > 0 {
		d.label("node-text", x+12, s.top(len(s.Nodes), tallest)+22, fmt.Sprintf("and %d more", s.More))
	}
}
