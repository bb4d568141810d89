package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/clock"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/routed"
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
	routes map[int]*control.Bundle
	judged map[known]*control.Bundle
	// pasts are what was asked for of the past.
	pasts map[int]*control.Past
}

// known names a bundle by its activation and what has been read of the past for it, and
// for those before.
type known struct {
	activation int
	read       string
}

func knownAt(activation int, read judge.Read) known {
	k := known{activation: activation}
	for _, n := range slices.Sorted(maps.Keys(read)) {
		if n <= activation {
			k.read += fmt.Sprintf("%d since %d;", n, read[n])
		}
	}
	return k
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
		routes: map[int]*control.Bundle{base.Activation: first}, judged: map[known]*control.Bundle{{activation: base.Activation}: first}, pasts: map[int]*control.Past{},
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

// Past is what an activation wants of the events before it; nil if nothing, or if it was
// begun by a release that preloads nothing.
func (b *Book) Past(ctx context.Context, activation int) (router.Past, error) {
	p, err := b.past(ctx, activation)
	if p == nil || err != nil {
		return nil, err
	}
	return p, nil
}

func (b *Book) past(ctx context.Context, activation int) (*control.Past, error) {
	b.mu.Lock()
	p, asked := b.pasts[activation]
	b.mu.Unlock()
	if asked || activation <= b.base {
		return p, nil
	}
	c, err := b.log.Begun(ctx, activation)
	if err != nil || !c.Preloads {
		return nil, err
	}
	before, err := b.compiled(ctx, activation-1)
	if err != nil {
		return nil, err
	}
	bundle, err := b.compiled(ctx, activation)
	if err != nil {
		return nil, err
	}
	p = bundle.Past(before)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pasts[activation] = p
	return p, nil
}

// Regime is an activation's for judges, once the log says where its markers are.
func (b *Book) Regime(ctx context.Context, activation int, read judge.Read) (judge.Regime, error) {
	bundle, err := b.followed(ctx, activation, read)
	if err != nil {
		return judge.Regime{}, err
	}
	of := Of(bundle)
	regime := judge.Regime{NewEngine: of.NewEngine, Stages: of.Stages}
	if regime.Rules, err = b.held(ctx, bundle, activation); err != nil {
		return judge.Regime{}, err
	}
	if regime.Awaits, err = b.awaits(ctx, activation); err != nil {
		return judge.Regime{}, err
	}
	if activation == b.base {
		return regime, nil
	}
	c, err := b.log.Done(ctx, activation)
	if err != nil {
		return judge.Regime{}, err
	}
	regime.Markers = places(c.Activated)
	for _, r := range c.Proposed.Restated {
		regime.Restated = append(regime.Restated, judge.Restated(r))
	}
	return regime, nil
}

// awaits are the sources that are read once more for an activation and those before it.
func (b *Book) awaits(ctx context.Context, activation int) (map[int][]routed.Source, error) {
	all := map[int][]routed.Source{}
	for n := b.base + 1; n <= activation; n++ {
		p, err := b.past(ctx, n)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		c, err := b.log.Done(ctx, n)
		if err != nil {
			return nil, err
		}
		for from := range places(c.Activated) {
			all[n] = append(all[n], from)
		}
	}
	return all, nil
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

// places are where each source has the marker of a change.
func places(activated *record.Control) map[routed.Source]int64 {
	all := map[routed.Source]int64{}
	for place, offset := range activated.Markers {
		slash := strings.LastIndexByte(place, '/')
		if id, err := strconv.ParseInt(place[slash+1:], 10, 32); err == nil && slash > 0 {
			all[routed.Source{Topic: place[:slash], Partition: int32(id)}] = offset
		}
	}
	return all
}

// followed is the bundle of an activation, with the beginnings of what was read for it.
func (b *Book) followed(ctx context.Context, activation int, read judge.Read) (*control.Bundle, error) {
	k := knownAt(activation, read)
	b.mu.Lock()
	there := b.judged[k]
	b.mu.Unlock()
	if there != nil {
		return there, nil
	}
	if activation <= b.base {
		return nil, compliance.Errorf(compliance.NotFound, "activation %d was before the rules that the sources begin with, %d", activation, b.base)
	}
	before, err := b.followed(ctx, activation-1, read)
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
	since := control.Since{Routed: c.Activated.Routed, Watermark: c.Activated.Watermark}
	if c.Preloads {
		since.Preload = activation
		since.Whole, since.Read = read[activation]
	}
	bundle.Follow(before, since)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.judged[k] = bundle
	return bundle, nil
}

// held is what the judge takes under an activation: facts that were routed by it, or by
// one before for a control that there is still.
type held struct {
	bundle *control.Bundle
	hashes map[string]map[string]bool // by control
}

func (b *Book) held(ctx context.Context, bundle *control.Bundle, activation int) (held, error) {
	h := held{bundle, map[string]map[string]bool{}}
	for n := b.base; n <= activation; n++ {
		earlier, err := b.compiled(ctx, n)
		if err != nil {
			return held{}, err
		}
		for _, c := range earlier.Controls {
			if h.hashes[c.ID] == nil {
				h.hashes[c.ID] = map[string]bool{}
			}
			h.hashes[c.ID][c.RouteHash()] = true
		}
	}
	return h, nil
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
