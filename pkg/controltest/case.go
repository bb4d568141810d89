package controltest

import (
	"fmt"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/document"
)

// tenant is whom all events of a case belong to: a verdict never reads more than one.
const tenant = "default"

// testcase is one timeline and what must be known along it.
type testcase struct {
	file         string
	line, column int
	name         string
	start        compliance.Instant
	bundle       *control.Bundle // holds the one control, and those that it reads
	rules        *document.Document
	events       []arrival
	steps        []step // in the order of watermarks
}

func (c *testcase) place() string { return fmt.Sprintf("%s:%d:%d", c.file, c.line, c.column) }

// arrival is one event and when it comes.
type arrival struct {
	event *compliance.Event
	// at is when it arrives: before a watermark if it is less.
	at        compliance.Instant
	duplicate bool // twice in every order
}

// step is a watermark, with what is expected there.
type step struct {
	w     compliance.Instant
	items []expected
}

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
