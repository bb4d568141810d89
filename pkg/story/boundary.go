package story

import (
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Boundary is the file boundary.yaml of a bundle that fits this story: what is
// in scope, who sends what and how often, and the reference tables.
func (s *Story) Boundary() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: the declared system of the story.\n", Company)
	fmt.Fprintf(&b, "effective_from: %s\ntenants: [default]\n\nboundary:\n", s.plan.from)
	writeMembers(&b, "systems", s.plan.systems)
	writeMembers(&b, "services", s.plan.services)
	fmt.Fprintf(&b, "  components: %s\n\nsources:\n", s.components())
	for _, src := range s.plan.sources {
		fmt.Fprintf(&b, "  %s: {types: %s, max_gap: %s}\n", src.name, flow(src.types), hours(src.maxGap))
	}
	b.WriteString("\nrefs:\n")
	s.writeRefs(&b)
	return []byte(b.String())
}

func writeMembers(b *strings.Builder, name string, members []member) {
	fmt.Fprintf(b, "  %s:\n", name)
	for _, m := range members {
		if m.from == 0 {
			fmt.Fprintf(b, "    - {id: %s, until: %s}\n", m.id, m.until)
			continue
		}
		fmt.Fprintf(b, "    - {id: %s, from: %s, until: %s}\n", m.id, m.from, m.until)
	}
}

// components are those in scope; one that comes into it has a beginning.
func (s *Story) components() string {
	list := flow(components())
	if s.drift != nil && s.drift.Cause == Boundary {
		list = fmt.Sprintf("%s, {id: %s, from: %s}]", strings.TrimSuffix(list, "]"), newComponent, s.drift.At)
	}
	return list
}

// until ends the row of a provider whose approval ends.
func (s *Story) until(provider string) string {
	if s.drift != nil && s.drift.Cause == Reference && provider == endingRow {
		return fmt.Sprintf("valid_until: %s, ", s.drift.At)
	}
	return ""
}

func (s *Story) writeRefs(b *strings.Builder) {
	b.WriteString("  providers:\n")
	for _, p := range providers() {
		fmt.Fprintf(b, "    %s: {valid_from: %s, %sclasses: %s}\n", p.id, p.from, s.until(p.id), flow(p.classes))
	}
	b.WriteString("  required_suites:\n")
	for _, a := range apps() {
		fmt.Fprintf(b, "    %s: {suites: %s, min_permille: %d}\n", a.name, flow(a.suites), passMark)
	}
	b.WriteString("  agents:\n")
	for _, a := range agents() {
		fmt.Fprintf(b, "    %s: {tools: %s}\n", a.id, flow(a.tools))
	}
	s.writeFlows(b)
}

// writeFlows declares where data may go: what each service may call, and each agent.
func (s *Story) writeFlows(b *strings.Builder) {
	b.WriteString("  data_flows:\n")
	for _, m := range s.plan.services {
		for _, p := range append(providers(), ownModel()) {
			from := ""
			if p.from != compliance.Ever {
				from = fmt.Sprintf("valid_from: %s, ", p.from)
			}
			fmt.Fprintf(b, "    - {key: [%s, provider, %s], %s%smodels: [%s], regions: [%s], classes: %s}\n",
				m.id, p.id, from, s.until(p.id), p.model, p.region, flow(p.classes))
		}
		for _, store := range stores() {
			fmt.Fprintf(b, "    - {key: [%s, store, %s], classes: %s}\n", m.id, store, flow(dataClasses()))
		}
	}
	for _, a := range agents() {
		for _, tool := range a.tools {
			fmt.Fprintf(b, "    - {key: [%s, tool, %s], classes: %s}\n", a.id, tool, flow(dataClasses()))
		}
	}
}

// flow is a list in one line. The names need no quotes, but for patterns.
func flow(items []string) string {
	quoted := make([]string, len(items))
	for i, it := range items {
		quoted[i] = it
		if strings.Contains(it, "*") {
			quoted[i] = `"` + it + `"`
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func hours(d time.Duration) string { return fmt.Sprintf("%dh", int(d.Hours())) }
