package explain

import (
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
)

// BecauseOf is what an explanation says of an item that the rules judge at a watermark.
func BecauseOf(b *control.Bundle, id, item string, events []*compliance.Event, w compliance.Instant) (Because, compliance.Outcome) {
	c := b.Control(id)
	made, ok := oracle.Explain(b, c, "default", events, item, w)
	if !ok {
		return Because{}, ""
	}
	v := listing.Verdict{
		Control: id, Item: made.Verdict.Item, Outcome: made.Verdict.Outcome, Reason: made.Verdict.Reason,
		RemediatedAt: made.Verdict.RemediatedAt, Due: made.Verdict.Due, FinalAt: made.Verdict.Due.Add(c.FinalAfter),
	}
	return because(c, &v, &Reperformed{Watermark: w, Parts: lookedFor(made.Parts, w)}), v.Outcome
}
