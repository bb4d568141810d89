package oracle

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// said is a verdict, with the item that it is about or about a part of.
type said struct {
	compliance.Verdict
	view control.Fields
}

// all is what is said of every item.
func (l *log) all() (list []said) {
	for _, l.control = range l.control.Versions { // in order of time: an item belongs to the one effective at its own
		for _, o := range append(l.openings(), l.slots()...) {
			for _, v := range l.say(o) {
				list = append(list, said{v, o.view})
			}
		}
	}
	return list
}

// read takes what another control says at the watermark as evidence: at the time of
// its item, at the keys that its verdicts are joined by.
func (l *log) read(of *log) {
	c := of.control
	list := of.all()
	for _, it := range of.possible { // it may be said yet, whatever the verdict
		if it.Time >= c.At(it.Time).From {
			list = append(list, said{compliance.Verdict{Item: it.Item, Outcome: compliance.Pending}, it.view})
		}
	}
	for _, s := range list {
		ev, counts := c.Verdict(&s.Verdict, s.view)
		if !counts {
			continue
		}
		for _, key := range l.control.VerdictKeys(ev) {
			l.groups[key] = append(l.groups[key], fact{Event: ev, view: control.ViewOf(ev)})
		}
	}
	for _, facts := range l.groups {
		slices.SortStableFunc(facts, func(a, b fact) int { return a.Compare(b.Event) })
	}
}

// wait notes that nobody can tell yet which event opens an item.
func (l *log) wait(key, id string) {
	if l.waiting[key] == nil {
		l.waiting[key] = map[string]bool{}
	}
	l.waiting[key][id] = true
}

func (l *log) waits(key, id string) bool { return l.waiting[key][id] }
