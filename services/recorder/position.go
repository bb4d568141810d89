package recorder

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/recorder/internal/rows"
)

// schema is the version of position's metadata and of how batches become tokens.
const schema = 1

// position is where a partition's recording stands, as the group keeps it: the
// offset of the next record to insert, and metadata.
type position struct {
	Start int64
	// End, if above 0, says that [Start, End) may have been inserted in part. Who
	// finds it inserts exactly that range again, under the same tokens, before
	// anything else: batches cut at other boundaries would double rows.
	End    int64
	Before rows.Chain
}

// metadata is position without the offset, in Kafka's free text for a commit. Topic
// is the topic's id in hex: a topic that was made again starts anew.
type metadata struct {
	Schema int    `json:"schema"`
	Topic  string `json:"topic"`
	End    int64  `json:"end,omitempty"`
	Last   int64  `json:"last"`
	Leaves uint64 `json:"leaves"`
}

func (p position) metadata(topicID [16]byte) string {
	raw, err := json.Marshal(metadata{Schema: schema, Topic: hex.EncodeToString(topicID[:]), End: p.End, Last: p.Before.Last, Leaves: p.Before.Leaves})
	if err != nil { // numbers and hex
		return ""
	}
	return string(raw)
}

// readPosition understands a commit; an offset below 0 says that there is none. known
// is false for a commit that no recorder made, such as an operator's reset. One of
// another topic of the same name counts as none.
func readPosition(topicID [16]byte, offset int64, text string) (p position, known bool) {
	none := position{Before: rows.Chain{Last: -1}}
	if offset < 0 {
		return none, false
	}
	var m metadata
	if json.Unmarshal([]byte(text), &m) != nil || m.Schema != schema {
		none.Start = offset
		return none, false
	}
	if m.Topic != hex.EncodeToString(topicID[:]) {
		return none, false
	}
	return position{Start: offset, End: m.End, Before: rows.Chain{Last: m.Last, Leaves: m.Leaves}}, true
}

// covered is what the coverage table knows of a partition.
type covered struct {
	End    int64
	Before rows.Chain
}

// resume reconciles what the group says with what the tables say. Coverage is
// written after all rows of a range, so what it names is complete, also where the
// group has lost or was given another offset. known says that the group's
// metadata is a recorder's; coverage that ends before it was brought back from a backup,
// and to go on from the group's offset would leave a hole that nobody sees.
func (p position) resume(c covered, known bool) (position, error) {
	switch {
	case c.End > p.Start:
		return position{Start: c.End, Before: c.Before}, nil
	case !known:
		return position{Start: p.Start, Before: c.Before}, nil
	case c.End > 0 && c.End < p.Start:
		return p, compliance.Errorf(compliance.Conflict,
			"the tables reach offset %d and the group has recorded up to %d, so they were restored: stop the recorders and delete the group, "+
				"or name another one in recorder.group; what is missing is then read again", c.End, p.Start)
	}
	return p, nil
}

// token makes an insert into a table idempotent. It names the range and not the
// rows, since the log can't change under it.
func token(r *rows.Range, table string) string {
	return fmt.Sprintf("%s/%x/%d/%d-%d/%s", r.Topic, r.ID, r.Partition, r.Start, r.End, table)
}
