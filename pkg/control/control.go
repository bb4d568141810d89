package control

import (
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Control is one compiled control. It is immutable and safe to share.
type Control struct {
	ID       string
	Title    string
	Severity string
	Criteria []string
	PartOf   string
	// Hash, the rule hash, is of the rule as the file writes it, without its words.
	// Verdicts carry it.
	Hash string
	// Meaning, the semantic hash, is of all that can change a verdict, however it is
	// written, with what the control reads of the boundary file. See Clauses.
	Meaning string
	// File is where it was read from.
	File string
	// Index is its place in the bundle.
	Index int
	// From and Until bound, half-open, the times of the items that belong to this
	// version of the control; Version is its place among Versions, in order of time.
	From, Until compliance.Instant
	Version     int
	// HistoryFrom is where the record begins that was read for this version: earlier
	// evidence isn't looked for, and an interval that reaches before it is unknown. Ever:
	// the record has no beginning.
	HistoryFrom compliance.Instant
	// Preload is the activation for which the past was read for this version; 0: none.
	Preload int
	// Waits is of the last version: the watermark of the control stops there, since what a
	// version of it needs of the past is still being read. Never: it doesn't wait.
	Waits compliance.Instant
	// Versions are all of this control, this one among them.
	Versions []*Control
	// Stage is 0 if all versions read events only, else one more than that of any whose
	// verdicts they read; and one more if a version has Hops.
	Stage int

	Population   Population
	Expectations []*Expectation // an expectation reads only earlier ones
	Tables       []*DerivedTable
	Expand       *Expand
	Cancelled    *Condition // nil: never
	Applies      *Condition // nil: always
	Assert       *Condition
	// Ways are what may be asked of an item: the first whose When is true is. The
	// last one has no When and asks Assert.
	Ways    []Way
	Reasons []Reason
	Params  map[string]any
	// FinalAfter is how long after its deadline a verdict is provisional;
	// CorrectUntil how late an event may come and still count.
	FinalAfter, CorrectUntil time.Duration
	// Compensations are the controls that a waiver may name to hold instead.
	Compensations []Compensation
	// Waivable says that waivers may cover its deviations.
	Waivable bool
	// Key are the item's fields that make the join key; empty if the item's
	// own id is the key.
	Key []Path
	// Hops says that the expectations join by different fields of the item: then Key is
	// empty, and what meets at one of their keys is handed to the item's own.
	Hops bool
	// Decisive are the expectations that the outcome hangs on, as against those
	// that only reasons read.
	Decisive []bool
	// DecidesEarly says that evidence alone may decide an item, or move the end of
	// an interval, before every interval has ended.
	DecidesEarly bool
	// EarlyPass says that a pass never waits for an interval to close.
	EarlyPass bool

	names  map[string]value
	keep   map[string]bool // data fields read; nil keeps all
	notes  []string        // see Bundle.Notes
	shows  fieldSet        // fields of the items
	lent   map[string]bool // those that controls read which read its verdicts
	source any             // the parsed meaning, for the hash
	texts  texts
	routed routing // of the last version
	// effective is what the file says of its beginning; Ever if it says nothing.
	effective compliance.Instant

	waitsFor compliance.Instant // of this version: see Waits

	clauses, wording []Clause
}

// texts are the words of a control, for explanations.
type texts struct{ population, assertion string }

// Population says which occurrences a control had to hold for.
type Population struct {
	Types []string
	Where *Program // nil: all
	ID    *Program // nil: the event's id
	// SameFor is how long an id is remembered: an event opens an item unless another of
	// its id came that long before, at most. 0: for ever.
	SameFor time.Duration
	// Clock says when its events count, and so the item's time; nil: at their own time.
	Clock *Clock
	// Having is over expectations: an event for which it is false opens nothing.
	Having   *Condition // nil: always
	Schedule *Schedule
}

// Pick says which of several matching events counts.
type Pick int8

// The picks.
const (
	PickAll Pick = iota
	PickFirst
	PickLast
)

// Expectation is named evidence about an item.
type Expectation struct {
	Name  string
	Index int
	Types []string
	// Verdicts are the versions of the controls whose verdicts are its evidence; nil: it
	// is events.
	Verdicts []*Control
	// KeyPaths are the event's fields that make the join key, in the order of
	// Control.Key. Also are further equalities.
	KeyPaths []Path
	Also     []Equality
	// ItemPaths are the item's fields in their place, if the control has several keys.
	ItemPaths []Path
	// Sender is the item's field that its events' source is joined by; nil: they may
	// come from any.
	Sender Path
	Where  *Program
	// Depends is Where, if that reads earlier expectations, or tables made of events: it
	// may be unknown yet.
	Depends *Condition
	Between Interval
	// Clock says when its events count; nil: at their own time.
	Clock *Clock
	Pick  Pick
	// Latest keeps only the last event of each value of this field.
	Latest Path
	// Unless undoes candidates; its interval may hang on the candidate.
	Unless *Expectation
	Folds  []Fold
	Links  *Links
	// Max is how many events may match; more make it unknown.
	Max int
	// Remedy is how long after the item late evidence counts as remedy.
	Remedy time.Duration
	// Grows says that a match, once made, stays.
	Grows bool
	// Named is how many events a verdict names as evidence.
	Named int
}

// Equality joins a field of the event with one of the item.
type Equality struct{ Event, Item Path }

// DerivedTable is a reference table made of events: a row a live key.
type DerivedTable struct {
	Name  string
	Index int
	Types []string
	Key   []Path
	Live  *Program
	// Restated is how often its sources tell all live rows again; 0: they don't.
	Restated time.Duration
}

// Expand turns an item into parts that are judged each and counted together.
type Expand struct {
	Over *Program
	Key  *Program
	// Tables are those that Over reads.
	Tables []int
	// Each says that every part is an item of its own.
	Each bool
}

// PartID is the id of the item that a part is, if each is one; ok is false if its
// key can't be computed.
func (x *Expand) PartID(item string, s *Scope) (id string, ok bool) {
	v, err := x.Key.Eval(s)
	key, isText := v.(string)
	if err != nil || !isText || key == "" {
		return "", false
	}
	// the last slash ends the item's own id
	return item + "/" + strings.NewReplacer("%", "%25", "/", "%2F").Replace(key), true
}

// Way is one of the assertions that a control may ask of an item.
type Way struct {
	When   *Condition // nil: always
	Assert *Condition
	// Concerns are the expectations that are the item's if it is taken, Decisive
	// those that the outcome hangs on then.
	Concerns, Decisive []bool
}

// Reason is a stable code for one way to deviate.
type Reason struct {
	Code string
	When *Condition
}

// MaxEvidence is how many events may match an expectation unless it says `max:`.
const MaxEvidence = 1000

// NamedEvidence is how many events of one expectation a verdict names.
const NamedEvidence = 20

// SlotItem is the view of a schedule's item.
func SlotItem(member string, s Slot) (compliance.Item, View) {
	item := compliance.Item{ID: member + "@" + s.Label, Time: s.Start}
	return item, View{
		"id": item.ID, "member": member, "slot": s.Label, "time": s.Start.Time(), "end": s.End.Time(),
	}
}

// ItemID computes the id of the item that an event belongs to; ok is false if
// the event gives none.
func (p *Population) ItemID(s *Scope) (id string, ok bool) {
	if p.ID == nil {
		id, ok = s.Event.Field("id").(string)
		return id, ok && id != ""
	}
	v, err := p.ID.Eval(s)
	if err != nil {
		return "", false
	}
	id, ok = v.(string)
	return id, ok && id != ""
}

// Named is the name of the item of an id that an event at an instant opens. An id that
// is forgotten again names several.
func (p *Population) Named(id string, at compliance.Instant) string {
	if p.SameFor == 0 {
		return id
	}
	return id + "@" + at.String()
}

// Words are the population and the assertion as the file has them.
func (c *Control) Words() (population, assertion string) {
	return c.texts.population, c.texts.assertion
}
