package page

import (
	"assay.example/assay/pkg/ask"
)

// made is the line below a table: which question it answers.
type made struct {
	Query, At string
	Rows      int
	Link      string
}

// made leads to how a question was asked. Parameters that name one page of a walk are
// left out.
func (v *visit) made(m ask.Made) made {
	if m.Query == "" {
		return made{}
	}
	var pairs []string
	for _, p := range m.Parameters {
		switch p.Name {
		case "tenant", "first", "as_of", "sources", "gaps", "place":
		default:
			if len(p.Name) < 6 || p.Name[:6] != "after_" {
				pairs = append(pairs, p.Name, p.Value)
			}
		}
	}
	return made{m.Query, moment(m.At), m.Rows, v.to(path("query", m.Query), pairs...)}
}
