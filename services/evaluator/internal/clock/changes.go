package clock

import (
	"context"

	"assay.example/assay/pkg/record"
)

// Begun waits until the log says what the rules of an activation are.
func (l *Log) Begun(ctx context.Context, activation int) (c record.RuleChange, err error) {
	return l.change(ctx, activation, func(*record.RuleChange) bool { return true })
}

// Done waits until the log says that each source has the marker of an activation.
func (l *Log) Done(ctx context.Context, activation int) (c record.RuleChange, err error) {
	return l.change(ctx, activation, func(c *record.RuleChange) bool { return c.Activated != nil })
}

func (l *Log) change(ctx context.Context, activation int, ok func(*record.RuleChange) bool) (c record.RuleChange, err error) {
	err = l.await(ctx, func(s *said) bool {
		found := s.rules.Numbered(activation)
		if found == nil || !ok(found) {
			return false
		}
		c = *found
		return true
	})
	return c, err
}

// Latest is the number of the rules in force: of the base, or of the latest change that
// each source has the marker of.
func (l *Log) Latest() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.rules.Activation
}

// InForceNow are the number and the files, packed, of the rules in force.
func (l *Log) InForceNow() (activation int, files []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.rules.Activation, l.said.rules.InForce()
}

// InForce waits until the log has a rule set and source partitions, and gives the one
// to begin with: bundle, if nothing was changed on the running system yet.
func (l *Log) InForce(ctx context.Context, bundle string) (b record.Base, err error) {
	err = l.await(ctx, func(s *said) bool {
		b = s.rules.Base
		return s.topology > 0 && b.Activation > 0 && (s.rules.Changed() || b.Bundle == bundle)
	})
	return b, err
}
