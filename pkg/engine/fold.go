package engine

import (
	"fmt"
	"math/big"
	"slices"

	"assay.example/assay/pkg/control"
)

// foldAll computes an expectation's aggregates over its events, exactly.
func foldAll(x *control.Expectation, scope *control.Scope, events []*fact) (map[string]any, error) {
	if len(x.Folds) == 0 {
		return nil, nil
	}
	folds := make(map[string]any, len(x.Folds))
	for _, f := range x.Folds {
		if f.Kind == control.FoldCount {
			folds[f.Name] = int64(len(events))
			continue
		}
		a := aggregate{fold: f, whole: true, distinct: map[any]struct{}{}}
		for _, ev := range events {
			v, err := f.Of.Eval(scope.With(ev.view, scope.Part))
			if err != nil {
				return nil, err
			}
			if err := a.add(v); err != nil {
				return nil, err
			}
		}
		v, ok, err := a.value()
		if err != nil {
			return nil, err
		}
		if ok {
			folds[f.Name] = v
		}
	}
	return folds, nil
}

// aggregate is one fold in the making.
type aggregate struct {
	fold     control.Fold
	number   *big.Rat // the sum, the least or the most so far
	whole    bool     // all that went in are ints
	distinct map[any]struct{}
	texts    []string // what a digest is made of, sorted
}

func (a *aggregate) add(v any) error {
	if a.fold.Kind == control.FoldDistinct {
		a.distinct[v] = struct{}{}
		return nil
	}
	if a.fold.Kind == control.FoldDigest {
		return a.digest(v)
	}
	n, ok := control.Fraction(v)
	if !ok {
		return fmt.Errorf("%s(%s): %v is no number", a.fold.Kind, a.fold.Of.Source, v)
	}
	if _, isInt := v.(int64); !isInt {
		a.whole = false
	}
	switch {
	case a.number == nil:
		a.number = n
	case a.fold.Kind == control.FoldSum:
		a.number.Add(a.number, n)
	case a.fold.Kind == control.FoldMin && n.Cmp(a.number) < 0, a.fold.Kind == control.FoldMax && n.Cmp(a.number) > 0:
		a.number = n
	}
	return nil
}

func (a *aggregate) digest(v any) error {
	text, err := control.DigestText(v)
	if err != nil {
		return err
	}
	i, _ := slices.BinarySearch(a.texts, text)
	if planted == plantedDigestInOrder {
		i = len(a.texts)
	}
	a.texts = slices.Insert(a.texts, i, text)
	return nil
}

func (a *aggregate) value() (v any, ok bool, err error) {
	if a.fold.Kind == control.FoldDigest {
		return control.DigestOf(a.texts), true, nil
	}
	if a.fold.Kind == control.FoldDistinct {
		return int64(min(len(a.distinct), control.MaxDistinct)), true, nil
	}
	if a.number == nil {
		if a.fold.Kind != control.FoldSum {
			return nil, false, nil
		}
		a.number = new(big.Rat)
	}
	v, err = control.Rounded(a.number, a.whole)
	return v, err == nil, err
}
