package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

func TestExitCodes(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("doing: %w", errors.Join(errors.New("x"), err)) }
	for code, errs := range map[int][]error{
		exitFine:        {nil},
		exitViolations:  {&exitError{exitViolations, errors.New("x")}},
		exitUnevaluated: {&exitError{exitUnevaluated, compliance.Errorf(compliance.Invalid, "x")}},
		exitUsage: {
			compliance.Errorf(compliance.Invalid, "x"), compliance.Errorf(compliance.NotFound, "x"),
			compliance.Errorf(compliance.TooLarge, "x"), compliance.Errorf(compliance.Conflict, "x"),
		},
		exitUnavailable: {compliance.Errorf(compliance.Unavailable, "x"), compliance.Errorf(compliance.Forbidden, "x")},
		exitUnverified:  {&exitError{exitUnverified, errors.New("x")}},
		exitInternal:    {errors.New("x"), compliance.Errorf(compliance.Internal, "x")},
	} {
		require.Contains(t, exitHelp, fmt.Sprintf("\n  %d  ", code))
		for _, err := range errs {
			require.Equal(t, code, exitCode(err))
			if err != nil {
				require.Equal(t, code, exitCode(wrap(err)), "also when wrapped")
			}
		}
	}
	require.Equal(t, 7, strings.Count(exitHelp, "\n"), "no code is documented that isn't tested")
}
