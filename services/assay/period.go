package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/period"
	"assay.example/assay/services/console"
)

// periodSource is who says what people do with periods; the key has to be allowed to
// speak for it.
const periodSource = "/assay/periods"

func (a *app) periodCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "period",
		Short: "Open, close and seal the periods of examinations, and see what changed since",
		Long: `A period is opened, closed once it is over, and sealed: the seal fixes what is known
of it at a time, by a hash that anybody can make again. What comes later changes no
sealed verdict; it restates it, by name and date. Each act is an event in the log,
with who did it and when. Who one is say console.users and console.tokens: engineers,
approvers and admins may open and close, approvers may seal.`,
		Args: cobra.NoArgs,
	}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(a.periodOpen(), a.periodClose(), a.periodSeal(), a.periodList(), a.periodShow())
	return c
}

// actOptions are those of every act on a period.
type actOptions struct {
	*app
	emit   emitOptions
	who    person
	by     console.Person // once begin has found out
	tenant string
	note   string
}

// actCommand makes a command that sends one event about a period.
func (a *app) actCommand(use, short, long string, run func(context.Context, *actOptions, string) error) *cobra.Command {
	o := &actOptions{app: a}
	c := &cobra.Command{
		Use: use + " ID", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return run(c.Context(), o, args[0])
		},
	}
	o.emit.flags(c)
	o.who.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose period")
	c.Flags().StringVar(&o.note, "note", "", "what there is to say of it")
	return c
}

// mayAct says which roles may do something with periods: who may change rules may open
// and close them, and who approves such changes may seal.
func mayAct(by console.Person, typ string) bool {
	if typ == period.Sealed {
		return by.MayApprove
	}
	return by.MayPropose
}

// begin reads the configuration, and who it is that acts.
func (o *actOptions) begin(typ string) (Config, error) {
	cfg, err := o.periodConfig()
	if err != nil {
		return cfg, err
	}
	if o.by, err = o.who.identify(o.app, cfg); err != nil {
		return cfg, err
	}
	if !mayAct(o.by, typ) {
		return cfg, compliance.Errorf(compliance.Forbidden, "%s has the role %s, which may not do that with a period", o.by.Name, o.by.Role)
	}
	return cfg, nil
}

// send sends the act, which happens now.
func (o *actOptions) send(ctx context.Context, cfg Config, typ, id, who string, now compliance.Instant, data map[string]any) error {
	data["period_id"], data[who] = id, o.by.Name
	if o.note != "" {
		data["note"] = o.note
	}
	return o.emit.emit(ctx, cfg, o.tenant, periodSource, typ, now, data)
}

func (a *app) periodOpen() *cobra.Command {
	var window periodOptions
	c := a.actCommand("open", "Declare the period of an examination", "", func(ctx context.Context, o *actOptions, id string) error {
		p, err := window.parse()
		if err != nil {
			return err
		}
		cfg, err := o.begin(period.Opened)
		if err != nil {
			return err
		}
		if known, err := o.known(ctx, cfg); err != nil {
			return err
		} else if old := find(known, id); old != nil {
			return compliance.Errorf(compliance.Conflict, "%s is there already: %s to %s, opened by %s at %s", id, old.From, old.To, old.Opened.By, old.Opened.At)
		}
		data := map[string]any{"from": p.From.String(), "to": p.To.String()}
		if err := o.send(ctx, cfg, period.Opened, id, "opened_by", compliance.InstantOf(time.Now()), data); err != nil {
			return err
		}
		_, err = fmt.Fprintf(o.out, "%s is open: %s to %s (not included).\n", id, p.From, p.To)
		return err
	})
	window.flags(c)
	return c
}

func (a *app) periodClose() *cobra.Command {
	c := a.actCommand("close", "Declare that a period is over", "", func(ctx context.Context, o *actOptions, id string) error {
		cfg, err := o.begin(period.Closed)
		if err != nil {
			return err
		}
		p, err := o.in(ctx, cfg, id, "open")
		if err != nil {
			return err
		}
		now := compliance.InstantOf(time.Now())
		if now < p.To {
			return compliance.Errorf(compliance.Conflict, "%s isn't over: it ends at %s", id, p.To)
		}
		if err := o.send(ctx, cfg, period.Closed, id, "closed_by", now, map[string]any{}); err != nil {
			return err
		}
		_, err = fmt.Fprintf(o.out, "%s is closed.\n", id)
		return err
	})
	return c
}

// sealOptions say what a seal doesn't wait for, and why.
type sealOptions struct {
	rules         rulesOptions
	early, behind string
}

func (a *app) periodSeal() *cobra.Command {
	var s sealOptions
	c := a.actCommand("seal", "Fix what is known of a period", `Fix what is known of a period that is closed, by the hash of what is said of each of its
items, and of what is on record about the completeness of each control's population
(docs/formats/periods.md). It is as of how far the record reaches by the log's clock. It
refuses before late events had their time, unless --early says why it can't wait: what
comes later is a restatement; and before the record has reached the period's end, unless
--even-if-behind says why.`, func(ctx context.Context, o *actOptions, id string) error {
		return o.seal(ctx, id, &s)
	})
	s.rules.flags(c)
	c.Flags().StringVar(&s.early, "early", "", "seal before late events had their time, and `why`")
	c.Flags().StringVar(&s.behind, "even-if-behind", "", "seal before the record has reached the period's end, and `why`")
	return c
}

