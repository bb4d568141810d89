package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	// ImportPath is set instead of Package in what the compiler says.
	ImportPath string
}

// key names a test; of a package as a whole, test is empty.
type key struct{ pkg, test string }

// summary follows the tests of one run. A test's output is held back until it
// is known whether anybody wants it.
type summary struct {
	out                     io.Writer
	held                    map[key]*strings.Builder
	passed, failed, skipped int
	broken                  int            // packages that failed, or didn't compile
	reasons                 map[string]int // of skips → how often
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, held: map[key]*strings.Builder{}, reasons: map[string]int{}}
}

// read follows r to its end. What isn't JSON is passed on: go itself prints it.
func (s *summary) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			s.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the test's output: %w", err)
		}
	}
}

func (s *summary) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil || e.Action == "" {
		fmt.Fprintf(s.out, "%s\n", strings.TrimRight(string(line), "\r\n"))
		return
	}
	k := key{e.Package, e.Test}
	switch e.Action {
	case "output":
		s.output(k, e.Output)
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "build-fail":
		s.broken++
	case "pass", "fail", "skip":
		s.done(k, e.Action)
	}
}

func (s *summary) output(k key, text string) {
	if k.test == "" {
		if text != "PASS\n" && !strings.HasSuffix(text, "[no test files]\n") {
			fmt.Fprint(s.out, text)
		}
		return
	}
	b := s.held[k]
	if b == nil {
		b = &strings.Builder{}
		s.held[k] = b
	}
	b.WriteString(text)
}

func (s *summary) done(k key, action string) {
	if k.test == "" {
		if action == "fail" {
			s.broken++
		}
		return
	}
	var text string
	if b := s.held[k]; b != nil {
		text = b.String()
	}
	delete(s.held, k)
	switch action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.reasons[reason(text)]++
	case "fail":
		s.failed++
		fmt.Fprint(s.out, text)
	}
}

// reason is what t.Skip was given: the lines that go test did not write, without
// the place in the source.
func reason(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if place, said, ok := strings.Cut(line, ": "); ok && strings.Contains(place, ".go:") {
			line = said
		}
		words = append(words, line)
	}
	if len(words) == 0 {
		return "no reason given"
	}
	return words[len(words)-1]
}

// close writes what was held back of tests that never ended, which is where a
// panic or a time-out struck, and then the counts.
func (s *summary) close() {
	for _, k := range slices.SortedFunc(maps.Keys(s.held), func(a, b key) int {
		return strings.Compare(a.pkg+" "+a.test, b.pkg+" "+b.test)
	}) {
		fmt.Fprintf(s.out, "%s: %s did not end:\n%s", k.pkg, k.test, s.held[k])
	}
	for _, r := range slices.Sorted(maps.Keys(s.reasons)) {
		fmt.Fprintf(s.out, "SKIP %d × %s\n", s.reasons[r], r)
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

func (s *summary) verdict(noSkips bool) error {
	switch {
	case s.failed > 0 || s.broken > 0:
		return fmt.Errorf("%d tests and %d packages failed", s.failed, s.broken)
	case s.passed+s.skipped == 0:
		return errors.New("no test ran")
	case noSkips && s.skipped > 0:
		return fmt.Errorf("%d tests were skipped, and -no-skips allows none", s.skipped)
	}
	return nil
}
