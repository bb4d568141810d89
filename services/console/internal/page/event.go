package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// eventBody is one record of the log.
type eventBody struct {
	listing.Stored

	// Pretty is its value with line breaks, if it is JSON; Bytes is the value itself, and
	// Hex says that it is shown in hex, since it is no text.
	Pretty, Bytes string
	Hex           bool
	// Intact says that the value has the hash on record.
	Intact    bool
	Raw       string
	Before    string
	Resting   []itemRow
	Origins   []listing.Origin
	Copies    string
	Made      made
	MadeRest  made
	MadeFound made
	Again     []command
}

// errNoEvent is the same for an event that isn't there and one that may not be seen.
var errNoEvent = compliance.Errorf(compliance.NotFound, "There is no such event on record, or you may not see it.")

// mostUses bounds the verdicts that are listed with an event.
const mostUses = 100

// spot is a place in the log, as an address names it.
type spot struct {
	topic     string
	partition int32
	offset    int64
}

func (v *visit) spot() (s spot, err error) {
	s.topic = v.request.PathValue("topic")
	partition, err1 := strconv.ParseInt(v.request.PathValue("partition"), 10, 32)
	offset, err2 := strconv.ParseInt(v.request.PathValue("offset"), 10, 64)
	const longestTopic = 249
	if err1 != nil || err2 != nil || len(s.topic) > longestTopic {
		return s, errNoEvent
	}
	s.partition, s.offset = int32(partition), offset
	return s, nil
}

// stored finds the event at a place, if it may be seen.
func (v *visit) stored(ctx context.Context, s spot) (ask.Answer[listing.Stored], error) {
	got, err := listing.EventAt(ctx, v.asker, s.topic, s.partition, s.offset)
	if err == nil && (len(got.Rows) == 0 || !v.Sees(got.Rows[0].Time)) {
		err = errNoEvent
	}
	return got, err
}

func eventPage(v *visit) (*sheet, error) {
	s, err := v.spot()
	if err != nil {
		return nil, err
	}
	got, err := v.stored(v.ctx(), s)
	if err != nil {
		return nil, err
	}
	var resting ask.Answer[listing.Verdict]
	var behind ask.Answer[listing.Origin]
	err = v.together(
		asked(&resting, func(ctx context.Context) (ask.Answer[listing.Verdict], error) {
			return listing.RestingOn(ctx, v.asker, s.topic, s.partition, s.offset, mostUses)
		}),
		asked(&behind, func(ctx context.Context) (ask.Answer[listing.Origin], error) {
			return listing.DeliveryBehind(ctx, v.asker, s.topic, s.partition, s.offset, mostUses)
		}),
	)
	if err != nil {
		return nil, err
	}
	b := &eventBody{Stored: got.Rows[0], Origins: behind.Rows, Made: v.made(got.Made), MadeRest: v.made(resting.Made), MadeFound: v.made(behind.Made)}
	b.MadeRest.Link = v.to(path("query", "resting_on"), "topic", s.topic, "partition", strconv.Itoa(int(s.partition)), "offset", strconv.FormatInt(s.offset, 10))
	for i := range resting.Rows {
		if v.Sees(resting.Rows[i].Item.Time) {
			b.Resting = append(b.Resting, v.itemRow(&resting.Rows[i]))
		}
	}
	b.fill(v)
	return &sheet{Template: "event", Title: b.Type + " " + b.ID, Body: b}, nil
}

func (b *eventBody) fill(v *visit) {
	value := b.Stored.Raw
	sum := sha256.Sum256([]byte(value))
	b.Intact = hex.EncodeToString(sum[:]) == b.SHA256
	var pretty bytes.Buffer
	if json.Indent(&pretty, []byte(value), "", "  ") == nil {
		b.Pretty = pretty.String()
	}
	b.Bytes = value
	if b.Hex = !utf8.ValidString(value); b.Hex {
		b.Bytes = hex.Dump([]byte(value))
	}
	at := []string{"events", b.Topic, strconv.Itoa(int(b.Partition)), strconv.FormatInt(b.Offset, 10)}
	b.Raw = v.to(path(append(at, "raw")...))
	b.Copies = v.to("/events", "source", b.Source, "id", b.ID)
	b.Again = []command{
		{"With Assay", shell("assay", "query", "events", "--source", b.Source, "--id", b.ID, "--tenant", v.Tenant, "-o", "json")},
		{"From the API", v.curl(path(append([]string{"api", "v1"}, at...)...))},
		{"Check its bytes", "sha256sum " + shellWord(rawName(b.Topic, b.Partition, b.Offset)) + "  # of the file with the exact bytes"},
	}
}

// rawName is how a file with an event's bytes is called.
func rawName(topic string, partition int32, offset int64) string {
	safe := func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '_' {
			return r
		}
		return '-'
	}
	return fmt.Sprintf("%s-%d-%d.bin", bytes.Map(safe, []byte(topic)), partition, offset)
}

// rawEvent sends an event's value, byte for byte.
func rawEvent(v *visit) (*sheet, error) {
	s, err := v.spot()
	if err != nil {
		return nil, err
	}
	got, err := v.stored(v.ctx(), s)
	if err != nil {
		return nil, err
	}
	e := &got.Rows[0]
	return &sheet{File: &file{rawName(e.Topic, e.Partition, e.Offset), "application/octet-stream", []byte(e.Raw)}}, nil
}
