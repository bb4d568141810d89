// Package listing lists what is on record: events, verdicts with all their revisions,
// violations, deliveries, what was rejected, what changed. A list is bounded by a filter or
// a limit, and walked through a page at a time without a gap or a repeat (Pages).
package listing

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Filter chooses rows; what is empty chooses all. From and To are half-open.
type Filter struct {
	From, To compliance.Instant
	// Type is an event type, or a beginning and a star.
	Type, Source, ID               string
	Control, Item, Outcome, Reason string
	Code, Target                   string
	// Limit is how many rows come at most.
	Limit int
}

// Params binds those of a filter that a question names.
func (f *Filter) Params(names ...string) []clickhouse.Param {
	exact, prefix := f.Type, ""
	if p, ok := strings.CutSuffix(f.Type, "*"); ok {
		exact, prefix = "", p
	}
	all := map[string]any{
		"type": exact, "prefix": prefix, "source": f.Source, "id": f.ID, "control": f.Control,
		"item": f.Item, "outcome": f.Outcome, "reason": f.Reason, "code": f.Code, "target": f.Target,
	}
	params := append(ask.Window(f.From, f.To), clickhouse.Named("limit", uint64(max(0, f.Limit))))
	for _, name := range names {
		params = append(params, clickhouse.Named(name, all[name]))
	}
	return params
}

// Found is a verdict with the evidence that it names.
type Found struct {
	Verdict
	Evidence json.RawMessage `json:"evidence"`
}

// FoundRow is a row of verdicts with its evidence.
type FoundRow struct {
	VerdictRow
	Evidence string `ch:"evidence"`
}

// Found is what the row says.
func (r *FoundRow) Found() Found { return Found{r.Verdict(), rawJSON(r.Evidence)} }

// Verdicts lists the latest verdicts by (control, item time, item id).
func Verdicts(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Found], error) {
	return ask.Question(ctx, a, "query_verdicts", f.Params("control", "item", "outcome", "reason"), (*FoundRow).Found)
}

// Violation is a violation record as it was published.
type Violation struct {
	ID       string             `json:"id"`
	Control  string             `json:"control"`
	Item     compliance.Item    `json:"item"`
	Revision int                `json:"revision"`
	Change   string             `json:"change"`
	Severity string             `json:"severity"`
	Outcome  string             `json:"outcome"`
	Reason   string             `json:"reason"`
	KnownAt  compliance.Instant `json:"known_at"`
	// Supersedes is the revision that it replaces, 0 if none.
	Supersedes int             `json:"supersedes,omitempty"`
	Title      string          `json:"title"`
	Record     json.RawMessage `json:"record"`
}

type violationRow struct {
	ID         string    `ch:"id"`
	Control    string    `ch:"control"`
	ItemID     string    `ch:"item_id"`
	ItemTime   time.Time `ch:"item_time"`
	Revision   uint32    `ch:"revision"`
	Change     string    `ch:"change"`
	Severity   string    `ch:"severity"`
	Outcome    string    `ch:"outcome"`
	Reason     string    `ch:"reason"`
	KnownAt    time.Time `ch:"known_at"`
	Supersedes uint32    `ch:"supersedes"`
	Title      string    `ch:"title"`
	Value      string    `ch:"value"`
}

func (r *violationRow) violation() Violation {
	return Violation{
		ID: r.ID, Control: r.Control, Item: compliance.Item{ID: r.ItemID, Time: ask.Instant(r.ItemTime)}, Revision: int(r.Revision),
		Change: r.Change, Severity: r.Severity, Outcome: r.Outcome, Reason: r.Reason, KnownAt: ask.Instant(r.KnownAt),
		Supersedes: int(r.Supersedes), Title: r.Title, Record: rawJSON(r.Value),
	}
}

// Rejected is a record or request that was no event.
type Rejected struct {
	At     compliance.Instant `json:"at"`
	By     string             `json:"by"`
	Code   string             `json:"code"`
	Reason string             `json:"reason"`
	Source string             `json:"source,omitempty"`
	ID     string             `json:"id,omitempty"`
	Type   string             `json:"type,omitempty"`
	// Topic is empty if it never got into the log.
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	SHA256    string `json:"sha256"`
	Size      uint64 `json:"size"`
}

type rejectedRow struct {
	At        time.Time `ch:"at"`
	By        string    `ch:"by"`
	Code      string    `ch:"code"`
	Reason    string    `ch:"reason"`
	Source    string    `ch:"source"`
	ID        string    `ch:"id"`
	Type      string    `ch:"type"`
	Topic     string    `ch:"origin_topic"`
	Partition int32     `ch:"origin_partition"`
	Offset    int64     `ch:"origin_offset"`
	Hash      string    `ch:"hash"`
	Size      uint64    `ch:"size"`
}

func (r *rejectedRow) rejected() Rejected {
	return Rejected{ask.Instant(r.At), r.By, r.Code, r.Reason, r.Source, r.ID, r.Type, r.Topic, r.Partition, r.Offset, r.Hash, r.Size}
}

// Conflict is an event that came with more than one body.
type Conflict struct {
	Source   string             `json:"source"`
	ID       string             `json:"id"`
	Type     string             `json:"type"`
	Time     compliance.Instant `json:"time"`
	Received compliance.Instant `json:"received"`
	// Copies counts the records, Bodies are the SHA-256 of each body.
	Copies int64    `json:"copies"`
	Bodies []string `json:"bodies"`
}

type conflictRow struct {
	Source   string    `ch:"source"`
	ID       string    `ch:"id"`
	Type     string    `ch:"type"`
	Time     time.Time `ch:"time"`
	Received time.Time `ch:"received"`
	Copies   int64     `ch:"copies"`
	Hashes   []string  `ch:"hashes"`
}

func (r *conflictRow) conflict() Conflict {
	return Conflict{r.Source, r.ID, r.Type, ask.Instant(r.Time), ask.Instant(r.Received), r.Copies, r.Hashes}
}
