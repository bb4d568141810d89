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

// WriteJUnit writes the report as JUnit XML, a suite a control. There are no
// times in it: a report depends on its files alone.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: "assay test", Tests: len(r.Cases), Failures: r.Failed()}
	for _, c := range r.Cases {
		i := slices.IndexFunc(all.Suites, func(s junitSuite) bool { return s.Name == c.Control })
		if i < 0 {
			i = len(all.Suites)
			all.Suites = append(all.Suites, junitSuite{Name: c.Control})
		}
		s := &all.Suites[i]
		s.Tests++
		if len(c.Failures) > 0 {
			s.Failures++
		}
		s.Cases = append(s.Cases, c.junit())
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

func (r *Result) junit() junitCase {
	file, line := r.Place, ""
	if parts := strings.Split(r.Place, ":"); len(parts) > 2 {
		file, line = strings.Join(parts[:len(parts)-2], ":"), parts[len(parts)-2]
	}
	c := junitCase{Class: r.Control, Name: r.Name, File: file, Line: line}
	if len(r.Failures) > 0 {
		c.Failure = &junitFailure{Message: strings.SplitN(r.Failures[0], "\n", 2)[0], Text: strings.Join(r.Failures, "\n")}
	}
	return c
}
