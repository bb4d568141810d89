package controltest

import (
	"fmt"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/controltest/internal/timeline"
)

// testcase is one timeline and what must be known along it.
type testcase struct {
	file         string
	line, column int
	name         string
	start        compliance.Instant
	timeline.Timeline
	expects [][]expected // by watermark
}

func (c *testcase) place() string { return fmt.Sprintf("%s:%d:%d", c.file, c.line, c.column) }

// expected is what a case says of one item; only what it names is compared.
type expected struct {
	line, column int
	id           string
	absent       bool
	outcome      *compliance.Outcome
	reason       *string
	evidence     []string // of events, in the order in which the verdict names them
	hasEvidence  bool
	revision     int // 0: not compared
	remediated   *compliance.Instant
}
