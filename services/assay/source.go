package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/source"
	"assay.example/assay/schemas"
)

func (a *app) sourceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "source",
		Short: "Look at what vendors' payloads become",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.sourceListCommand(), a.sourceTestCommand(), a.sourceMapCommand())
	return c
}

// openSources opens a folder of vendors, or what is built in if none is named.
func openSources(dir string) (*source.Library, fs.FS, error) {
	types, err := dictionary.Default()
	if err != nil {
		return nil, nil, err
	}
	files, err := fs.Sub(schemas.FS, "sources")
	if err != nil {
		return nil, nil, fmt.Errorf("opening the embedded sources: %w", err)
	}
	if dir != "" {
		if info, err := os.Stat(dir); err != nil {
			return nil, nil, compliance.Errorf(compliance.Invalid, "opening sources: %w", err)
		} else if !info.IsDir() {
			return nil, nil, compliance.Errorf(compliance.Invalid, "%s is no folder", dir)
		}
		files = os.DirFS(dir)
	}
	library, err := source.Load(files, types)
	return library, files, unreadable("mappings", err)
}

// unreadable is an error that shows every problem of files.
func unreadable(what string, err error) error {
	if problems := document.ProblemsOf(err); problems != nil {
		return compliance.Errorf(compliance.Invalid, "reading %s:\n%w", what, problems)
	}
	return err
}

// vendorRow is one vendor in a list.
type vendorRow struct {
	Vendor        string `json:"vendor"`
	Title         string `json:"title"`
	Signature     string `json:"signature"`
	Payloads      string `json:"payloads"`
	Version       string `json:"version"`
	Documentation string `json:"documentation"`
}

