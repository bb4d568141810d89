package stream

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseTopologyIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"topics: {a: {writer: [x]}}": "field writer not found",
		"topics: {a: {readers: [x], partitions: 1, embedded: 1, retention: 7d}}":                                                                                                                  "topic a: it has no writers",
		"topics: {a: {writers: [x], readers: [x], embedded: 1, retention: 7d}}":                                                                                                                   "topic a: partitions and embedded",
		"topics: {a: {writers: [x], readers: [x], partitions: 1, embedded: 1, retention: 7h}}":                                                                                                    `retention "7h"`,
		"topics: {a: {writers: [x], readers: [x], partitions: 1, embedded: 1, retention: 0d}}":                                                                                                    `retention "0d"`,
		"topics: {a: {writers: [x], readers: [x], partitions: 1, embedded: 1, retention: 7d, same-partitions-as: b}}":                                                                             `names "b"`,
		"topics: {b: &b {writers: [x], readers: [x], partitions: 1, embedded: 1, retention: 7d}, a: *b, a: {}}":                                                                                   "already defined",
		"topics: {b: {writers: [x], readers: [x], partitions: 1, embedded: 1, retention: 7d, same-partitions-as: c}, c: {writers: [x], readers: [x], partitions: 2, embedded: 1, retention: 7d}}": "topic b: its numbers of partitions differ from those of c",
	} {
		_, err := parseTopology([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
}
