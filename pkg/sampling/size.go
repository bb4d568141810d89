package sampling

import (
	"fmt"

	"assay.example/assay/pkg/compliance"
)

// Sizing is how many items of a population are drawn, and by which words of the plan.
type Sizing struct {
	Size int    `json:"size"`
	Rule string `json:"rule"`
}

// Size applies the plan to a population of a control that operates as often as f says.
func (p *Plan) Size(population int, f Frequency) (Sizing, error) {
	s, err := p.size(population, f)
	if s.Size >= population {
		s.Size = population
	}
	return s, err
}

func (p *Plan) size(population int, f Frequency) (Sizing, error) {
	if p.Statistical != nil {
		return p.Statistical.size(population, p.Draw), nil
	}
	if n, ok := p.ByFrequency[f]; ok {
		return Sizing{n, fmt.Sprintf("%s: %d", f, n)}, nil
	}
	for _, step := range p.ByPopulation {
		if step.UpTo == 0 || population <= step.UpTo {
			return step.size(population), nil
		}
	}
	return Sizing{}, compliance.Errorf(compliance.Invalid, "the sampling plan %s has no size for a control that operates %s; say --frequency, or choose another plan", p.Name, f)
}

func (s Step) size(population int) Sizing {
	var upTo string
	if s.UpTo != 0 {
		upTo = fmt.Sprintf("population up to %d: ", s.UpTo)
	} else {
		upTo = "larger population: "
	}
	switch {
	case s.All:
		return Sizing{population, upTo + "all"}
	case s.Percent != 0:
		return Sizing{(population*s.Percent + 99) / 100, fmt.Sprintf("%s%d %%", upTo, s.Percent)}
	}
	return Sizing{s.Size, fmt.Sprintf("%s%d", upTo, s.Size)}
}

// finite is up to how many items the exact finite size is looked for.
const finite = 5000

func (s *Statistical) size(population int, draw Method) Sizing {
	rule := fmt.Sprintf("%s confidence of a rate of at most %s, with %d deviations expected", s.Confidence, s.Tolerable, s.Expected)
	if draw == Simple && population <= finite {
		return Sizing{FiniteSampleSize(population, s.Confidence, s.Tolerable, s.Expected), rule + " (hypergeometric)"}
	}
	n, _ := SampleSize(s.Confidence, s.Tolerable, s.Expected)
	return Sizing{n, rule + " (binomial)"}
}

// FrequencyOf is how often something happens that happened n times in some days.
func FrequencyOf(n int, days float64) Frequency {
	aYear := float64(n) * 365 / max(days, 1)
	for _, f := range []struct {
		most      float64
		frequency Frequency
	}{{1.5, Annual}, {6, Quarterly}, {24, Monthly}, {104, Weekly}, {400, Daily}} {
		if aYear <= f.most {
			return f.frequency
		}
	}
	return ManyDaily
}

// Bound is what a sample proves of the population if some deviations are found in it.
type Bound struct {
	Confidence Rate `json:"confidence"`
	// Found is how many deviations the sample has.
	Found int `json:"found"`
	// Deviations is the most that the population may have, Rate the same as a share.
	Deviations int     `json:"deviations"`
	Rate       float64 `json:"rate"`
	// Method says by which distribution.
	Method string `json:"method"`
}

// NewBound bounds the deviations of a population of size items from n drawn, found of
// which deviate. There is none of a census (ok is false): nothing was left to chance.
func NewBound(method Method, size, n, found int, confidence Rate) (b Bound, ok bool, err error) {
	if n >= size || n == 0 {
		return Bound{}, false, nil
	}
	b = Bound{Confidence: confidence, Found: found}
	switch {
	case method == Simple && size <= finite:
		b.Method = "hypergeometric"
		b.Deviations, err = HypergeometricUpper(size, n, found, confidence)
		b.Rate = float64(b.Deviations) / float64(size)
	case size <= finite:
		b.Method = "binomial, by runs"
		b.Deviations, err = RunsUpper(size, n, found, confidence)
		b.Rate = float64(b.Deviations) / float64(size)
	default:
		b.Method = "binomial"
		b.Rate, err = BinomialUpper(n, found, confidence.Float())
		b.Deviations = min(size, int(b.Rate*float64(size)))
	}
	return b, err == nil, err
}