func (a *app) sourceListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list [dir]",
		Short: "List the vendors that are known",
		Long: `List the vendors whose payloads are understood, built in or of a folder. PAYLOADS says
whether the mappings were tried on real ones, or written from documentation alone.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.listSources(strings.Join(args, "")) },
	}
	a.formatFlag(c)
	return c
}

func (a *app) listSources(dir string) error {
	library, _, err := openSources(dir)
	if err != nil {
		return err
	}
	var rows []vendorRow
	for _, name := range library.Names() {
		v, _ := library.Vendor(name)
		row := vendorRow{v.Name, v.Title, v.Signature, "documented", v.Version(), v.Documentation}
		if v.Proven {
			row.Payloads = "real"
		}
		rows = append(rows, row)
	}
	return output.Write(a.writer(), rows, []output.Column[vendorRow]{
		{Head: "VENDOR", Cell: func(r vendorRow) string { return r.Vendor }},
		{Head: "SIGNATURE", Cell: func(r vendorRow) string { return r.Signature }},
		{Head: "PAYLOADS", Cell: func(r vendorRow) string { return r.Payloads }},
		{Head: "VERSION", Cell: func(r vendorRow) string { return r.Version }},
		{Head: "TITLE", Cell: func(r vendorRow) string { return r.Title }},
	})
}

// testedRow is what the cases of a vendor showed.
type testedRow struct {
	Vendor  string   `json:"vendor"`
	Cases   int      `json:"cases"`
	Failed  int      `json:"failed"`
	Unshown []string `json:"unshown"`
}

func (a *app) sourceTestCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "test [dir]",
		Short: "Run the cases beside mappings",
		Long: `Run every case (<vendor>/*_test.yaml) of the vendors that are built in or in a folder.
What differs is shown as a diff on the standard error; NOT SHOWN are mappings that no
case uses. The exit code is 1 if a case fails or a mapping has none, 3 if a file is
wrong.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.testSources(strings.Join(args, "")) },
	}
	a.formatFlag(c)
	return c
}

func (a *app) testSources(dir string) error {
	library, files, err := openSources(dir)
	if err != nil {
		return err
	}
	var rows []testedRow
	bad := 0
	for _, name := range library.Names() {
		tested, err := library.Test(files, name)
		if err != nil {
			return unreadable("cases", err)
		}
		row, err := a.tested(name, tested)
		if err != nil {
			return err
		}
		bad += row.Failed + len(row.Unshown)
		rows = append(rows, row)
	}
	if err := output.Write(a.writer(), rows, []output.Column[testedRow]{
		{Head: "VENDOR", Cell: func(r testedRow) string { return r.Vendor }},
		{Head: "CASES", Cell: func(r testedRow) string { return strconv.Itoa(r.Cases) }},
		{Head: "FAILED", Cell: func(r testedRow) string { return strconv.Itoa(r.Failed) }},
		{Head: "NOT SHOWN", Cell: func(r testedRow) string { return strings.Join(r.Unshown, ", ") }},
	}); err != nil {
		return err
	}
	if bad > 0 {
		return &exitError{exitViolations, fmt.Errorf("cases that fail or are missing: %d", bad)}
	}
	return nil
}

// tested counts, and shows what differs.
func (a *app) tested(name string, tested *source.Tested) (testedRow, error) {
	row := testedRow{Vendor: name, Cases: len(tested.Cases), Unshown: append([]string{}, tested.Unshown...)}
	for _, c := range tested.Cases {
		if c.Diff == "" {
			continue
		}
		row.Failed++
		if _, err := fmt.Fprintf(a.err, "%s:%d: %s\n%s\n", c.File, c.Line, c.Name, c.Diff); err != nil {
			return row, err
		}
	}
	return row, nil
}

type sourceMapOptions struct {
	*app

	vendor, dir, received string
	headers               []string
}

func (a *app) sourceMapCommand() *cobra.Command {
	o := sourceMapOptions{app: a}
	c := &cobra.Command{
		Use:   "map --vendor name file",
		Short: "Show the events that a payload becomes",
		Long: `Show the events that a payload becomes, without sending them anywhere; - is the
standard input. The exit code is 2 if a part of it becomes none: the standard error
says which, and why.`,
		Example: `  assay source map --vendor github --header x-github-event=push push.json`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(args[0]) },
	}
	c.Flags().StringVar(&o.vendor, "vendor", "", "whose payload it is: see assay source list")
	c.Flags().StringVar(&o.dir, "sources", "", "a `folder` of vendors instead of those that are built in")
	c.Flags().StringArrayVar(&o.headers, "header", nil, "one `name=value` that came with it; may be repeated")
	c.Flags().StringVar(&o.received, "received", "", "when it came, RFC 3339; otherwise now")
	a.formatFlag(c)
	return c
}

// eventRow is one event of a payload.
type eventRow struct {
	Type    string             `json:"type"`
	ID      string             `json:"id"`
	Time    compliance.Instant `json:"time"`
	Mapping string             `json:"mapping"`
	Data    json.RawMessage    `json:"data"`
}

func (o *sourceMapOptions) run(file string) error {
	library, _, err := openSources(o.dir)
	if err != nil {
		return err
	}
	v, ok := library.Vendor(o.vendor)
	if !ok {
		return compliance.Errorf(compliance.Invalid, "there is no vendor %q%s; see assay source list", o.vendor, document.DidYouMean(o.vendor, library.Names()))
	}
	delivery, err := o.delivery(file)
	if err != nil {
		return err
	}
	mapped := v.Map(delivery)
	rows := make([]eventRow, 0, len(mapped.Events))
	for _, e := range mapped.Events {
		rows = append(rows, eventRow{e.Type, e.ID, e.Time, e.Mapping, e.Data})
	}
	if err := output.Write(o.writer(), rows, []output.Column[eventRow]{
		{Head: "TYPE", Cell: func(r eventRow) string { return r.Type }},
		{Head: "TIME", Cell: func(r eventRow) string { return r.Time.String() }},
		{Head: "ID", Cell: func(r eventRow) string { return r.ID }},
		{Head: "DATA", Cell: func(r eventRow) string { return string(r.Data) }},
	}); err != nil {
		return err
	}
	return o.rest(mapped)
}

func (o *sourceMapOptions) delivery(file string) (source.Delivery, error) {
	d := source.Delivery{Headers: map[string]string{}, Received: compliance.InstantOf(time.Now())}
	for _, header := range o.headers {
		name, value, ok := strings.Cut(header, "=")
		if !ok {
			return d, compliance.Errorf(compliance.Invalid, "--header is %q; write name=value", header)
		}
		d.Headers[strings.ToLower(name)] = value
	}
	raw, err := o.read(file)
	if err != nil {
		return d, compliance.Errorf(compliance.Invalid, "reading a payload: %w", err)
	}
	d.SHA256 = sha256.Sum256(raw)
	if d.Body, err = source.Decode(raw); err != nil {
		return d, compliance.Errorf(compliance.Invalid, "reading %s: %w", file, err)
	}
	if o.received != "" {
		if d.Received, err = compliance.ParseInstant(o.received); err != nil {
			return d, compliance.Errorf(compliance.Invalid, "--received: %w", err)
		}
	}
	return d, nil
}

func (o *sourceMapOptions) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(o.in)
	}
	return os.ReadFile(file)
}

// rest says what became no event.
func (o *sourceMapOptions) rest(m source.Mapped) error {
	for _, kind := range m.Unmapped {
		if _, err := fmt.Fprintf(o.err, "no mapping takes %q\n", kind); err != nil {
			return err
		}
	}
	for _, f := range m.Faults {
		if _, err := fmt.Fprintf(o.err, "record %d: %s: %v\n", f.Record, f.Mapping, f.Err); err != nil {
			return err
		}
	}
	if n := len(m.Unmapped) + len(m.Faults); n > 0 {
		return &exitError{exitUnevaluated, fmt.Errorf("parts of the payload that became no event: %d", n)}
	}
	return nil
}
