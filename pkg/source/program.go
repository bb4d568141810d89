package source

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// program is one expression of a mapping.
type program struct {
	place string // file:line:column
	run   cel.Program
}

func (p *program) eval(s *scope) (ref.Val, error) {
	v, _, err := p.run.Eval(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.place, err)
	}
	return v, nil
}

// value is what JSON can hold of the result; nil if the expression is absent.
func (p *program) value(s *scope) (any, error) {
	if p == nil {
		return nil, nil
	}
	v, err := p.eval(s)
	if err != nil {
		return nil, err
	}
	out, err := plain(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.place, err)
	}
	return out, nil
}

// text is a scalar result as text; empty if the expression or its result is absent.
func (p *program) text(s *scope) (string, error) {
	v, err := p.value(s)
	if err != nil || v == nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case int64, bool:
		return fmt.Sprint(v), nil
	default:
		return "", fmt.Errorf("%s: %T is no text", p.place, v)
	}
}

// holds is a condition; true if it is absent.
func (p *program) holds(s *scope) (bool, error) {
	if p == nil {
		return true, nil
	}
	v, err := p.eval(s)
	if err != nil {
		return false, err
	}
	yes, ok := v.Value().(bool)
	if !ok {
		return false, fmt.Errorf("%s: %T is neither true nor false", p.place, v.Value())
	}
	return yes, nil
}

// scope is what expressions see of one record of a delivery.
type scope struct {
	body, record     any
	headers          map[string]string
	received, sha256 string
	place            int
	// lets are computed when they are first used, for each record anew.
	lets map[string]*program
	memo map[string]any
}

// ResolveName finds a variable. An error of a `let:` becomes the variable's value,
// so that whoever uses it fails with its reason.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case nameBody:
		return s.body, true
	case nameRecord:
		return s.record, true
	case nameHeaders:
		return s.headers, true
	case nameReceived:
		return s.received, true
	case nameSHA256:
		return s.sha256, true
	case namePlace:
		return s.place, true
	}
	if v, ok := s.memo[name]; ok {
		return v, true
	}
	p, ok := s.lets[name]
	if !ok {
		return nil, false
	}
	v, err := p.eval(s)
	if err != nil {
		v = types.WrapErr(err)
	}
	s.memo[name] = v
	return v, true
}

// Parent is part of CEL's interface: scopes don't nest.
func (*scope) Parent() cel.Activation { return nil }
