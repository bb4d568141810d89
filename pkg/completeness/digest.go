package completeness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// SHA256 is the hash of what the facts say of a tenant's control, in hex. What goes into it
// is written down in docs/formats/completeness.md and never changes within a version.
func (f *Facts) SHA256(tenant, control string) string {
	h := sha256.New()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(h, format+"\n", args...) }
	say("assay.completeness/v1")
	say("%s %s %d %d", named(tenant), named(control), f.From, f.To)
	say("settled %d final %d rules %d", f.Settled, f.Final, f.RulesFrom)
	say("items %d expected %d undecidable %d missing %d miscounted %d", f.Items.N, f.Items.Expected, f.Items.Undecidable, f.Items.MissingRevisions, f.Items.MiscountedDays)
	say("behind %d of %d; unattributed %d", len(f.Clock.Behind), f.Clock.Partitions, f.Unattributed)
	for _, t := range f.Unsourced {
		say("unsourced %s", named(t))
	}
	for i := range f.Sources {
		f.Sources[i].digest(h)
	}
	for i := range f.Partitions {
		f.Partitions[i].digest(h)
	}
	for _, c := range f.Changed {
		say("changed %s %s %s %s %d %d %d %d", named(c.Source), named(c.Type), c.Day, named(c.Topic), c.Partition, c.First, c.Counted, c.Found)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// named is a text after its length, so that no two lists of texts read alike.
func named(text string) string { return fmt.Sprintf("%d:%s", len(text), text) }

func (s *SourceFacts) digest(w io.Writer) {
	_, _ = fmt.Fprintf(w, "source %s %d %d %d %d late %d quarantined %d refused %d unmapped %d of %d signs %d %d %d\n",
		named(s.Name), s.Records, s.Events, s.Repeats, s.Conflicts, s.Late, s.Quarantined, total(s.Refused), total(s.Unmapped), s.Deliveries, s.FirstSign, s.LastSign, s.RetiredAt)
	for _, g := range s.Silences {
		_, _ = fmt.Fprintf(w, "silence %d %d\n", g.From, g.To)
	}
	for _, h := range s.Holes {
		_, _ = fmt.Fprintf(w, "hole %d %d %d\n", h.From, h.To, h.Missing)
	}
}

func (p *Partition) digest(w io.Writer) {
	_, _ = fmt.Fprintf(w, "partition %s %d %s %d events %d %d undecoded %d\n", named(p.Topic), p.Partition, p.ID, p.First, p.FirstEvent, p.LastEvent, p.Undecoded)
	for _, h := range p.Holes {
		_, _ = fmt.Fprintf(w, "unread %d %d %d\n", h.First, h.End, h.Missing)
	}
}
