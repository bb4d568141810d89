package period

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// The types of events that speak of periods.
const (
	Opened = "period.opened"
	Closed = "period.closed"
	Sealed = "period.sealed"
)

// Act is what somebody did with a period, and when.
type Act struct {
	By   string             `json:"by"`
	At   compliance.Instant `json:"at"`
	Note string             `json:"note,omitempty"`
}

// Seal fixes what was known of a period.
type Seal struct {
	Act

	// AsOf is the time of which the sealed report says what was known.
	AsOf compliance.Instant `json:"as_of"`
	// Bundle is the rule set that it speaks of, FactsSHA256 the hash of what it says.
	Bundle      string `json:"bundle"`
	FactsSHA256 string `json:"facts_sha256"`
	// CertificatesSHA256 is the hash of the controls' completeness certificates; empty in a
	// seal of before they were sealed.
	CertificatesSHA256 string `json:"certificates_sha256,omitempty"`
	// Early says why it was sealed before late events had their time, Behind why before the
	// record had reached the period's end; empty if it wasn't.
	Early  string `json:"early,omitempty"`
	Behind string `json:"behind,omitempty"`
}

// Period is one of an examination: [From, To).
type Period struct {
	ID     string             `json:"id"`
	From   compliance.Instant `json:"from"`
	To     compliance.Instant `json:"to"`
	Opened Act                `json:"opened"`
	Closed *Act               `json:"closed,omitempty"`
	Sealed *Seal              `json:"sealed,omitempty"`
	// Faults are acts on record that count for nothing, each with the reason.
	Faults []string `json:"faults,omitempty"`
}

// State is how far a period has come.
func (p *Period) State() string {
	switch {
	case p.Sealed != nil:
		return "sealed"
	case p.Closed != nil:
		return "closed"
	}
	return "open"
}

// Fold says what periods there are, by when they begin. Each act counts once: the first
// in the order of events that may be done then. Of an event that came with several
// bodies the least by (time, hash) counts. Acts on a period that nobody opened are told
// apart, by the period's id.
func Fold(events []*compliance.Event) (periods []*Period, orphans map[string][]string) {
	byID := map[string]*Period{}
	orphans = map[string][]string{}
	for _, ev := range inOrder(events) {
		id := text(ev, "period_id")
		p := byID[id]
		switch {
		case ev.Type == Opened && p == nil:
			if p, fault := open(ev); fault != "" {
				orphans[id] = append(orphans[id], fault)
			} else {
				byID[id] = p
				periods = append(periods, p)
			}
		case p == nil:
			orphans[id] = append(orphans[id], fmt.Sprintf("%s at %s: nobody had opened it", ev.Type, ev.Time))
		default:
			if fault := p.take(ev); fault != "" {
				p.Faults = append(p.Faults, fmt.Sprintf("%s at %s: %s", ev.Type, ev.Time, fault))
			}
		}
	}
	slices.SortFunc(periods, func(a, b *Period) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.ID, b.ID))
	})
	return periods, orphans
}

// inOrder are the events, each once.
func inOrder(events []*compliance.Event) (once []*compliance.Event) {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b *compliance.Event) int {
		return cmp.Or(a.Compare(b), bytes.Compare(a.Ref.SHA256[:], b.Ref.SHA256[:]))
	})
	seen := map[compliance.EventKey]bool{}
	for _, ev := range events {
		if !seen[ev.Key()] {
			seen[ev.Key()] = true
			once = append(once, ev)
		}
	}
	return once
}

func open(ev *compliance.Event) (*Period, string) {
	from, err := compliance.ParseInstant(text(ev, "from"))
	if err != nil {
		return nil, err.Error()
	}
	to, err := compliance.ParseInstant(text(ev, "to"))
	if err != nil {
		return nil, err.Error()
	}
	if from >= to {
		return nil, fmt.Sprintf("%s at %s: it ends before it begins", ev.Type, ev.Time)
	}
	return &Period{ID: text(ev, "period_id"), From: from, To: to, Opened: act(ev, "opened_by")}, ""
}

// take adds an act to a period that is open; the fault says why it counts for nothing.
func (p *Period) take(ev *compliance.Event) (fault string) {
	switch {
	case ev.Type == Opened:
		return "it was open already"
	case p.Sealed != nil:
		return "it was sealed already"
	case ev.Type == Sealed:
		return p.seal(ev)
	case p.Closed != nil:
		return "it was closed already"
	case ev.Time < p.To:
		return "it ends at " + p.To.String()
	}
	closed := act(ev, "closed_by")
	p.Closed = &closed
	return ""
}

func (p *Period) seal(ev *compliance.Event) (fault string) {
	if p.Closed == nil {
		return "it was not closed"
	}
	asOf, err := compliance.ParseInstant(text(ev, "as_of"))
	switch {
	case err != nil:
		return err.Error()
	case asOf < p.To:
		return "it is as of a time before the period's end"
	case asOf > ev.Time:
		return "it is as of a time that lay ahead"
	}
	p.Sealed = &Seal{
		Act: act(ev, "sealed_by"), AsOf: asOf,
		Bundle: text(ev, "bundle"), FactsSHA256: text(ev, "facts_sha256"), CertificatesSHA256: text(ev, "certificates_sha256"),
		Early: text(ev, "early"), Behind: text(ev, "behind"),
	}
	return ""
}

func act(ev *compliance.Event, who string) Act {
	return Act{By: text(ev, who), At: ev.Time, Note: text(ev, "note")}
}

func text(ev *compliance.Event, field string) string {
	s, _ := ev.Data[field].(string)
	return s
}
