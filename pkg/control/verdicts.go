package control

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// verdictPrefix begins the type of what a control says of an item, as evidence for
// others. No event of the log has such a type.
const verdictPrefix = "verdict:"

func verdictType(id string) string { return verdictPrefix + id }

// IsVerdict tells what controls say, as evidence, from events of the log.
func IsVerdict(eventType string) bool { return strings.HasPrefix(eventType, verdictPrefix) }

// Heard are the types whose senders must be heard for the expectation to be known: of
// what it expects, or what opens the items whose verdicts it reads.
func (e *Expectation) Heard() []string {
	if e.Verdicts == nil {
		return e.Types
	}
	var types []string
	for _, v := range e.Verdicts {
		types = append(types, v.Population.Types...)
	}
	return types
}

// settling is how long after the time of an item whose verdict is evidence that may
// still change on time.
func (e *Expectation) settling() (longest time.Duration) {
	for _, v := range e.Verdicts {
		longest = max(longest, v.Horizon())
	}
	return longest
}

// unordered: of what has matched, an earlier one may come yet, on time.
func (e *Expectation) unordered() bool { return e.Depends != nil || e.Verdicts != nil }

// ReadVerdicts are the controls whose verdicts c reads in any version, each once, by
// their last version, in the order of ids.
func (c *Control) ReadVerdicts() []*Control {
	byID := map[string]*Control{}
	for _, v := range c.Versions {
		for _, e := range v.Expectations {
			for _, of := range e.Verdicts {
				byID[of.ID] = of.Versions[len(of.Versions)-1]
			}
		}
	}
	var list []*Control
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		list = append(list, byID[id])
	}
	return list
}

// Verdict is what c says of an item, as evidence for those that read it: an event at
// the item's time with the data control, outcome and item. ok is false if there is
// nothing to count: the item is none, or the control doesn't apply to it. It may be
// Unsettled.
func (c *Control) Verdict(v *compliance.Verdict, item Fields) (ev *compliance.Event, ok bool) {
	switch v.Outcome {
	case compliance.Pass, compliance.Deviation, compliance.Waived, compliance.Pending, compliance.Inconclusive:
	case compliance.NotApplicable, compliance.Withdrawn:
		return nil, false
	}
	fields, view := map[string]any{}, item.View()
	for name := range c.Versions[len(c.Versions)-1].lent {
		if value, has := view[name]; has {
			fields[name] = value
		}
	}
	fields["id"], fields["time"] = v.Item.ID, v.Item.Time.Time()
	ev = &compliance.Event{
		Source: c.ID, ID: v.Item.ID, Type: verdictType(c.ID), Time: v.Item.Time,
		Data: map[string]any{"control": c.ID, "outcome": string(v.Outcome), "item": fields},
	}
	ev.Ref.SHA256 = sumOf(ev.Data)
	return ev, true
}

// Unsettled is how a verdict that is evidence waits to be a pass or a deviation:
// pending, or inconclusive. It is empty for what is settled, and for events.
func Unsettled(eventType string, v Fields) compliance.Outcome {
	outcome, _ := v.Field("outcome").(string)
	switch o := compliance.Outcome(outcome); {
	case !IsVerdict(eventType):
	case o == compliance.Pending || o == compliance.Inconclusive:
		return o
	}
	return ""
}

// Settled are all that an unsettled verdict may become and count.
func Settled(v View) []View {
	var list []View
	for _, outcome := range []compliance.Outcome{compliance.Pass, compliance.Deviation, compliance.Waived} {
		settled := maps.Clone(v)
		settled["outcome"] = string(outcome)
		list = append(list, settled)
	}
	return list
}

// VerdictKeys are the join keys at which a verdict is evidence for c.
func (c *Control) VerdictKeys(ev *compliance.Event) []string {
	var keys keySet
	view := ViewOf(ev)
	for _, v := range c.Versions {
		for _, e := range v.Expectations {
			if MatchesAny(e.Types, ev.Type) {
				keys.add(e.KeyOf(view))
			}
		}
	}
	return keys
}

// verdicts reads whose verdicts are the evidence. Controls that are read are compiled
// before those that read them.
func (c *compiler) verdicts(e *Expectation, f map[string]*yaml.Node) {
	for key, why := range map[string]string{
		"event": "an expectation is about events or about verdicts",
		"clock": "a verdict counts at its item's time",
		"links": "verdicts don't cause each other",
	} {
		if f[key] != nil {
			c.r.Problem(f[key], "%s: doesn't go with verdicts:; %s", key, why)
		}
	}
	items := fieldSet{}
	e.Verdicts = []*Control{} // there may be no such control: that is reported
	for _, id := range c.r.Texts(f["verdicts"], "verdicts") {
		e.Types = append(e.Types, verdictType(id))
		for _, v := range c.judged[id] {
			e.Verdicts = append(e.Verdicts, v)
			for name, kind := range v.shows {
				if known, has := items[name]; has && known != kind {
					kind = dictionary.Any // the controls disagree
				}
				items[name] = kind
			}
		}
	}
	c.fields["event"] = fieldSet{"control": dictionary.String, "outcome": dictionary.String, "time": dictionary.Time, "item": dictionary.Any}
	c.fields["event.item"] = items
	if len(e.Verdicts) == 0 {
		c.fields["event.item"] = nil // reported: there is no such control
	}
}

// lend notes which fields of their items the controls that c reads have to keep for it.
func (c *compiler) lend() {
	for _, e := range c.control.Expectations {
		for _, v := range e.Verdicts {
			for name := range v.shows {
				if c.readsAll || c.read[name] {
					for _, version := range c.judged[v.ID] {
						version.lent[name] = true
					}
				}
			}
		}
	}
}

// judgedBy is the meaning of the controls whose verdicts c reads: when they change, so
// does what it says.
func (c *compiler) judgedBy(of func(*Control) string) map[string][]string {
	read := map[string][]string{}
	for _, e := range c.control.Expectations {
		for _, v := range e.Verdicts {
			if read[v.ID] == nil {
				for _, version := range c.judged[v.ID] {
					read[v.ID] = append(read[v.ID], version.effective.String()+" "+of(version))
				}
				slices.Sort(read[v.ID])
			}
		}
	}
	return read
}

// sumOf identifies what was said: it stands where an event has the hash of its bytes.
func sumOf(v any) compliance.Hash { return sha256.Sum256([]byte(written(v))) }
