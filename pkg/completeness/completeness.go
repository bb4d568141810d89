// Package completeness says what is proven of a population's completeness, and by what,
// and what isn't, and why. It guarantees that nothing is proven by default: what no count,
// number, sign of life or clock speaks for is among what isn't proven. It judges facts that
// were read elsewhere; it reads no clock and does no I/O, and never concludes for an auditor.
//
// docs/formats/completeness.md says what each statement rests on.
package completeness

import "assay.example/assay/pkg/compliance"

// Facts are what is on record about a control's population and its evidence in a period.
type Facts struct {
	From compliance.Instant `json:"-"`
	To   compliance.Instant `json:"-"`
	// Settled is when items of the period can't change on time any more, Final when late
	// events don't count any more either.
	Settled compliance.Instant `json:"settled"`
	Final   compliance.Instant `json:"final"`
	// RulesFrom is when the rule set came into force: before it nothing is tested.
	RulesFrom compliance.Instant `json:"rules_from"`
	Clock     Clock              `json:"clock"`
	Items     Items              `json:"items"`
	Sources   []SourceFacts      `json:"sources"`
	// Unsourced are types that the control reads and no declared source sends.
	Unsourced []string `json:"unsourced_types,omitempty"`
	// Unattributed counts refused records that name no source.
	Unattributed int64       `json:"refused_without_source"`
	Partitions   []Partition `json:"partitions"`
	// Changed are runs of the log whose rows aren't those that were counted when they were
	// recorded.
	Changed []Change `json:"changed_rows,omitempty"`
}

// Clock is how far the log's own clock is on record, in the partition that is furthest behind.
type Clock struct {
	At         compliance.Instant `json:"at,omitzero"`
	Partitions int                `json:"partitions"`
	// Behind are those that haven't reached Settled, as topic/partition.
	Behind []string `json:"behind,omitempty"`
}

// Items are those of the population that are on record.
type Items struct {
	N int64 `json:"on_record"`
	// Scheduled says that a calendar makes them: Expected is how many in the period.
	Scheduled bool  `json:"scheduled"`
	Expected  int64 `json:"expected,omitempty"`
	// Undecidable are those of which couldn't be told whether they belong.
	Undecidable int64 `json:"undecidable,omitempty"`
	// MissingRevisions counts gaps in the numbers of revisions; MiscountedDays the days on
	// which verdicts aren't those that were counted.
	MissingRevisions int64 `json:"missing_revisions"`
	MiscountedDays   int64 `json:"miscounted_days"`
}

// What a source feeds.
const (
	Population = "population"
	Evidence   = "evidence"
)

// SourceFacts are what is on record of one source, as far as the control reads it.
type SourceFacts struct {
	Name     string   `json:"source"`
	Declared bool     `json:"declared"`
	Feeds    []string `json:"feeds"`
	Types    []string `json:"types"`
	// MaxGap is how far apart its signs of life may be, as 3h0m0s; empty if it promises
	// none. Counts says that it numbers what it sends.
	MaxGap string `json:"max_gap,omitempty"`
	Counts bool   `json:"sequence"`
	// Records came of it; Events of them are different ones. Repeats came again with the
	// same body, Conflicts are events that came with several.
	Records   int64 `json:"records"`
	Events    int64 `json:"events"`
	Repeats   int64 `json:"repeats"`
	Conflicts int64 `json:"conflicts"`
	// Late events came after a verdict could be final, Quarantined ones too late to count.
	Late        int64 `json:"late"`
	Quarantined int64 `json:"quarantined"`
	// Refused records were no events, by the reason; Unmapped are deliveries of a vendor
	// that became none, of Deliveries.
	Refused    []Tally `json:"refused,omitempty"`
	Deliveries int64   `json:"deliveries,omitempty"`
	Unmapped   []Tally `json:"unmapped,omitempty"`
	// First and Last are the times of its events; zero if there is none.
	First compliance.Instant `json:"first,omitzero"`
	Last  compliance.Instant `json:"last,omitzero"`
	// FirstSign and LastSign are its signs of life around the period.
	FirstSign compliance.Instant `json:"first_sign,omitzero"`
	LastSign  compliance.Instant `json:"last_sign,omitzero"`
	RetiredAt compliance.Instant `json:"retired_at,omitzero"`
	Silences  []Silence          `json:"silences,omitempty"`
	Holes     []Lost             `json:"holes,omitempty"`
	Days      []DayFacts         `json:"days,omitempty"`
}

// Tally is how often something was said.
type Tally struct {
	Of string `json:"of"`
	N  int64  `json:"n"`
}

func total(counts []Tally) (n int64) {
	for _, c := range counts {
		n += c.N
	}
	return n
}

// Silence is a time [From, To].
type Silence struct {
	From compliance.Instant `json:"from"`
	To   compliance.Instant `json:"to"`
}

// Lost is a time from which events are missing by their numbers: how many, 0 if that can't
// be told.
type Lost struct {
	Silence

	Missing int64 `json:"missing"`
}

// DayFacts are what came of a source on a day, UTC.
type DayFacts struct {
	Day    string `json:"day"`
	Events int64  `json:"events"`
	// Silent says that a silence or a hole touches the day.
	Silent bool `json:"silent,omitempty"`
}

// Partition is what was read of one partition of the log.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// ID is Kafka's of the topic: one that is made again has another.
	ID string `json:"topic_id"`
	// First and End bound the offsets that were read; End isn't among them. Events of the
	// period that the control reads lie from FirstEvent to LastEvent, −1 without any.
	First      int64 `json:"first_offset"`
	End        int64 `json:"end_offset"`
	FirstEvent int64 `json:"first_event"`
	LastEvent  int64 `json:"last_event"`
	Records    int64 `json:"records"`
	// Undecoded records could not be read, and leave no row.
	Undecoded int64              `json:"undecoded"`
	Clock     compliance.Instant `json:"clock,omitzero"`
	// Holes are offsets between that were not read, around the period.
	Holes []Unread `json:"holes,omitempty"`
}

// Unread are offsets from First to below End of which Missing were not read as records. The
// log's clock had said After before them, and said Until next; zero if it said nothing.
type Unread struct {
	First   int64              `json:"first_offset"`
	End     int64              `json:"end_offset"`
	Missing int64              `json:"missing"`
	After   compliance.Instant `json:"after,omitzero"`
	Until   compliance.Instant `json:"until,omitzero"`
}

// Change is a run of the log in which rows of a source, of a type and a day, aren't those
// that were counted when they were recorded.
type Change struct {
	Source    string `json:"source"`
	Type      string `json:"type"`
	Day       string `json:"day"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	// First and End bound the run of offsets.
	First   int64 `json:"first_offset"`
	End     int64 `json:"end_offset"`
	Counted int64 `json:"counted"`
	Found   int64 `json:"found"`
}
