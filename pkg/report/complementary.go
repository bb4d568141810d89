package report

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Complementary are the controls that others must operate for the criteria to be met, as
// complementary.yaml beside the boundary declares them. None of them is tested.
type Complementary struct {
	// UserEntities are those of customers (CUEC).
	UserEntities []Assumed `json:"user_entities,omitempty" yaml:"user_entities"`
	// Subservices are organisations that the service rests on, each with its own (CSOC).
	Subservices []Subservice `json:"subservice_organizations,omitempty" yaml:"subservice_organizations"`
}

// Assumed is a control that somebody else operates.
type Assumed struct {
	ID       string   `json:"id" yaml:"id"`
	Criteria []string `json:"criteria,omitempty" yaml:"criteria"`
	Text     string   `json:"text" yaml:"text"`
}

// Subservice is an organisation that a part of the service is left to.
type Subservice struct {
	Name     string `json:"name" yaml:"name"`
	Provides string `json:"provides" yaml:"provides"`
	// Method is carve-out or inclusive.
	Method   string    `json:"method" yaml:"method"`
	Controls []Assumed `json:"controls,omitempty" yaml:"controls"`
}

// ReadComplementary reads complementary.yaml of a folder of controls. Without such a file
// none are declared.
func ReadComplementary(files fs.FS) (Complementary, error) {
	var c Complementary
	raw, err := fs.ReadFile(files, control.ComplementaryFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, compliance.Errorf(compliance.Invalid, "reading %s: %w", control.ComplementaryFile, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, compliance.Errorf(compliance.Invalid, "reading %s: %w", control.ComplementaryFile, err)
	}
	return c, c.check()
}

func (c *Complementary) check() error {
	if err := checkAssumed(c.UserEntities); err != nil {
		return err
	}
	for _, s := range c.Subservices {
		if s.Name == "" || s.Provides == "" {
			return compliance.Errorf(compliance.Invalid, "%s: a subservice organization needs name: and provides:", control.ComplementaryFile)
		}
		if s.Method != "carve-out" && s.Method != "inclusive" {
			return compliance.Errorf(compliance.Invalid, "%s: %s has the method %q; write carve-out or inclusive", control.ComplementaryFile, s.Name, s.Method)
		}
		if err := checkAssumed(s.Controls); err != nil {
			return err
		}
	}
	return nil
}

func checkAssumed(list []Assumed) error {
	for _, a := range list {
		if a.ID == "" || a.Text == "" {
			return compliance.Errorf(compliance.Invalid, "%s: each control needs id: and text:", control.ComplementaryFile)
		}
		if i := slices.IndexFunc(a.Criteria, func(id string) bool { return criterionAbout(id) == "" }); i >= 0 {
			return compliance.Errorf(compliance.Invalid, "%s: %q of %s is no Trust Services Criteria id, such as CC6.1", control.ComplementaryFile, a.Criteria[i], a.ID)
		}
	}
	return nil
}

// complementaryLine is a row of their table.
type complementaryLine struct {
	kind, organization, provides, method string
	Assumed
}

func (c *Complementary) lines() (lines []complementaryLine) {
	for _, a := range c.UserEntities {
		lines = append(lines, complementaryLine{kind: "user entity", Assumed: a})
	}
	for _, s := range c.Subservices {
		line := complementaryLine{kind: "subservice organization", organization: s.Name, provides: s.Provides, method: s.Method}
		if len(s.Controls) == 0 {
			lines = append(lines, line)
		}
		for _, a := range s.Controls {
			line.Assumed = a
			lines = append(lines, line)
		}
	}
	return lines
}
