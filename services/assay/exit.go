package main

import (
	"errors"

	"assay.example/assay/pkg/compliance"
)

// The exit codes, a part of the product's interface: scripts branch on them.
// That 2 is not 1 matters: what couldn't be evaluated is not a pass, nor a violation.
const (
	exitFine        = 0
	exitViolations  = 1
	exitUnevaluated = 2
	exitUsage       = 3
	exitUnavailable = 4
	exitUnverified  = 5
	exitInternal    = 6
)

const exitHelp = `Exit codes:
  0  fine
  1  violations were found
  2  a control could not be evaluated
  3  the command line or the configuration is wrong
  4  a dependency can't be reached, or refuses
  5  a verification failed: a signature, a hash, a gap
  6  a fault of assay itself`

// exitError is an error that knows its exit code: a result that a command found
// rather than a trouble that it had.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

// exitCode is what the process tells of err.
func exitCode(err error) int {
	if err == nil {
		return exitFine
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	switch compliance.CodeOf(err) {
	case compliance.Invalid, compliance.NotFound, compliance.TooLarge, compliance.Conflict:
		return exitUsage
	case compliance.Unavailable, compliance.Forbidden:
		return exitUnavailable
	case compliance.Internal:
		return exitInternal
	}
	return exitInternal
}
