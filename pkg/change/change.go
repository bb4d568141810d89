// Package change says what another rule set would change before it is in force:
// which controls differ and in what (Compare), and which verdicts over recorded
// history (Replay).
//
// Both are functions of what they are given: two bundles, events, a watermark. They
// read no clock and do no I/O. A replay judges both bundles with pkg/engine, in one
// pass over the events, and explains what differs with pkg/oracle.
package change

import (
	"maps"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Kind says what was done to a control.
type Kind string

// The kinds. Words changes no verdict: its semantic hash is the same.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Words   Kind = "words"
	Rule    Kind = "rule"
)

// Effect says which items a change reaches.
type Effect string

// The effects. A prospective change reaches items to come only; a restating one is
// effective before the watermark, so verdicts that were given may be others.
const (
	NoEffect    Effect = "none"
	Prospective Effect = "prospective"
	Restating   Effect = "restating"
)

// Difference is one place in which two bundles differ.
type Difference struct {
	// Control is empty for what concerns all.
	Control string `json:"control"`
	Change  Kind   `json:"change"`
	Effect  Effect `json:"effect"`
	// From is when it takes effect, for items of that time on: a version's beginning.
	From compliance.Instant `json:"from"`
	// Key is the place in the control file, or what the control reads of the boundary
	// file; empty for a control that was added or removed.
	Key    string `json:"key"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Compare lists in what two bundles differ, by control and key. What is effective
// below the watermark w restates. A version that only one of them has is compared with
// what is in force at its beginning in the other.
func Compare(from, to *control.Bundle, w compliance.Instant) []Difference {
	all := declared(from, to, effect(min(from.EffectiveFrom, to.EffectiveFrom), w))
	for _, id := range controlIDs(from, to) {
		a, b := from.Control(id), to.Control(id)
		switch {
		case a == nil:
			all = append(all, Difference{Control: id, Change: Added, Effect: effect(b.Versions[0].From, w), From: b.Versions[0].From, After: b.Title})
		case b == nil:
			all = append(all, Difference{Control: id, Change: Removed, Effect: effect(a.Versions[0].From, w), From: a.Versions[0].From, Before: a.Title})
		default:
			all = append(all, beginnings(from, to, a, b, w)...)
			all = append(all, compareVersions(id, a, b, w)...)
		}
	}
	return all
}

// beginnings: a control of its own beginning has no items before.
func beginnings(from, to *control.Bundle, a, b *control.Control, w compliance.Instant) []Difference {
	was, is := a.Versions[0].From, b.Versions[0].From
	if was == is || was == from.EffectiveFrom && is == to.EffectiveFrom {
		return nil // or it is said for all
	}
	since := min(was, is)
	return []Difference{{Control: a.ID, Change: Rule, Effect: effect(since, w), From: since, Key: "effective_from", Before: was.String(), After: is.String()}}
}

// compareVersions compares two controls at each instant from which one of them has
// another version.
func compareVersions(id string, a, b *control.Control, w compliance.Instant) (all []Difference) {
	var starts []compliance.Instant
	for _, v := range slices.Concat(a.Versions, b.Versions) {
		starts = append(starts, v.From)
	}
	slices.Sort(starts)
	for _, at := range slices.Compact(starts) {
		was, is := a.At(at), b.At(at)
		var found []Difference
		if was.Meaning != is.Meaning {
			found = differences(id, Rule, effect(at, w), was.Clauses(), is.Clauses())
		}
		for _, d := range append(found, rewording(id, was, is)...) {
			if d.From = at; !slices.ContainsFunc(all, d.repeats) {
				all = append(all, d)
			}
		}
	}
	return all
}

// repeats: the other says the same of a later version.
func (d *Difference) repeats(o Difference) bool {
	o.From, o.Effect = d.From, d.Effect
	return *d == o
}

func effect(from, w compliance.Instant) Effect {
	if from < w {
		return Restating
	}
	return Prospective
}

// declared are the differences of the boundary files that concern every control.
func declared(from, to *control.Bundle, e Effect) (all []Difference) {
	if from.EffectiveFrom != to.EffectiveFrom {
		all = append(all, Difference{Change: Rule, Effect: e, From: min(from.EffectiveFrom, to.EffectiveFrom), Key: "effective_from", Before: from.EffectiveFrom.String(), After: to.EffectiveFrom.String()})
	}
	if from.HistoryFrom != to.HistoryFrom {
		since := min(from.EffectiveFrom, to.EffectiveFrom)
		all = append(all, Difference{Change: Rule, Effect: e, From: since, Key: "history_from", Before: from.HistoryFrom.String(), After: to.HistoryFrom.String()})
	}
	if !slices.Equal(from.Tenants, to.Tenants) {
		all = append(all, Difference{Change: Rule, Effect: e, From: min(from.EffectiveFrom, to.EffectiveFrom), Key: "tenants", Before: strings.Join(from.Tenants, ", "), After: strings.Join(to.Tenants, ", ")})
	}
	return all
}

// rewording are the words that differ; if there are none, but the rule hash of a
// meaning that stayed, the layout does.
func rewording(id string, a, b *control.Control) []Difference {
	all := differences(id, Words, NoEffect, a.Wording(), b.Wording())
	if len(all) == 0 && a.Meaning == b.Meaning && a.Hash != b.Hash {
		all = append(all, Difference{Control: id, Change: Words, Effect: NoEffect, Key: "layout", Before: a.Hash, After: b.Hash})
	}
	return all
}

func controlIDs(bundles ...*control.Bundle) []string {
	ids := map[string]bool{}
	for _, b := range bundles {
		for _, c := range b.Controls {
			ids[c.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// differences compares clauses by key.
func differences(id string, kind Kind, e Effect, before, after []control.Clause) (all []Difference) {
	was, is := byKey(before), byKey(after)
	keys := maps.Clone(was)
	maps.Copy(keys, is)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if was[key] != is[key] && !follows(key, was[key], is[key]) {
			all = append(all, Difference{Control: id, Change: kind, Effect: e, Key: key, Before: was[key], After: is[key]})
		}
	}
	return all
}

// follows: that a list of names grew or shrank shows in what it names.
func follows(key, was, is string) bool {
	last := key[strings.LastIndexByte(key, '.')+1:]
	if last != "expect" && last != "reasons" {
		return false
	}
	a, b := strings.Split(was, ", "), strings.Split(is, ", ")
	common := func(list, with []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return !slices.Contains(with, n) })
	}
	return slices.Equal(common(a, b), common(b, a))
}

// byKey joins what stands at one key: a list of the boundary may name a member twice,
// with other dates.
func byKey(clauses []control.Clause) map[string]string {
	m := map[string]string{}
	for _, c := range clauses {
		if before, taken := m[c.Key]; taken {
			c.Value = before + "; " + c.Value
		}
		m[c.Key] = c.Value
	}
	return m
}
