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
	// Key is the place in the control file, or what the control reads of the boundary
	// file; empty for a control that was added or removed.
	Key    string `json:"key"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Compare lists in what two bundles differ, by control and key. What is effective
// below the watermark w restates.
func Compare(from, to *control.Bundle, w compliance.Instant) []Difference {
	all := declared(from, to, effect(min(from.EffectiveFrom, to.EffectiveFrom), w))
	for _, id := range controlIDs(from, to) {
		a, b := from.Control(id), to.Control(id)
		switch {
		case a == nil:
			all = append(all, Difference{Control: id, Change: Added, Effect: effect(to.EffectiveFrom, w), After: b.Title})
		case b == nil:
			all = append(all, Difference{Control: id, Change: Removed, Effect: effect(from.EffectiveFrom, w), Before: a.Title})
		case a.Meaning != b.Meaning:
			all = append(all, differences(id, Rule, effect(to.EffectiveFrom, w), a.Clauses(), b.Clauses())...)
		}
		if a != nil && b != nil {
			all = append(all, rewording(id, a, b)...)
		}
	}
	return all
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
		all = append(all, Difference{Change: Rule, Effect: e, Key: "effective_from", Before: from.EffectiveFrom.String(), After: to.EffectiveFrom.String()})
	}
	if !slices.Equal(from.Tenants, to.Tenants) {
		all = append(all, Difference{Change: Rule, Effect: e, Key: "tenants", Before: strings.Join(from.Tenants, ", "), After: strings.Join(to.Tenants, ", ")})
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
			all = append(all, Difference{id, kind, e, key, was[key], is[key]})
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
