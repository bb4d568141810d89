package page

import (
	"time"

	"assay.example/assay/pkg/ask/flows"
	"assay.example/assay/pkg/boundary"
)

// boundaryBody is where data went in a period, and what the boundary says of it.
type boundaryBody struct {
	When     *when
	Declared bool
	// Outside are those of Edges that leave the boundary.
	Edges, Outside []flowLine
	Unused         []boundary.Row
	Made           made
	Again          []command
}

// flowLine is a flow, and where its events are.
type flowLine struct {
	boundary.Edge

	Link string
}

func boundaryPage(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	compared, m, err := flows.Compare(v.ctx(), v.asker, v.flows, w.Period)
	if err != nil {
		return nil, err
	}
	b := &boundaryBody{When: w, Declared: compared.Declared, Unused: compared.Unused, Made: v.made(m)}
	for _, e := range compared.Edges {
		line := flowLine{e, v.eventsOf(&e)}
		b.Edges = append(b.Edges, line)
		if e.Outside() {
			b.Outside = append(b.Outside, line)
		}
	}
	b.Again = []command{{"From the command line", shell(append(append([]string{"assay", "boundary"}, flagsOf(w.Period)...), v.common()...)...)}}
	return &sheet{Template: "boundary", Title: "System boundary", Body: b}, nil
}

// eventsOf leads to the calls that a flow was seen by, from its first one on.
func (v *visit) eventsOf(e *boundary.Edge) string {
	types := map[boundary.Kind]string{
		boundary.Provider: "model.call.completed", boundary.Tool: "tool.call.completed", boundary.Store: "retrieval.completed",
	}
	from := e.First
	if e.Outside() {
		from = e.OutsideFrom
	}
	return v.to("/events", "type", types[e.Kind], "from", from.String(), "to", max(e.Last, from).Add(time.Microsecond).String())
}
