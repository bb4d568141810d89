package main

import (
	"io"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// choice is a flag's value that is one of a few words.
type choice struct {
	is    string
	kind  string // what --help calls it
	words []string
}

// formatOf is a choice of how something is written, the first unless the flag says another.
func formatOf(words ...string) choice { return choice{words[0], "format", words} }

// failures is a choice of which results fail a command.
func failures() choice { return choice{"any", "results", []string{"any", "deviations", "none"}} }

// String is pflag.Value's.
func (c *choice) String() string { return c.is }

// Type is pflag.Value's.
func (c *choice) Type() string { return c.kind }

// Set is pflag.Value's.
func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		return compliance.Errorf(compliance.Invalid, "%q is unknown; choose %s", text, strings.Join(c.words, ", "))
	}
	c.is = text
	return nil
}

// answer is what can be written in each of three formats.
type answer interface {
	WriteJSON(out io.Writer) error
	WriteCSV(w output.Writer) error
	WriteTable(w output.Writer) error
}

// answer writes d as json, csv or table.
func (a *app) answer(format choice, d answer) error {
	switch format.is {
	case "json":
		return d.WriteJSON(a.out)
	case "csv":
		return d.WriteCSV(a.writer())
	}
	return d.WriteTable(a.writer())
}
