package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// System is the declared system, as far as it was in scope during the period.
type System struct {
	Members []Member       `json:"members" nullable:"false"`
	Sources []sources.Life `json:"sources" nullable:"false"`
}

// Member is a row of a list of the boundary, or of a reference table (refs).
type Member struct {
	List string `json:"list"`
	ID   string `json:"id"`
	// From and Until bound its time in scope; zero where nothing does.
	From  compliance.Instant `json:"from,omitzero"`
	Until compliance.Instant `json:"until,omitzero"`
	// Says are its other fields.
	Says string `json:"says,omitempty"`
}

// membersOf lists what of the declared lists and tables is valid in a part of the period.
func membersOf(d *control.Declarations, p ask.Period) []Member {
	members := []Member{}
	for _, kind := range []struct {
		prefix string
		lists  map[string]*control.Declared
	}{{"boundary.", d.Boundary}, {"refs.", d.Refs}} {
		for _, name := range slices.Sorted(maps.Keys(kind.lists)) {
			for _, row := range kind.lists[name].Rows() {
				if row.From < p.To && row.Until > p.From {
					members = append(members, declaredMember(kind.prefix+name, &row))
				}
			}
		}
	}
	return members
}

func declaredMember(list string, row *control.DeclaredRow) Member {
	m := Member{List: list, ID: row.Key}
	if len(row.Parts) > 0 {
		m.ID = strings.Trim(fmt.Sprint(row.Parts), "[]")
	}
	if row.From > compliance.Ever {
		m.From = row.From
	}
	if row.Until < compliance.Never {
		m.Until = row.Until
	}
	var says []string
	for _, field := range slices.Sorted(maps.Keys(row.Fields)) {
		if value := row.Fields[field]; field != "id" && field != "key" {
			says = append(says, field+": "+plainly(value))
		}
	}
	m.Says = strings.Join(says, "; ")
	return m
}

// plainly is a value of a declared field, a list with commas between.
func plainly(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

// sourceLives are what is known of the declared sources.
func (a *answers) sourceLives(declared []control.Source) []sources.Life {
	lives := []sources.Life{}
	for _, s := range declared {
		if l := a.lives[s.Name]; l != nil {
			lives = append(lives, *l)
		}
	}
	return lives
}

// silence is a time that nothing, or not everything, is known of.
type silence struct {
	source, what string
	sources.Gap
	missing  int64
	controls []string
}

// silences are those of all declared sources, with the controls whose population they
// send.
func (r *Report) silences() (list []silence) {
	touched := map[string][]string{}
	for i := range r.Controls {
		for _, s := range r.Controls[i].Coverage.Sources {
			touched[s.Source] = append(touched[s.Source], r.Controls[i].ID)
		}
	}
	for _, s := range r.System.Sources {
		for _, g := range s.Gaps {
			list = append(list, silence{s.Source, "no sign of life", g, 0, touched[s.Source]})
		}
		for _, h := range s.Holes {
			list = append(list, silence{s.Source, "numbers missing", h.Gap, h.Missing, touched[s.Source]})
		}
		if s.MaxGap == 0 {
			list = append(list, silence{s.Source, "promises no sign of life, so its silence proves nothing", sources.Gap{From: r.Period.From, To: r.Period.To}, 0, touched[s.Source]})
		}
	}
	return list
}
