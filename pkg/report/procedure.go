package report

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Procedure is what was asked of every occurrence by one version of a control's rule,
// generated from the rule that ran.
type Procedure struct {
	RuleHash string `json:"rule_hash"`
	// From and Until bound the times of the items that this version judges; zero where
	// that is the period's end.
	From  compliance.Instant `json:"from,omitzero"`
	Until compliance.Instant `json:"until,omitzero"`
	// Population says what is an occurrence, Steps what was looked for and asked, in order.
	Population string   `json:"population"`
	Steps      []string `json:"steps" nullable:"false"`
}

// Text is the procedure in one text.
func (p *Procedure) Text() string { return p.Population + " " + strings.Join(p.Steps, " ") }

// ruleFile is what a control's file says, as it is written there.
type ruleFile struct {
	Text       string `yaml:"control_text"`
	Population struct {
		Where  string `yaml:"where"`
		Item   string `yaml:"item"`
		Having string `yaml:"having"`
	} `yaml:"population"`
	Expand *struct {
		Over string `yaml:"over"`
		As   string `yaml:"as"`
	} `yaml:"expand"`
	Expect    map[string]expectFile `yaml:"expect"`
	Cancelled string                `yaml:"cancelled_by"`
	Applies   string                `yaml:"applies"`
	Instead   []struct {
		When   string `yaml:"when"`
		Assert string `yaml:"assert"`
	} `yaml:"instead"`
	Assert  string               `yaml:"assert"`
	Params  map[string]yaml.Node `yaml:"params"`
	Reasons map[string]string    `yaml:"reasons"`
}

type expectFile struct {
	On      map[string]string `yaml:"on"`
	Where   string            `yaml:"where"`
	Between string            `yaml:"between"`
	Pick    string            `yaml:"pick"`
	Remedy  string            `yaml:"remedy_until"`
	Fold    map[string]string `yaml:"fold"`
	Unless  *struct {
		Event   yaml.Node         `yaml:"event"`
		On      map[string]string `yaml:"on"`
		Where   string            `yaml:"where"`
		Between string            `yaml:"between"`
	} `yaml:"unless"`
}

// readRule reads what a control's file says; a file that can't be read says nothing, and
// then the compiled rule alone is told.
func readRule(bundle *control.Bundle, c *control.Control) (f ruleFile) {
	if yaml.Unmarshal([]byte(bundle.Text(c.File)), &f) != nil {
		return ruleFile{}
	}
	return f
}

// procedures are those of the versions that judge items of the period.
func procedures(bundle *control.Bundle, c *control.Control, p ask.Period) []Procedure {
	list := []Procedure{}
	for _, v := range c.Versions {
		if v.From < p.To && v.Until > p.From {
			list = append(list, procedureOf(v, readRule(bundle, v), p))
		}
	}
	return list
}

func procedureOf(c *control.Control, f ruleFile, within ask.Period) Procedure {
	p := Procedure{RuleHash: c.Hash, Population: populationWords(c, &f)}
	if c.From > within.From {
		p.From = c.From
	}
	if c.Until < within.To {
		p.Until = c.Until
	}
	say := func(format string, args ...any) { p.Steps = append(p.Steps, fmt.Sprintf(format, args...)) }
	if f.Expand != nil {
		say("Each occurrence was taken apart: `%s` is each of `%s`, and all of them must hold.", f.Expand.As, f.Expand.Over)
	}
	for _, e := range c.Expectations {
		say("%s", evidenceWords(e, f.Expect[e.Name]))
	}
	for _, way := range f.Instead {
		say("Where %s: asked whether %s.", code(way.When), code(way.Assert))
	}
	if f.Applies != "" {
		say("The control applies where %s.", code(f.Applies))
	}
	_, assertion := c.Words()
	say("Asked of every occurrence: %s.", code(assertion))
	if names := params(c); names != "" {
		say("With %s.", names)
	}
	if text := reasons(c, &f); text != "" {
		say("A deviation is named %s.", text)
	}
	return p
}

// code is a condition as it stands in the rule, on one line.
func code(source string) string { return "`" + strings.Join(strings.Fields(source), " ") + "`" }

