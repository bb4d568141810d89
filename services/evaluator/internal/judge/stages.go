package judge

import (
	"assay.example/assay/pkg/compliance"
)

// Stages are how controls are judged that read the verdicts of others, or join by several
// fields: those of stage n + 1 take what stage n finds as evidence.
type Stages interface {
	// Count is how many there are, two at least.
	Count() int
	// Of is the stage whose engine takes what is for a key of a control; ok is false if
	// there is no such control.
	Of(control, key string) (stage int, ok bool)
	// New makes the empty engine of a stage of a routed partition of so many.
	New(stage int, partition, partitions int32) StageEngine
	// OfSenders tells whether a key of an engine's changelog is about those who send events.
	OfSenders(key []byte) bool
}

// StageEngine is an Engine of one stage.
type StageEngine interface {
	Engine
	// Due is an instant up to which Advance has nothing to say, if nothing comes meanwhile.
	Due() compliance.Instant
	// Said is what later stages have to know since the last call. It belongs to the same
	// transaction as Changes.
	Said() []Said
	// AddSaid takes what an item of an earlier stage says.
	AddSaid(s Said) error
}

// Said is all that one item says at a join key of a control that reads its verdicts.
type Said struct {
	Control, Tenant, Key, By, Hop string
	// Verdicts are the engines' to read; none if the item says nothing there any more.
	Verdicts []byte
}

// grid is how far apart the instants are at which a stage's watermark stands for those
// that read it: partitions stand at different ones, and have to agree as of when they ask.
const grid compliance.Instant = 1_000_000

// pointAfter is the first point of the grid after t, pointAt the last one up to it, and
// pointFrom the first one from it on.
func pointAfter(t compliance.Instant) compliance.Instant {
	if t <= compliance.Ever || t >= compliance.Never-grid {
		return t
	}
	return pointAt(t) + grid
}

func pointAt(t compliance.Instant) compliance.Instant {
	if t <= compliance.Ever || t >= compliance.Never-grid {
		return t
	}
	return t - ((t%grid)+grid)%grid
}

func pointFrom(t compliance.Instant) compliance.Instant {
	if at := pointAt(t); at == t {
		return t
	}
	return pointAfter(t)
}
