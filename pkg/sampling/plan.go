package sampling

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// plans are those that come with the program, named for their files.
//
//go:embed plans/*.yaml
var plans embed.FS

// Frequency is how often a control operates.
type Frequency string

// The frequencies, the rarest first. AdHoc is a control that operates when something
// happens.
const (
	Annual    Frequency = "annual"
	Quarterly Frequency = "quarterly"
	Monthly   Frequency = "monthly"
	Weekly    Frequency = "weekly"
	Daily     Frequency = "daily"
	ManyDaily Frequency = "many_daily"
	AdHoc     Frequency = "ad_hoc"
)

// Frequencies lists all of them.
func Frequencies() []Frequency {
	return []Frequency{Annual, Quarterly, Monthly, Weekly, Daily, ManyDaily, AdHoc}
}

// Plan says how many items are drawn, and how. Firms have their own; no standard
// prescribes sizes.
type Plan struct {
	Name  string `yaml:"name" json:"name"`
	Title string `yaml:"title" json:"title"`
	// Source says where the numbers were read.
	Source string `yaml:"source" json:"source,omitempty"`
	Draw   Method `yaml:"draw" json:"draw"`
	// ByFrequency is of controls that operate regularly, ByPopulation of the others, and
	// of all where there is no ByFrequency. Statistical stands alone.
	ByFrequency  map[Frequency]int `yaml:"by_frequency" json:"by_frequency,omitempty"`
	ByPopulation []Step            `yaml:"by_population" json:"by_population,omitempty"`
	Statistical  *Statistical      `yaml:"statistical" json:"statistical,omitempty"`
}

// Step is the size for populations up to a size. The last one has no UpTo.
type Step struct {
	UpTo    int  `yaml:"up_to" json:"up_to,omitempty"`
	All     bool `yaml:"all" json:"all,omitempty"`
	Size    int  `yaml:"size" json:"size,omitempty"`
	Percent int  `yaml:"percent" json:"percent,omitempty"`
}

// Statistical asks for the least sample that bounds the deviation rate by Tolerable
// at Confidence if Expected deviations are found.
type Statistical struct {
	Confidence Rate `yaml:"confidence" json:"confidence"`
	Tolerable  Rate `yaml:"tolerable" json:"tolerable"`
	Expected   int  `yaml:"expected" json:"expected"`
}

// Names lists the plans that come with the program.
func Names() []string {
	entries, err := fs.ReadDir(plans, "plans")
	if err != nil {
		return nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Named is a plan that comes with the program.
func Named(name string) (*Plan, error) {
	raw, err := plans.ReadFile("plans/" + name + ".yaml")
	if err != nil {
		return nil, compliance.Errorf(compliance.NotFound, "there is no sampling plan %q; choose one of %s, or name a file that ends in .yaml", name, strings.Join(Names(), ", "))
	}
	return ReadPlan(raw, name)
}

// ReadPlan reads a plan in YAML; name is the file's, for errors.
func ReadPlan(raw []byte, name string) (*Plan, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	var p Plan
	if err := decoder.Decode(&p); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "reading the sampling plan %s: %v", name, err)
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("the sampling plan %s: %w", name, err)
	}
	return &p, nil
}

func (p *Plan) check() error {
	switch {
	case p.Name == "" || p.Title == "":
		return compliance.Errorf(compliance.Invalid, "name and title are missing: a draw says by which plan it was made")
	case p.Draw != Runs && p.Draw != Simple:
		return compliance.Errorf(compliance.Invalid, "draw: %q is no way to draw; choose %s or %s", p.Draw, Runs, Simple)
	case p.Statistical != nil && (p.ByFrequency != nil || p.ByPopulation != nil):
		return compliance.Errorf(compliance.Invalid, "statistical stands alone: leave by_frequency and by_population out")
	case p.Statistical != nil:
		return p.Statistical.check()
	case p.ByFrequency == nil && p.ByPopulation == nil:
		return compliance.Errorf(compliance.Invalid, "it has no sizes: write by_frequency, by_population or statistical")
	}
	for f, n := range p.ByFrequency {
		if !slices.Contains(Frequencies(), f) || f == AdHoc || n < 1 {
			return compliance.Errorf(compliance.Invalid, "by_frequency: %s: %d: write one of %v and a size from 1", f, n, Frequencies()[:len(Frequencies())-1])
		}
	}
	return checkSteps(p.ByPopulation)
}

func (s *Statistical) check() error {
	if !s.Confidence.proper() || !s.Tolerable.proper() || s.Expected < 0 {
		return compliance.Errorf(compliance.Invalid, "statistical: confidence and tolerable lie between 0 and 1, and expected counts from 0")
	}
	if _, ok := SampleSize(s.Confidence, s.Tolerable, s.Expected); !ok {
		return compliance.Errorf(compliance.TooLarge, "statistical: that takes a sample of more than %d items", mostDrawn)
	}
	return nil
}

func checkSteps(steps []Step) error {
	last := 0
	for i, s := range steps {
		ways := 0
		for _, said := range []bool{s.All, s.Size != 0, s.Percent != 0} {
			if said {
				ways++
			}
		}
		open := i == len(steps)-1
		switch {
		case ways != 1 || s.Size < 0 || s.Percent < 0 || s.Percent > 100:
			return compliance.Errorf(compliance.Invalid, "by_population[%d]: say one of all, size (from 1) and percent (1 to 100)", i)
		case open && s.UpTo != 0:
			return compliance.Errorf(compliance.Invalid, "by_population: its last step has no up_to, so that every population has a size")
		case !open && s.UpTo <= last:
			return compliance.Errorf(compliance.Invalid, "by_population[%d]: up_to must grow from step to step", i)
		}
		last = s.UpTo
	}
	return nil
}
