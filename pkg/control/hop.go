package control

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// hopPrefix begins the keys at which evidence of a control with Hops meets its items.
const hopPrefix = "on "

// IsHop tells whether a join key is one at which evidence meets items to be handed on to
// them, not one at which items are judged.
func IsHop(key string) bool { return strings.HasPrefix(key, `["`+hopPrefix) }

// hops has each expectation join by all of its fields, at a key of its own.
func (c *compiler) hops(doc *yaml.Node, all []*Expectation) {
	switch {
	case c.control.Population.Schedule != nil:
		c.r.Problem(doc, "the expectations share no key of the item; those of a schedule's items join by item.member, so write two controls with part_of:")
		return
	case c.control.Population.Clock != nil:
		c.r.Problem(doc, "the expectations share no key of the item, and clock: in the population needs one; write two controls with part_of:")
		return
	case len(c.control.Tables) > 0:
		c.tableKeys(doc)
		return
	}
	c.control.Hops = true
	for _, e := range all {
		byItem := e.joinedBy()
		names := sortedPaths(byItem)
		for _, name := range names {
			e.ItemPaths = append(e.ItemPaths, byItem[name])
		}
		e.splitKey(names)
	}
}

// eachJoin visits what is joined to the item: expectations, and what undoes them.
func (c *Control) eachJoin(visit func(*Expectation)) {
	for _, e := range c.Expectations {
		if visit(e); e.Unless != nil {
			visit(e.Unless)
		}
	}
}

// hopAt is a key that tells the item's fields apart, not only their values.
func (e *Expectation) hopAt(paths []Path, view Fields) (string, bool) {
	values := []any{hopPrefix + strings.Join(pathNames(e.ItemPaths), ",")}
	for _, p := range paths {
		values = append(values, p.In(view))
	}
	return EncodeKey(values...)
}

// itemKey is where the evidence of an item is, if the control has several keys.
func (e *Expectation) itemKey(item Fields) (string, bool) { return e.hopAt(e.ItemPaths, item) }

// Meets is the join key of the evidence of an item that is judged at the key own.
func (e *Expectation) Meets(item Fields, own string) (string, bool) {
	if e.ItemPaths == nil {
		return own, true
	}
	return e.itemKey(item)
}

func pathNames(paths []Path) []string {
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = p.String()
	}
	return names
}
