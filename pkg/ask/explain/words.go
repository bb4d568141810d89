package explain

import (
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/control"
)

// Words are a control's rule as people read it.
type Words struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Severity string   `json:"severity"`
	Criteria []string `json:"criteria"`
	RuleHash string   `json:"rule_hash"`
	// Text is the organisation's own words, if the file has them.
	Text         string         `json:"control_text,omitempty"`
	Population   string         `json:"population"`
	Where        string         `json:"where,omitempty"`
	Assertion    string         `json:"assert"`
	Params       map[string]any `json:"params,omitempty"`
	Expectations []ExpectedWord `json:"expectations,omitempty"`
}

// ExpectedWord is an expectation as the control's file has it.
type ExpectedWord struct {
	Name    string   `json:"name"`
	Types   []string `json:"events"`
	Where   string   `json:"where,omitempty"`
	Between string   `json:"between,omitempty"`
}

// WordsOf says what a compiled control tells of itself; ReadWords adds the rest.
func WordsOf(c *control.Control) Words {
	w := Words{ID: c.ID, Title: c.Title, Severity: c.Severity, Criteria: c.Criteria, RuleHash: c.Hash, Params: c.Params}
	w.Where, w.Assertion = c.Words()
	if s := c.Population.Schedule; s != nil {
		w.Population = "every " + s.Every + " for each of " + s.ForEach.Name
	} else {
		w.Population = "each " + joined(c.Population.Types)
	}
	for _, e := range c.Expectations {
		x := ExpectedWord{Name: e.Name, Types: e.Types}
		if e.Where != nil {
			x.Where = e.Where.Source
		}
		w.Expectations = append(w.Expectations, x)
	}
	return w
}

// ReadWords adds what only the control's file says: its text, and the intervals as
// they are written there. A file that can't be read adds nothing.
func (w *Words) ReadWords(files fs.FS, name string) {
	var doc struct {
		Text   string `yaml:"control_text"`
		Expect map[string]struct {
			Between string `yaml:"between"`
		} `yaml:"expect"`
	}
	raw, err := fs.ReadFile(files, name)
	if err != nil || yaml.Unmarshal(raw, &doc) != nil {
		return
	}
	w.Text = doc.Text
	for i := range w.Expectations {
		w.Expectations[i].Between = doc.Expect[w.Expectations[i].Name].Between
	}
}

// WordsOfAll are those of a bundle's controls by their ids, read from its files.
func WordsOfAll(b *control.Bundle, files fs.FS) map[string]Words {
	all := make(map[string]Words, len(b.Controls))
	for _, c := range b.Controls {
		words := WordsOf(c)
		words.ReadWords(files, c.File)
		all[c.ID] = words
	}
	return all
}

func joined(types []string) string { return strings.Join(types, " or ") }
