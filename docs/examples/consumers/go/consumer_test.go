// Package consumer is an example of a program that reads violations with
// segmentio/kafka-go, and its test.
package consumer

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Violation has the fields that this program needs.
type Violation struct {
	Schema  string `json:"schema"`
	ID      string `json:"id"`
	Change  string `json:"change"`
	Verdict struct {
		Revision int `json:"revision"`
	} `json:"verdict"`
}

// Consume prints each change of a violation once, until ctx ends.
func Consume(ctx context.Context, out io.Writer, brokers []string, topic, group string) error {
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: brokers, Topic: topic, GroupID: group, StartOffset: kafka.FirstOffset, MaxWait: time.Second})
	defer func() { _ = reader.Close() }()
	// The highest revision of each item. Keep it with what you do about violations,
	// in your database: then a restart doesn't forget it.
	seen := map[string]int{}
	for {
		m, err := reader.FetchMessage(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", topic, err)
		}
		var v Violation
		if err := json.Unmarshal(m.Value, &v); err != nil || v.Schema != "violation/v1" {
			return fmt.Errorf("offset %d has the schema %q, which this program doesn't know", m.Offset, v.Schema)
		}
		if key := string(m.Key); v.Verdict.Revision > seen[key] {
			seen[key] = v.Verdict.Revision
			_, _ = fmt.Fprintln(out, v.Change, v.ID)
		}
		if err := reader.CommitMessages(ctx, m); err != nil && ctx.Err() == nil {
			return fmt.Errorf("committing: %w", err)
		}
	}
}

func TestConsume(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "assay.violations"))
	require.NoError(t, err)
	defer cluster.Close()
	writer := &kafka.Writer{Addr: kafka.TCP(cluster.ListenAddrs()...), Topic: "assay.violations", BatchTimeout: time.Millisecond}
	defer func() { require.NoError(t, writer.Close()) }()
	say := func(key string, revision int, change string) {
		value := fmt.Sprintf(`{"schema": "violation/v1", "id": "%s#%d", "change": %q, "verdict": {"revision": %d}}`, key, revision, change, revision)
		require.NoError(t, writer.WriteMessages(t.Context(), kafka.Message{Key: []byte(key), Value: []byte(value)}))
	}
	say("default/CH-01/a", 2, "opened")
	say("default/CH-01/b", 1, "opened")
	say("default/CH-01/a", 3, "corrected")
	say("default/CH-01/a", 2, "opened") // the publisher repeats
	say("default/CH-01/a", 3, "corrected")
	say("default/CH-01/end", 1, "opened")

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out strings.Builder
	require.NoError(t, Consume(ctx, until{&out, "end", cancel}, cluster.ListenAddrs(), "assay.violations", "my-group"))
	require.Equal(t, `opened default/CH-01/a#2
opened default/CH-01/b#1
corrected default/CH-01/a#3
opened default/CH-01/end#1
`, out.String())
}

// until calls stop when a word was written.
type until struct {
	io.Writer

	word string
	stop func()
}

func (u until) Write(p []byte) (int, error) {
	if strings.Contains(string(p), u.word) {
		u.stop()
	}
	return u.Writer.Write(p)
}