func (o *actOptions) seal(ctx context.Context, id string, s *sealOptions) error {
	cfg, err := o.begin(period.Sealed)
	if err != nil {
		return err
	}
	bundle, err := s.rules.load(cfg)
	if err != nil {
		return err
	}
	p, err := o.in(ctx, cfg, id, "closed")
	if err != nil {
		return err
	}
	now := compliance.InstantOf(time.Now())
	var data map[string]any
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		data, err = s.said(ctx, conn, bundle, o.tenant, p, now)
		return err
	})
	if err != nil {
		return err
	}
	if err := o.send(ctx, cfg, period.Sealed, id, "sealed_by", now, data); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s is sealed as of %s: facts %s, certificates %s\n", id, data["as_of"], data["facts_sha256"], data["certificates_sha256"])
	return err
}

// said is what a seal says of a period.
func (s *sealOptions) said(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, tenant string, p *period.Period, now compliance.Instant) (map[string]any, error) {
	if s.early == "" {
		if err := period.Settled(ctx, conn, bundle, p); err != nil {
			return nil, err
		}
	}
	asOf, err := period.SealTime(ctx, conn, p, now, s.behind)
	if err != nil {
		return nil, err
	}
	facts, err := period.FactsAt(ctx, conn, tenant, p, asOf, bundle.Hash)
	if err != nil {
		return nil, err
	}
	certificates, err := period.CertificatesAt(ctx, conn, bundle, tenant, p, asOf)
	if err != nil {
		return nil, err
	}
	data := map[string]any{"as_of": asOf.String(), "bundle": bundle.Hash, "facts_sha256": facts.SHA256, "certificates_sha256": certificates.SHA256}
	for name, why := range map[string]string{"early": s.early, "behind": s.behind} {
		if why != "" {
			data[name] = why
		}
	}
	return data, nil
}

// periodConfig is the configuration of what reads and sends.
func (a *app) periodConfig() (Config, error) {
	cfg, _, err := a.loadForReading("clickhouse")
	return cfg, err
}

// known are the tenant's periods.
func (o *actOptions) known(ctx context.Context, cfg Config) ([]*period.Period, error) {
	return periodsOf(ctx, cfg, o.tenant)
}

// in is a period that has to be in a state.
func (o *actOptions) in(ctx context.Context, cfg Config, id, state string) (*period.Period, error) {
	known, err := o.known(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p := find(known, id)
	if p == nil {
		return nil, compliance.Errorf(compliance.NotFound, "there is no period %s on record; list them with assay period list", id)
	}
	if p.State() != state {
		return nil, compliance.Errorf(compliance.Conflict, "%s is %s, and has to be %s for that", id, p.State(), state)
	}
	return p, nil
}

func find(periods []*period.Period, id string) *period.Period {
	for _, p := range periods {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// periodsOf reads what is on record of a tenant's periods.
func periodsOf(ctx context.Context, cfg Config, tenant string) (periods []*period.Period, err error) {
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		periods, err = period.List(ctx, conn, tenant)
		return err
	})
	return periods, err
}

// listed is a period with what changed since its seal.
type listedPeriod struct {
	*period.Period

	State    string `json:"state"`
	Restated int    `json:"restated"`
}

func (a *app) periodList() *cobra.Command {
	var tenant string
	c := &cobra.Command{
		Use: "list", Short: "List the periods, who opened and sealed them, and how much was restated since", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.periodConfig()
			if err != nil {
				return err
			}
			periods, err := periodsOf(c.Context(), cfg, tenant)
			if err != nil {
				return err
			}
			rows := make([]listedPeriod, len(periods))
			err = withClickHouse(c.Context(), cfg, func(conn clickhouse.Conn) error {
				for i, p := range periods {
					rows[i] = listedPeriod{Period: p, State: p.State()}
					if p.Sealed == nil {
						continue
					}
					restated, err := listing.RestatedSince(c.Context(), ask.New(conn, tenant, 0), p.Window(), p.Sealed.AsOf)
					if err != nil {
						return err
					}
					rows[i].Restated = len(restated.Rows)
				}
				return nil
			})
			if err != nil {
				return err
			}
			return output.Write(a.writer(), rows, periodColumns())
		},
	}
	c.Flags().StringVar(&tenant, "tenant", "default", "whose")
	a.formatFlag(c)
	return c
}

func periodColumns() []output.Column[listedPeriod] {
	act := func(of func(listedPeriod) *period.Act) func(listedPeriod) string {
		return func(p listedPeriod) string {
			if a := of(p); a != nil {
				return a.By + " at " + a.At.String()
			}
			return ""
		}
	}
	return []output.Column[listedPeriod]{
		{Head: "PERIOD", Cell: func(p listedPeriod) string { return p.ID }},
		{Head: "FROM", Cell: func(p listedPeriod) string { return p.From.String() }},
		{Head: "TO", Cell: func(p listedPeriod) string { return p.To.String() }},
		{Head: "STATE", Cell: func(p listedPeriod) string { return p.State }},
		{Head: "OPENED", Cell: act(func(p listedPeriod) *period.Act { return &p.Opened })},
		{Head: "CLOSED", Cell: act(func(p listedPeriod) *period.Act { return p.Closed })},
		{Head: "SEALED", Cell: act(func(p listedPeriod) *period.Act {
			if p.Sealed == nil {
				return nil
			}
			return &p.Sealed.Act
		})},
		{Head: "RESTATED", Cell: func(p listedPeriod) string { return strconv.Itoa(p.Restated) }},
	}
}
