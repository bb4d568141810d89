package stream

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/schemas"
)

// TopologySet chooses how many partitions topics get.
type TopologySet int

// The sets.
const (
	Fleet    TopologySet = iota // `partitions` of topology.yaml
	Embedded                    // `embedded` of topology.yaml, for one machine
)

func (s TopologySet) partitions(t schemas.Topic) int32 {
	if s == Embedded {
		return t.Embedded
	}
	return t.Partitions
}

// brokerDefault leaves replication to the broker's default.replication.factor.
const brokerDefault = -1

// visibleWithin bounds the wait until every broker knows a new topic.
const visibleWithin = 15 * time.Second

// CreateTopics makes the topics of topology.yaml that don't exist yet and then
// checks all of them. It changes none that exists: one whose partitions, cleanup
// policy, timestamp type or retention would break a guarantee is an error of
// compliance.Conflict that names each such topic. It may run at any time, also
// twice at once; when it returns nil, every topic is known to the brokers.
func CreateTopics(ctx context.Context, cl *kgo.Client, c Config, set TopologySet) error {
	topology, err := Topology()
	if err != nil {
		return err
	}
	admin := kadm.NewClient(cl)
	for _, name := range slices.Sorted(maps.Keys(topology.Topics)) {
		if err := createTopic(ctx, admin, c.Topic(name), topology.Topics[name], set); err != nil {
			return err
		}
	}
	found, err := awaitTopics(ctx, admin, c, topology)
	if err != nil {
		return err
	}
	return checkTopics(ctx, admin, c, topology, set, found)
}

func createTopic(ctx context.Context, admin *kadm.Client, name string, topic schemas.Topic, set TopologySet) error {
	configs, err := topicConfigs(topic)
	if err != nil {
		return err
	}
	pointers := make(map[string]*string, len(configs))
	for k, v := range configs {
		pointers[k] = new(v)
	}
	_, err = admin.CreateTopic(ctx, set.partitions(topic), brokerDefault, pointers, name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return adminError("creating topic "+name, err)
	}
	return nil
}

// adminError tells refusal from absence; both are for the operator.
func adminError(doing string, err error) error {
	code := compliance.Unavailable
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		code = compliance.Forbidden
	}
	return compliance.Errorf(code, "%s: %w", doing, err)
}

// awaitTopics polls the metadata: a broker may learn of a new topic a little later.
func awaitTopics(ctx context.Context, admin *kadm.Client, c Config, t *schemas.Topology) (kadm.TopicDetails, error) {
	ctx, cancel := context.WithTimeout(ctx, visibleWithin)
	defer cancel()
	names := make([]string, 0, len(t.Topics))
	for name := range t.Topics {
		names = append(names, c.Topic(name))
	}
	for {
		found, err := admin.ListTopics(ctx, names...)
		if err != nil {
			return nil, adminError("listing topics", err)
		}
		if err = found.Error(); err == nil {
			return found, nil
		}
		select {
		case <-ctx.Done():
			return nil, adminError("waiting for topics to appear", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func checkTopics(ctx context.Context, admin *kadm.Client, c Config, t *schemas.Topology, set TopologySet, found kadm.TopicDetails) error {
	described, err := admin.DescribeTopicConfigs(ctx, slices.Sorted(maps.Keys(found))...)
	if err != nil {
		return adminError("reading the configs of topics", err)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		topic, full := t.Topics[name], c.Topic(name)
		if got, want := len(found[full].Partitions), set.partitions(topic); got != int(want) {
			faults = append(faults, compliance.Errorf(compliance.Conflict,
				"topic %s has %d partitions, not %d: it was made for the other size (--embedded or not) or by hand; set another kafka.topicPrefix to make topics beside it", full, got, want))
		}
		resource, err := described.On(full, nil)
		if err = errors.Join(err, resource.Err); err != nil {
			return adminError("reading the config of topic "+full, err)
		}
		faults = append(faults, configFaults(full, topic, resource)...)
	}
	return errors.Join(faults...)
}

// configFaults finds what would lose records; a longer retention loses none.
func configFaults(full string, topic schemas.Topic, resource kadm.ResourceConfig) []error {
	want, err := topicConfigs(topic)
	if err != nil {
		return []error{err}
	}
	var faults []error
	for _, config := range resource.Configs {
		expected, ours := want[config.Key]
		if !ours || acceptable(config.Key, expected, config.MaybeValue()) {
			continue
		}
		faults = append(faults, compliance.Errorf(compliance.Conflict,
			"topic %s has %s=%s, not %s; set it with kafka-configs --alter", full, config.Key, config.MaybeValue(), expected))
	}
	return faults
}

func acceptable(key, want, got string) bool {
	switch key {
	case "retention.ms", "retention.bytes", "max.message.bytes":
		return atLeast(want, got)
	default:
		return want == got
	}
}

// atLeast compares numbers of which -1 means without limit.
func atLeast(want, got string) bool {
	w, errW := strconv.ParseInt(want, 10, 64)
	g, errG := strconv.ParseInt(got, 10, 64)
	if err := errors.Join(errW, errG); err != nil {
		return false
	}
	return g == -1 || (w != -1 && g >= w)
}
