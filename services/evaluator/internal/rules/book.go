package rules

import (
	"context"
	"fmt"
	"sync"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/clock"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/router"
)

// Book has the rules of each activation, as the control topic says them: those of the
// base, and of each change after it. It is safe for concurrent use.
type Book struct {
	log   *clock.Log
	types *dictionary.Dictionary
	base  int
	first *control.Bundle

	mu sync.Mutex
	// routes are as they were compiled; judged know the beginnings of their records too.
	routes, judged map[int]*control.Bundle
}

// NewBook begins with the base of the log. own is what this instance has loaded: it is
// read from the log if that has another one.
func NewBook(log *clock.Log, base record.Base, own *control.Bundle, types *dictionary.Dictionary) (*Book, error) {
	first := own
	if base.Bundle != own.Hash {
		var err error
		if first, err = control.Unpack(base.Files, types); err != nil {
			return nil, fmt.Errorf("reading the rules of activation %d from the control topic: %w", base.Activation, err)
		}
	}
	return &Book{
		log: log, types: types, base: base.Activation, first: first,
		routes: map[int]*control.Bundle{base.Activation: first}, judged: map[int]*control.Bundle{base.Activation: first},
	}, nil
}

// First are the rules of the base.
func (b *Book) First() Rules { return Of(b.first) }

// Routes are an activation's for routers, once the log says what it is.
func (b *Book) Routes(ctx context.Context, activation int) (router.Rules, error) {
	return b.compiled(ctx, activation)
}

func (b *Book) compiled(ctx context.Context, activation int) (*control.Bundle, error) {
	b.mu.Lock()
	known := b.routes[activation]
	b.mu.Unlock()
	if known != nil {
		return known, nil
	}
	c, err := b.log.Begun(ctx, activation)
	if err != nil {
		return nil, err
	}
	bundle, err := control.Unpack(c.Proposed.Files, b.types)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[activation] = bundle
	return bundle, nil
}

// Regime is an activation's for judges, once the log says where its markers are.
func (b *Book) Regime(ctx context.Context, activation int) (judge.Regime, error) {
	bundle, err := b.followed(ctx, activation)
	if err != nil {
		return judge.Regime{}, err
	}
	of := Of(bundle)
	regime := judge.Regime{NewEngine: of.NewEngine, Rules: b.held(bundle, activation), Stages: of.Stages}
	if activation == b.base {
		return regime, nil
	}
	c, err := b.log.Done(ctx, activation)
	if err != nil {
		return judge.Regime{}, err
	}
	for _, r := range c.Proposed.Restated {
		regime.Restated = append(regime.Restated, judge.Restated(r))
	}
	return regime, nil
}

// Staged waits until there are controls that read what others say: from the base on, or
// from a change that has begun.
func (b *Book) Staged(ctx context.Context) error {
	for n, bundle := b.base, b.first; bundle.Stages() == 1; {
		n++
		var err error
		if bundle, err = b.compiled(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// followed is the bundle of an activation, with the beginnings of what was read for it.
func (b *Book) followed(ctx context.Context, activation int) (*control.Bundle, error) {
	b.mu.Lock()
	known := b.judged[activation]
	b.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if activation <= b.base {
		return nil, compliance.Errorf(compliance.NotFound, "activation %d was before the rules that the sources begin with, %d", activation, b.base)
	}
	before, err := b.followed(ctx, activation-1)
	if err != nil {
		return nil, err
	}
	c, err := b.log.Done(ctx, activation)
	if err != nil {
		return nil, err
	}
	bundle, err := control.Unpack(c.Proposed.Files, b.types)
	if err != nil {
		return nil, err
	}
	bundle.Follow(before, control.Since{Routed: c.Activated.Routed, Watermark: c.Activated.Watermark})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.judged[activation] = bundle
	return bundle, nil
}

// held is what the judge takes under an activation: facts that were routed by it, or by
// one before for a control that there is still.
type held struct {
	bundle *control.Bundle
	hashes map[string]map[string]bool // by control
}

func (b *Book) held(bundle *control.Bundle, activation int) held {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := held{bundle, map[string]map[string]bool{}}
	for n, earlier := range b.judged {
		if n > activation {
			continue
		}
		for _, c := range earlier.Controls {
			if h.hashes[c.ID] == nil {
				h.hashes[c.ID] = map[string]bool{}
			}
			h.hashes[c.ID][c.RouteHash()] = true
		}
	}
	return h
}

// Holds as judge.Rules.
func (h held) Holds(id, ruleHash string) bool {
	return h.bundle.Control(id) != nil && h.hashes[id][ruleHash]
}

// Describe as publisher.Controls: in the words of the rules in force.
func (b *Book) Describe(id string) (publisher.Words, bool) {
	if words, ok := (bundle{b.inForce()}).Describe(id); ok {
		return words, true
	}
	return bundle{b.first}.Describe(id)
}

// inForce is the bundle in force, without what was read for it.
func (b *Book) inForce() *control.Bundle {
	n, files := b.log.InForceNow()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.routes[n] == nil {
		bundle, err := control.Unpack(files, b.types)
		if err != nil { // it was read before the log said that it is in force
			return b.first
		}
		b.routes[n] = bundle
	}
	return b.routes[n]
}
