package controltest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest/internal/timeline"
)

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// compare holds what is known to what the case expects.
func (c *testcase) compare(truth []timeline.Known) []string {
	var failures []string
	for i, expects := range c.expects {
		for _, e := range expects {
			want, got := c.asked(e, truth[i])
			if slices.Equal(want, got) {
				continue
			}
			failures = append(failures, fmt.Sprintf("%s:%d:%d: %s: at %s, of %s (- expected, + found):\n%s",
				c.file, e.line, e.column, c.name, c.moment(c.Watermarks[i]), e.id, diff(want, got)))
		}
	}
	return failures
}

// asked are the lines that the case names, as it has them and as they are.
func (c *testcase) asked(e expected, now timeline.Known) (want, got []string) {
	r, is := now[e.id]
	if e.absent || !is {
		gone := !is || r.Outcome == compliance.Withdrawn
		switch {
		case e.absent && gone:
			return nil, nil
		case e.absent:
			return []string{"absent: true"}, c.lines(now, e.id)
		}
		return c.wanted(e), []string{"there is no such item; there are " + named(now)}
	}
	all := c.lines(now, e.id)
	for _, line := range c.wanted(e) {
		key, _, _ := strings.Cut(line, ":")
		want = append(want, line)
		for _, other := range all {
			if strings.HasPrefix(other, key+":") {
				got = append(got, other)
			}
		}
	}
	return want, got
}

func named(now timeline.Known) string {
	if len(now) == 0 {
		return "none"
	}
	return strings.Join(sorted(now), ", ")
}

// wanted are the fields that a case names, as lines writes them.
func (c *testcase) wanted(e expected) []string {
	var list []string
	if e.outcome != nil {
		list = append(list, "outcome: "+string(*e.outcome))
	}
	if e.reason != nil {
		list = append(list, "reason: "+quoted(*e.reason))
	}
	if e.hasEvidence {
		list = append(list, "evidence: ["+strings.Join(e.evidence, ", ")+"]")
	}
	if e.revision > 0 {
		list = append(list, fmt.Sprintf("revision: %d", e.revision))
	}
	if e.remediated != nil {
		list = append(list, "remediated_at: "+c.remedied(*e.remediated))
	}
	return list
}

// lines are all that is known of an item, each a field.
func (c *testcase) lines(now timeline.Known, id string) []string {
	r, ok := now[id]
	if !ok {
		return []string{"absent: true"}
	}
	ids := make([]string, len(r.Evidence))
	for i, e := range r.Evidence {
		ids[i] = e.ID
	}
	return []string{
		"outcome: " + string(r.Outcome),
		"reason: " + quoted(r.Reason),
		"evidence: [" + strings.Join(ids, ", ") + "]",
		fmt.Sprintf("revision: %d", r.Number),
		"remediated_at: " + c.remedied(r.RemediatedAt),
	}
}

func quoted(reason string) string {
	if reason == "" {
		return `""`
	}
	return reason
}

func (c *testcase) remedied(t compliance.Instant) string {
	if t == 0 {
		return "none"
	}
	return c.moment(t)
}

// moment is a time with its offset from the start, which is what authors wrote.
func (c *testcase) moment(t compliance.Instant) string {
	return fmt.Sprintf("%s (%s)", t, control.FormatDuration(t.Sub(c.start)))
}

// diff marks what is only in one of two lists of fields.
func diff(want, got []string) string {
	var b strings.Builder
	write := func(mark, line string) { b.WriteString("  " + mark + " " + line + "\n") }
	for _, line := range want {
		if slices.Contains(got, line) {
			write(" ", line)
			continue
		}
		write("-", line)
		key, _, _ := strings.Cut(line, ":")
		for _, other := range got {
			if strings.HasPrefix(other, key+":") && !slices.Contains(want, other) {
				write("+", other)
			}
		}
	}
	for _, line := range got {
		key, _, _ := strings.Cut(line, ":")
		if !slices.ContainsFunc(want, func(w string) bool { return strings.HasPrefix(w, key+":") }) {
			write("+", line)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
