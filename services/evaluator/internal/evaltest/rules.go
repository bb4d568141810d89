package evaltest

import (
	"strings"
	"sync"
	"testing/fstest"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/evaluator/internal/publisher"
)

// The types of events that Rules knows. An item must have a proof within an hour.
const (
	Item   = "item"
	Proof  = "proof"
	Beat   = "source.heartbeat"
	Unread = "unread"
)

// The one control of Rules.
const (
	ControlID = "T-01"
	RuleHash  = "hash-1"
)

// Rules is one control: an item is proved under its key.
type Rules struct{}

// Reads as router.Rules.
func (Rules) Reads(eventType string) bool { return eventType != Unread }

// Types are the types that Rules knows, and Unread.
func Types() (*dictionary.Dictionary, error) { return loaded() }

var loaded = sync.OnceValues(func() (*dictionary.Dictionary, error) {
	types := fstest.MapFS{}
	for _, name := range []string{Item, Proof, Unread, Beat} {
		types[name+".json"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(schema, "NAME", name))}
	}
	return dictionary.Load(types)
})

const schema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://assay.example/schemas/events/NAME.json",
"title": "A NAME of a test", "description": "A NAME of a test.", "x-family": "access", "x-key": "key", "type": "object",
"required": ["key"], "properties": {"key": {"description": "The key.", "type": "string"}}, "additionalProperties": true,
"examples": [{"key": "k"}]}`

// Counter is the source that numbers its events.
const Counter = "/counter"

// Counts as router.Rules.
func (Rules) Counts(source string) bool { return source == Counter }

// Route as router.Rules.
func (Rules) Route(ev *compliance.Event) []control.Route {
	if ev.Type == Beat || ev.Source == Counter {
		return []control.Route{{Everywhere: true}}
	}
	key, _ := ev.Data["key"].(string)
	return []control.Route{{Control: ControlID, RuleHash: RuleHash, Key: key, Fields: ev.Data}}
}

// Holds as judge.Rules.
func (Rules) Holds(_, ruleHash string) bool { return ruleHash == RuleHash }

// Describe as publisher.Controls.
func (Rules) Describe(control string) (publisher.Words, bool) {
	return publisher.Words{Title: "Items are proved", Severity: "high", Criteria: []string{"CC7.2"}}, control == ControlID
}
