package document

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Problem is one fault in a file, with its place.
type Problem struct {
	File         string
	Line, Column int // from 1
	Text         string
}

// String is file:line:column: text.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Compare orders problems by their places.
func (p Problem) Compare(o Problem) int {
	return cmp.Or(cmp.Compare(p.File, o.File), cmp.Compare(p.Line, o.Line), cmp.Compare(p.Column, o.Column))
}

// Problems are all faults found in one go.
type Problems []Problem

// Error lists every problem on a line of its own.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// OrNil is ps sorted by place, or nil if there are none. What aliases have twice is said once.
func (ps Problems) OrNil() error {
	if len(ps) == 0 {
		return nil
	}
	said := map[Problem]bool{}
	once := slices.DeleteFunc(slices.Clone(ps), func(p Problem) bool {
		before := said[p]
		said[p] = true
		return before
	})
	slices.SortStableFunc(once, Problem.Compare)
	return once
}

// ProblemsOf are the problems that err says or wraps; none if it is another error.
func ProblemsOf(err error) Problems {
	ps, _ := errors.AsType[Problems](err)
	return ps
}

// DidYouMean is " (did you mean …?)" with the nearest of the known words, or
// nothing if none is near.
func DidYouMean(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := levenshtein.ComputeDistance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
