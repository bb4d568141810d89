package stream

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/schemas"
)

// Topology is schemas/topology.yaml, parsed strictly and checked.
func Topology() (*schemas.Topology, error) {
	data, err := schemas.FS.ReadFile("topology.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the topology: %w", err)
	}
	return parseTopology(data)
}

func parseTopology(data []byte) (*schemas.Topology, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var t schemas.Topology
	if err := decoder.Decode(&t); err != nil {
		return nil, fmt.Errorf("parsing topology.yaml: %w", err)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		for _, what := range topicFaults(&t, t.Topics[name]) {
			faults = append(faults, fault("topology.yaml: topic %s: %s", name, what))
		}
	}
	return &t, errors.Join(faults...)
}

func topicFaults(t *schemas.Topology, topic schemas.Topic) []string {
	var faults []string
	if len(topic.Writers) == 0 || len(topic.Readers) == 0 {
		faults = append(faults, "it has no writers or no readers")
	}
	if topic.Partitions < 1 || topic.Embedded < 1 {
		faults = append(faults, "partitions and embedded are at least 1")
	}
	if _, err := topicConfigs(topic); err != nil {
		faults = append(faults, err.Error())
	}
	if topic.SamePartitionsAs == "" {
		return faults
	}
	other, ok := t.Topics[topic.SamePartitionsAs]
	switch {
	case !ok:
		faults = append(faults, fmt.Sprintf("same-partitions-as names %q, which is no topic", topic.SamePartitionsAs))
	case other.Partitions != topic.Partitions || other.Embedded != topic.Embedded:
		faults = append(faults, "its numbers of partitions differ from those of "+topic.SamePartitionsAs)
	}
	return faults
}

// topicConfigs are the Kafka configs that topology.yaml implies.
func topicConfigs(topic schemas.Topic) (map[string]string, error) {
	configs := map[string]string{
		"cleanup.policy":         "delete",
		"message.timestamp.type": "LogAppendTime",
		"max.message.bytes":      strconv.Itoa(MaxMessageBytes),
	}
	switch topic.Retention {
	case "compact":
		configs["cleanup.policy"] = "compact"
	case "forever":
		configs["retention.ms"] = "-1"
	default:
		days, ok := strings.CutSuffix(topic.Retention, "d")
		n, err := strconv.ParseUint(days, 10, 16)
		if !ok || err != nil || n == 0 {
			return nil, fault("retention %q is neither forever, compact nor a number of days such as 400d", topic.Retention)
		}
		configs["retention.ms"] = strconv.FormatUint(n*24*60*60*1000, 10)
	}
	if topic.Retention != "compact" {
		configs["retention.bytes"] = "-1"
	}
	return configs, nil
}
