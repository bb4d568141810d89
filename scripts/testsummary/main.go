// Testsummary reads what `go test -json` prints and writes what a person wants
// of it: each package's closing line, the whole output of what failed, and at
// the end every skipped test with its reason, so that no skip goes unseen.
//
//	go test -json ./... | go run ./scripts/testsummary [-no-skips]
//
// It exits with 1 if anything failed, if no test ran and, with -no-skips, if a
// test was skipped.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	noSkips := flag.Bool("no-skips", false, "a skipped test is a failure")
	flag.Parse()
	s := newSummary(os.Stdout)
	err := s.read(os.Stdin)
	s.close()
	if err == nil {
		err = s.verdict(*noSkips)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
		os.Exit(1)
	}
}
