package evaltest

import (
	"encoding/json"
	"hash/fnv"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/router"
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
func (Rules) Reads(eventType string) bool { return eventType == Item || eventType == Proof }

// Known as router.Types.
func (Rules) Known(eventType string) bool {
	return eventType == Item || eventType == Proof || eventType == Beat || eventType == Unread
}

// Decode as router.Types.
func (Rules) Decode(_ string, raw []byte) (map[string]any, error) {
	var data map[string]any
	if err := json.Unmarshal(raw, &data); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "the data is no JSON object: %w", err)
	}
	return data, nil
}

// Route as router.Rules.
func (Rules) Route(ev *compliance.Event) []router.Route {
	key, _ := ev.Data["key"].(string)
	r := router.Route{Control: ControlID, RuleHash: RuleHash, Key: key, Fields: ev.Data}
	if ev.Type == Beat {
		r.Everywhere, r.Key = true, ""
	}
	return []router.Route{r}
}

// Partition as router.Rules.
func (Rules) Partition(tenant, control, key string, partitions int32) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(tenant + "\x00" + control + "\x00" + key))
	return int32(h.Sum32() % uint32(partitions))
}

// Holds as judge.Rules.
func (Rules) Holds(_, ruleHash string) bool { return ruleHash == RuleHash }

// Describe as publisher.Controls.
func (Rules) Describe(control string) (publisher.Words, bool) {
	return publisher.Words{Title: "Items are proved", Severity: "high", Criteria: []string{"CC7.2"}}, control == ControlID
}
