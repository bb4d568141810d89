package controltest

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	File    string        `xml:"file,attr"`
	Line    string        `xml:"line,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, a suite a control, and another one for its
// mutants, of which those that survived are failures. There are no times in it: a
// report depends on its files alone.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "assay test"}
	for _, c := range r.Cases {
		all.add(c.Control, c.junit())
	}
	for i := range r.Mutants {
		all.add(r.Mutants[i].Control+" mutants", r.Mutants[i].junit())
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return fmt.Errorf("writing JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// add puts a case into the suite of a name.
func (a *junitSuites) add(suite string, c junitCase) {
	i := slices.IndexFunc(a.Suites, func(s junitSuite) bool { return s.Name == suite })
	if i < 0 {
		i = len(a.Suites)
		a.Suites = append(a.Suites, junitSuite{Name: suite})
	}
	s := &a.Suites[i]
	s.Cases = append(s.Cases, c)
	a.Tests++
	s.Tests++
	if c.Failure != nil {
		a.Failures++
		s.Failures++
	}
}

func (r *Result) junit() junitCase {
	c := junitAt(r.Control, r.Name, r.Place)
	if len(r.Failures) > 0 {
		c.Failure = &junitFailure{Message: strings.SplitN(r.Failures[0], "\n", 2)[0], Text: strings.Join(r.Failures, "\n")}
	}
	return c
}

func (m *Mutant) junit() junitCase {
	c := junitAt(m.Control, m.String(), m.Place)
	if m.Fate == Survived {
		c.Failure = &junitFailure{Message: m.String(), Text: "no test fails if this is changed: " + m.String()}
	}
	return c
}

// junitAt is a case without a result; place is file:line:column.
func junitAt(control, name, place string) junitCase {
	file, line := place, ""
	if parts := strings.Split(place, ":"); len(parts) > 2 {
		file, line = strings.Join(parts[:len(parts)-2], ":"), parts[len(parts)-2]
	}
	return junitCase{Class: control, Name: name, File: file, Line: line}
}
