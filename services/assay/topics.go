package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/stream"
)

// answerWithin is how long a tool waits for Kafka.
const answerWithin = 15 * time.Second

func (a *app) topicsCommand() *cobra.Command {
	c := &cobra.Command{Use: "topics", Short: "Make Kafka's topics", Args: cobra.NoArgs}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(a.topicsCreateCommand())
	return c
}

type topicsCreateOptions struct {
	*app
	embedded bool
}

func (a *app) topicsCreateCommand() *cobra.Command {
	o := topicsCreateOptions{app: a}
	c := &cobra.Command{
		Use:   "create",
		Short: "Make the topics that don't exist yet, and check the others",
		Long: `Make the topics of schemas/topology.yaml that don't exist yet, and check all.
A topic that exists is never changed; one that would break a guarantee is an error.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().BoolVar(&o.embedded, "embedded", false, "few partitions, for one machine")
	a.formatFlag(c)
	return c
}

// topicRow is one topic as `topics create` lists it.
type topicRow struct {
	Topic      string `json:"topic"`
	Partitions int32  `json:"partitions"`
	Retention  string `json:"retention"`
}

func (o *topicsCreateOptions) run(ctx context.Context) error {
	cfg, _, err := o.load("log", "kafka")
	if err != nil {
		return err
	}
	set := stream.Fleet
	if o.embedded {
		set = stream.Embedded
	}
	if err := o.createTopics(ctx, cfg, set); err != nil {
		return err
	}
	rows, err := topicRows(cfg.Kafka, set)
	if err != nil {
		return err
	}
	return output.Write(o.writer(), rows, []output.Column[topicRow]{
		{Head: "TOPIC", Cell: func(r topicRow) string { return r.Topic }},
		{Head: "PARTITIONS", Cell: func(r topicRow) string { return strconv.Itoa(int(r.Partitions)) }},
		{Head: "RETENTION", Cell: func(r topicRow) string { return r.Retention }},
	})
}

// createTopics waits for a broker first, so that its absence is said plainly.
func (a *app) createTopics(ctx context.Context, cfg Config, set stream.TopologySet) error {
	opts, err := cfg.Kafka.Options(a.logger(cfg))
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "making a Kafka client: %w", err)
	}
	defer client.Close()
	if err := stream.Ping(ctx, client, answerWithin); err != nil {
		return err
	}
	return stream.CreateTopics(ctx, client, cfg.Kafka, set)
}

func topicRows(cfg stream.Config, set stream.TopologySet) ([]topicRow, error) {
	topology, err := stream.Topology()
	if err != nil {
		return nil, fmt.Errorf("reading the topology: %w", err)
	}
	rows := make([]topicRow, 0, len(topology.Topics))
	for _, name := range slices.Sorted(maps.Keys(topology.Topics)) {
		topic := topology.Topics[name]
		partitions := topic.Partitions
		if set == stream.Embedded {
			partitions = topic.Embedded
		}
		rows = append(rows, topicRow{cfg.Topic(name), partitions, topic.Retention})
	}
	return rows, nil
}
