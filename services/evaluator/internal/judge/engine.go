package judge

import "assay.example/assay/pkg/compliance"

// Engine judges the items of one routed partition. It is a function of the
// calls made to it: no clock, no I/O, and no order of its own.
type Engine interface {
	// Load takes a key's last value in the changelog, each key once and in any
	// order, before anything else is called.
	Load(c Change) error
	// Add takes a fact. It emits nothing: verdicts come at marks only, so that
	// how records are batched can't show in them.
	Add(f *Fact) Admission
	// Advance says that the log is complete for times below w, and returns what
	// there is to say about items, in an order that the facts and w determine.
	Advance(w compliance.Instant) []compliance.Revision
	// Restate says what was restated of items whose state has ended.
	Restate(all []Restated) []compliance.Revision
	// Changes are the state's changes since the last call. Loading them into a
	// new engine gives this one, its watermark included.
	Changes() []Change
}

// Restated is what a replay of recorded history says of an item.
type Restated struct {
	Tenant, Control string
	Verdict         compliance.Verdict
}

// Fact is an event as one control sees it, under one join key.
type Fact struct {
	Control, Tenant, Key string
	Event                compliance.Event
	// Preload is the activation for which it was read once more; 0: it was read when it came.
	Preload int
}

// Change is a record of an engine's changelog; a nil Value deletes the key.
type Change struct{ Key, Value []byte }

// Admission says what an engine did with a fact.
type Admission int

// The admissions.
const (
	Admitted Admission = iota
	// Duplicate: the event was there already.
	Duplicate
	// Quarantined: it came later than its control corrects; only a replay uses it.
	Quarantined
)
