package rows

import (
	"encoding/json"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// RuleChanges makes rows of what the control topic says about changes of the rules.
// What else it says is no row.
func RuleChanges() Table {
	type row = decoded[record.Control]
	return &decoding[record.Control]{
		table: "rule_changes",
		check: func(c *record.Control) error {
			if c.Proposal == "" { // clocks, topologies and what a start puts in force
				return errPassed
			}
			return nil
		},
		more: []field[row]{
			text("tenant", func(*row) string { return "" }),
			text("kind", func(r *row) string { return r.value.Kind }),
			text("proposal", func(r *row) string { return r.value.Proposal }),
			text("bundle", func(r *row) string { return r.value.Bundle }),
			column("activation", func(r *row) uint32 { return uint32(max(0, r.value.Activation)) }),
			text("by", func(r *row) string { return r.value.By }),
			instant("at", func(r *row) compliance.Instant { return r.value.At }),
			text("reason", func(r *row) string { return r.value.Reason }),
			column("restates", func(r *row) uint8 { return flag(r.value.Restates) }),
			column("controls", func(r *row) []string { return controlsOf(r.value.Differences) }),
			text("differences", func(r *row) string { return string(r.value.Differences) }),
			text("replay", func(r *row) string { return string(r.value.Replay) }),
			text("markers", func(r *row) string { return markers(r.value.Markers) }),
			instant("watermark", func(r *row) compliance.Instant { return r.value.Watermark }),
		},
	}
}

func flag(is bool) uint8 {
	if is {
		return 1
	}
	return 0
}

// controlsOf are the controls that a list of differences names, each once.
func controlsOf(differences json.RawMessage) []string {
	var all []struct {
		Control string `json:"control"`
	}
	if json.Unmarshal(differences, &all) != nil {
		return nil
	}
	ids := []string{}
	for _, d := range all {
		if d.Control != "" && !slices.Contains(ids, d.Control) {
			ids = append(ids, d.Control)
		}
	}
	slices.Sort(ids)
	return ids
}

func markers(at map[string]int64) string {
	if len(at) == 0 {
		return ""
	}
	text, err := json.Marshal(at) // in the order of keys
	if err != nil {
		return ""
	}
	return string(text)
}
