package page

import (
	"slices"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/period"
)

// examinationRow is a period that somebody opened, in the list of reports.
type examinationRow struct {
	ID, From, To, State, Link string
	Opened, Closed, Sealed    string
}

// examinations are those whose whole period the viewer may see.
func (v *visit) examinations() ([]*period.Period, error) {
	known, err := period.List(v.ctx(), v.Conn, v.Tenant)
	return slices.DeleteFunc(known, func(p *period.Period) bool { return v.Within(p.Window()) != nil }), err
}

func (v *visit) examinationRow(p *period.Period) examinationRow {
	row := examinationRow{
		ID: p.ID, From: moment(p.From), To: moment(p.To), State: p.State(), Link: v.to(path("periods", p.ID)), Opened: acted(&p.Opened), Closed: acted(p.Closed),
	}
	if p.Sealed != nil {
		row.Sealed = acted(&p.Sealed.Act)
	}
	return row
}

func acted(a *period.Act) string {
	if a == nil {
		return ""
	}
	return a.By + " at " + moment(a.At)
}

// examinationBody is a period with the proof of its seal.
type examinationBody struct {
	*period.Period

	Row    examinationRow
	Note   string
	AsOf   string
	Bundle string
	Proof  *period.Proof
	Rows   []restatedRow
	Again  []command
	// Samples leads to the draws for this engagement.
	Samples string
}

// restatedRow is a verdict that is not what it was.
type restatedRow struct{ Known, Control, Item, Was, Is, Link string }

func examinationPage(v *visit) (*sheet, error) {
	p, err := v.examination(v.request.PathValue("examination"))
	if err != nil {
		return nil, err
	}
	b := &examinationBody{
		Period: p, Row: v.examinationRow(p), Note: p.Opened.Note,
		Samples: v.to("/samples", append(pairsOf(p.Window()), "engagement", p.ID)...), Again: []command{{"With Assay", "assay period show " + shellWord(p.ID) + " --tenant " + shellWord(v.Tenant)}},
	}
	if s := p.Sealed; s != nil {
		b.AsOf, b.Bundle = moment(s.AsOf), s.Bundle
		if b.Proof, err = period.Prove(v.ctx(), v.Conn, v.Tenant, p); err != nil {
			return nil, err
		}
		for i := range b.Proof.Restatement {
			b.Rows = append(b.Rows, v.restated(&b.Proof.Restatement[i], p.Window()))
		}
		b.Again = append(b.Again, command{
			"Its report", "assay report --from " + p.From.String() + " --to " + p.To.String() + " --as-of " + s.AsOf.String() + " --tenant " + shellWord(v.Tenant),
		})
	}
	return &sheet{Template: "examination", Title: p.ID, Body: b}, nil
}

// examination finds a period. One that may not be seen looks like one that isn't there.
func (v *visit) examination(id string) (*period.Period, error) {
	seen, err := v.examinations()
	if err != nil {
		return nil, err
	}
	for _, p := range seen {
		if p.ID == id {
			return p, nil
		}
	}
	return nil, compliance.Errorf(compliance.NotFound, "There is no such period on record.")
}

// restated is a line of the restatement. Who may see some periods only is told that an item
// left this one, and not to where.
func (v *visit) restated(r *listing.Restated, p ask.Period) restatedRow {
	row := restatedRow{Known: moment(r.KnownAt), Control: r.Control, Item: r.ItemID, Was: r.Before.String(), Is: r.Now.String()}
	in := r.Now.ItemTime >= p.From && r.Now.ItemTime < p.To
	switch {
	case v.Bound() && !in:
		row.Is = "no longer in this period"
	default:
		row.Link = v.to(path("items", r.Control, r.ItemID))
	}
	return row
}