// populationWords say what is an occurrence.
func populationWords(c *control.Control, f *ruleFile) string {
	if s := c.Population.Schedule; s != nil {
		list := "boundary."
		if s.ForEach.InRefs {
			list = "refs."
		}
		return fmt.Sprintf("Every %s (%s), each member of %s in scope then.", s.Every, s.Zone, code(list+s.ForEach.Name))
	}
	text := "Every " + typeWords(c.Population.Types)
	if where, _ := c.Words(); where != "" {
		text += " for which " + code(where)
	}
	if f.Population.Having != "" {
		text += ", having " + code(f.Population.Having)
	}
	if f.Population.Item != "" {
		text += ", one for each " + code(f.Population.Item)
	}
	return text + "."
}

// evidenceWords says what evidence was looked for, and when.
func evidenceWords(e *control.Expectation, f expectFile) string {
	text := fmt.Sprintf("Looked for %q: ", e.Name)
	switch {
	case len(f.Fold) > 0:
		text += "counted "
	case f.Pick != "":
		text += "the " + f.Pick + " "
	}
	if len(e.Verdicts) > 0 {
		text += "verdicts of " + e.Verdicts[0].ID
	} else {
		text += typeWords(e.Types)
	}
	text += joinWords(f.On)
	if f.Where != "" {
		text += ", where " + code(f.Where)
	}
	text += intervalWords(f.Between)
	if u := f.Unless; u != nil {
		var types []string
		if u.Event.Decode(&types) != nil {
			types = []string{u.Event.Value}
		}
		text += "; unless " + typeWords(types) + joinWords(u.On)
		if u.Where != "" {
			text += ", where " + code(u.Where)
		}
		text += intervalWords(u.Between)
	}
	if f.Remedy != "" {
		text += "; later evidence, up to " + f.Remedy + ", is a remedy and no pass"
	}
	return text + "."
}

func typeWords(types []string) string {
	marked := make([]string, len(types))
	for i, t := range types {
		marked[i] = code(t)
	}
	return strings.Join(marked, " or ")
}

// joinWords say which fields must be equal.
func joinWords(on map[string]string) string {
	var pairs []string
	for event, item := range on {
		field, other := strings.TrimPrefix(event, "event."), strings.TrimPrefix(item, "item.")
		if field == other {
			pairs = append(pairs, "the same "+field)
		} else {
			pairs = append(pairs, field+" = the item’s "+other)
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	slices.Sort(pairs)
	return " with " + strings.Join(pairs, " and ")
}

// intervalWords say an interval around the item's time in words; one that is not plain is
// given as it stands.
func intervalWords(between string) string {
	t := strings.TrimSpace(between)
	if len(t) < 2 {
		return ""
	}
	from, to, found := strings.Cut(t[1:len(t)-1], ",")
	start, ok := boundWords(from)
	end, too := boundWords(to)
	if !found || !ok || !too {
		return ", within " + code(between)
	}
	first, last := "from ", " to "
	if t[0] == '(' {
		first = "after "
	}
	if t[len(t)-1] == ')' {
		last = " until before "
	}
	return ", " + first + start + last + end
}

func boundWords(bound string) (string, bool) {
	b := strings.ReplaceAll(bound, " ", "")
	switch {
	case b == "0s", b == "item.time":
		return "the item’s time", true
	case b == "period":
		return "the end of the slot", true
	case strings.HasPrefix(b, "period+"):
		return b[len("period+"):] + " after the end of the slot", true
	case strings.HasPrefix(b, "-") && plainDuration(b[1:]):
		return b[1:] + " before the item", true
	case plainDuration(b):
		return b + " after the item", true
	}
	if name, ok := strings.CutSuffix(b, ".time"); ok && !strings.ContainsAny(name, "()+-") {
		return fmt.Sprintf("%q", name), true
	}
	return "", false
}

func plainDuration(text string) bool {
	return text != "" && strings.Trim(text, "0123456789dhms") == "" && strings.ContainsAny(text[:1], "0123456789")
}

func params(c *control.Control) string {
	var told []string
	for name, value := range c.Params {
		told = append(told, fmt.Sprintf("`params.%s` = %v", name, value))
	}
	slices.Sort(told)
	return strings.Join(told, ", ")
}

func reasons(c *control.Control, f *ruleFile) string {
	var told []string
	for _, r := range c.Reasons {
		told = append(told, fmt.Sprintf("%s if %s", r.Code, code(f.Reasons[r.Code])))
	}
	return strings.Join(told, ", else ")
}
