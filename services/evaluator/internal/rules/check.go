package rules

import (
	"context"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/clock"
)

// Check says why a change can't be made, and what to do instead; now is the highest
// clock of all sources. It is clock.Deps.Check.
func (b *Book) Check(ctx context.Context, c record.RuleChange, inForce int, now compliance.Instant) error {
	to, err := control.Unpack(c.Proposed.Files, b.types)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "the rules don't compile: %w", err)
	}
	if to.Hash != c.Proposed.Bundle {
		return compliance.Errorf(compliance.Invalid, "the files are bundle %s, and bundle %s was proposed; propose it again with the same release of assay", to.Hash, c.Proposed.Bundle)
	}
	if now == compliance.Ever {
		return compliance.Errorf(compliance.Invalid, "the log has no clock yet, so nobody can tell what was judged; start the evaluators with these rules instead")
	}
	from, err := b.followed(ctx, inForce, nil)
	if err != nil {
		return err
	}
	if err := b.staged(to); err != nil {
		return err
	}
	if c.Proposed.Restates {
		return restates(from, to, now.Add(control.Early+clock.Slack))
	}
	return prospective(from, to, now.Add(control.Early+clock.Slack))
}

// staged refuses what the judges of the stages can't do while they run: to give the state
// of a control to those of another stage.
func (b *Book) staged(to *control.Bundle) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, from := range b.judged {
		for _, c := range to.Controls {
			if old := from.Control(c.ID); old != nil && old.Stage != c.Stage {
				return compliance.Errorf(compliance.Invalid,
					`%s would be judged in stage %d instead of %d (docs/design/dataflow.md, "Stages"), and what is known of its items stays where it is; give it another id, or rebuild from the events (the same page, "Rebuild")`,
					c.ID, c.Stage, old.Stage)
			}
		}
	}
	return nil
}

// prospective refuses what takes effect before since.
func prospective(from, to *control.Bundle, since compliance.Instant) error {
	var places []string
	for _, d := range change.Compare(from, to, since) {
		if d.Effect == change.Restating {
			places = append(places, strings.TrimSpace(d.Control+" "+d.Key)+" from "+d.From.String())
		}
	}
	if len(places) == 0 {
		return nil
	}
	return compliance.Errorf(compliance.Invalid,
		"it takes effect before %s, so what was judged by then would be judged otherwise: %s; give each a new file with that effective_from or a later one, beside the old file, or propose it with --restate, which another person approves",
		since.Time().Add(time.Minute).Truncate(time.Minute).Format(time.RFC3339), shortened(places))
}

// restates refuses what can't be judged anew on the running system: what reads events
// that were never routed for it.
func restates(from, to *control.Bundle, since compliance.Instant) error {
	if from.EffectiveFrom != to.EffectiveFrom || from.HistoryFrom != to.HistoryFrom || strings.Join(from.Tenants, ",") != strings.Join(to.Tenants, ",") {
		return compliance.Errorf(compliance.Invalid, `effective_from, history_from or tenants of the boundary differ, which concerns items that nobody has state of; rebuild from the events (docs/design/dataflow.md, "Rebuild")`)
	}
	if read, by := restatedAndRead(from, to, since); read != "" {
		return compliance.Errorf(compliance.Invalid, `%s reads the verdicts of %s, and those of items whose state has ended aren't handed on again; give %s an effective_from to come, or rebuild from the events (docs/design/dataflow.md, "Rebuild")`, by, read, read)
	}
	for _, c := range to.Controls {
		old := from.Control(c.ID)
		for _, v := range c.Versions {
			switch {
			case old == nil:
				return compliance.Errorf(compliance.Invalid, `%s is new and effective from %s, and its events were never routed; give it an effective_from to come, or rebuild from the events (docs/design/dataflow.md, "Rebuild")`, c.ID, v.From)
			case !old.RoutesAll(v):
				return compliance.Errorf(compliance.Invalid, `%s, effective from %s, reads events, fields or keys that were not routed for %s, or looks back or waits further; give it an effective_from to come, or rebuild from the events (docs/design/dataflow.md, "Rebuild")`, v.File, v.From, c.ID)
			}
		}
	}
	return nil
}

// restatedAndRead is a control of which verdicts change that another reads; empty if there
// is none.
func restatedAndRead(from, to *control.Bundle, since compliance.Instant) (read, by string) {
	for _, d := range change.Compare(from, to, since) {
		if d.Effect != change.Restating {
			continue
		}
		for _, c := range slices.Concat(from.Controls, to.Controls) {
			if slices.ContainsFunc(c.ReadVerdicts(), func(of *control.Control) bool { return of.ID == d.Control }) {
				return d.Control, c.ID
			}
		}
	}
	return "", ""
}

// shortened lists the first few.
func shortened(places []string) string {
	const few = 4
	if len(places) > few {
		places = append(places[:few:few], "…")
	}
	return strings.Join(places, ", ")
}
