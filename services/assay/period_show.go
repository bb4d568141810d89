package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/period"
)

// shownPeriod is a period with the proof of its seal, if it has one.
type shownPeriod struct {
	listedPeriod

	Tenant string        `json:"tenant"`
	Proof  *period.Proof `json:"proof,omitempty"`
	// Certificates are nil where the seal has none.
	Certificates *period.CertificateProof `json:"certificates,omitempty"`
	// Report is the command that makes its report.
	Report string `json:"report"`
}

func (a *app) periodShow() *cobra.Command {
	var tenant string
	var rules rulesOptions
	c := &cobra.Command{
		Use: "show ID", Short: "Prove a seal again, and name each verdict that was restated since",
		Long: `Make what was sealed again from what is on record, and compare; then list each verdict
that changed since, what it was and what it is. Exit code 5 says that the record isn't
as it was sealed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.showPeriod(c.Context(), &rules, tenant, args[0]) },
	}
	rules.flags(c)
	c.Flags().StringVar(&tenant, "tenant", "default", "whose")
	a.formatFlag(c)
	return c
}

func (a *app) showPeriod(ctx context.Context, rules *rulesOptions, tenant, id string) error {
	cfg, err := a.periodConfig()
	if err != nil {
		return err
	}
	periods, err := periodsOf(ctx, cfg, tenant)
	if err != nil {
		return err
	}
	p := find(periods, id)
	if p == nil {
		return compliance.Errorf(compliance.NotFound, "there is no period %s on record; list them with assay period list", id)
	}
	shown := &shownPeriod{
		listedPeriod: listedPeriod{Period: p, State: p.State()}, Tenant: tenant,
		Report: fmt.Sprintf("assay report --from %s --to %s --tenant %s", p.From, p.To, tenant),
	}
	if p.Sealed != nil {
		shown.Report += " --as-of " + p.Sealed.AsOf.String()
		if err := shown.prove(ctx, cfg, rules); err != nil {
			return err
		}
	}
	if err := a.writePeriod(shown); err != nil {
		return err
	}
	return shown.verdict()
}

// prove makes what was sealed again.
func (p *shownPeriod) prove(ctx context.Context, cfg Config, rules *rulesOptions) error {
	bundle, err := rules.load(cfg)
	if err != nil {
		return err
	}
	return withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		if p.Proof, err = period.Prove(ctx, conn, p.Tenant, p.Period); err != nil {
			return err
		}
		p.Restated = len(p.Proof.Restatement)
		p.Certificates, err = period.ProveCertificates(ctx, conn, bundle, p.Tenant, p.Period)
		return err
	})
}

// verdict makes the exit code: what was sealed has to be what is on record.
func (p *shownPeriod) verdict() error {
	c, s := p.Certificates, p.Sealed
	switch {
	case s != nil && !p.Proof.Intact:
		return &exitError{exitUnverified, fmt.Errorf("what is on record as of %s has the hash %s, and %s was sealed", s.AsOf, p.Proof.Facts.SHA256, s.FactsSHA256)}
	case c != nil && c.Certificates != nil && !c.Intact:
		return &exitError{exitUnverified, fmt.Errorf("the certificates as of %s have the hash %s, and %s was sealed", s.AsOf, c.SHA256, s.CertificatesSHA256)}
	}
	return nil
}

func (a *app) writePeriod(p *shownPeriod) error {
	switch a.format {
	case output.JSON, output.JSONL:
		return a.writer().Object(p)
	case output.CSV:
		var rows []listing.Restated
		if p.Proof != nil {
			rows = p.Proof.Restatement
		}
		return output.Write(a.writer(), rows, restatedColumns())
	case output.Table:
	}
	var said strings.Builder
	p.tell(&said)
	if _, err := io.WriteString(a.out, said.String()); err != nil {
		return err
	}
	if p.Proof != nil {
		if err := output.Write(a.writer(), p.Proof.Facts.Controls, factColumns()); err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.out, "\nRestated since: %d\n", p.Restated)
		if err := output.Write(a.writer(), p.Proof.Restatement, restatedColumns()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(a.out, "\nThe report: %s\n", p.Report)
	return err
}

// tell says who did what, and whether the seal holds.
func (p *shownPeriod) tell(w *strings.Builder) {
	say := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	say("%s: %s to %s (not included), %s", p.ID, p.From, p.To, p.State)
	say("opened by %s at %s", p.Opened.By, p.Opened.At)
	if p.Closed != nil {
		say("closed by %s at %s", p.Closed.By, p.Closed.At)
	}
	if s := p.Sealed; s != nil {
		say("sealed by %s at %s, as of %s, by bundle %s", s.By, s.At, s.AsOf, s.Bundle)
		if s.Early != "" {
			say("sealed early: %s", s.Early)
		}
		if s.Behind != "" {
			say("sealed before the record had reached the end: %s", s.Behind)
		}
		say("facts %s: %s", s.FactsSHA256, map[bool]string{true: "made again, the same", false: "NOT what is on record as of then"}[p.Proof.Intact])
	}
	if c := p.Certificates; c != nil {
		said := map[bool]string{true: "made again, the same", false: "NOT what is on record as of then"}[c.Intact]
		if c.Other != "" {
			said = "they can't be made again by bundle " + c.Other + "; name the sealed one with --controls"
		}
		say("certificates %s: %s", p.Sealed.CertificatesSHA256, said)
	}
	for _, fault := range p.Faults {
		say("counts for nothing: %s", fault)
	}
	say("")
}

func factColumns() []output.Column[listing.Fact] {
	return []output.Column[listing.Fact]{
		{Head: "CONTROL", Cell: func(f listing.Fact) string { return f.Control }},
		{Head: "ITEMS", Cell: func(f listing.Fact) string { return strconv.FormatInt(f.Items, 10) }},
		{Head: "SHA-256", Cell: func(f listing.Fact) string { return f.SHA256 }},
	}
}

func restatedColumns() []output.Column[listing.Restated] {
	return []output.Column[listing.Restated]{
		{Head: "KNOWN", Cell: func(r listing.Restated) string { return r.KnownAt.String() }},
		{Head: "CONTROL", Cell: func(r listing.Restated) string { return r.Control }},
		{Head: "ITEM", Cell: func(r listing.Restated) string { return r.ItemID }},
		{Head: "WAS", Cell: func(r listing.Restated) string { return r.Before.String() }},
		{Head: "IS", Cell: func(r listing.Restated) string { return r.Now.String() }},
	}
}
