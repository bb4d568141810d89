package compliance

import (
	"errors"
	"fmt"
)

// Code says what kind of trouble an error is, for machines.
type Code string

// The codes. Anything without one is Internal, and its text is not for users.
const (
	Invalid     Code = "invalid"
	NotFound    Code = "not_found"
	Forbidden   Code = "forbidden"
	TooLarge    Code = "too_large"
	Conflict    Code = "conflict"
	Unavailable Code = "unavailable"
	Internal    Code = "internal"
)

// Error is an error whose text a user may see: what, where and what to do.
type Error struct {
	Code Code
	Text string
	Err  error
}

// Errorf makes an Error; %w keeps its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Text: err.Error(), Err: errors.Unwrap(err)}
}

func (e *Error) Error() string { return e.Text }

func (e *Error) Unwrap() error { return e.Err }

// CodeOf finds the code in err's chain.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}
