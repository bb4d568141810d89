package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/story"
	"assay.example/assay/services/assay/internal/driver"
	"assay.example/assay/services/collector"
)

// demoDir is the demonstration's own folder in that of the data.
const demoDir = "demo"

type demoOptions struct {
	*app
	check bool
	small bool
	doors bool
	seed  uint64
	// patience bounds each wait for verdicts.
	patience time.Duration
}

func (a *app) demoCommand() *cobra.Command {
	o := demoOptions{app: a, patience: settledWithin}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Play a quarter of an AI support company, show the report, and stay up",
		Long: `Run everything on this machine, as assay up does, and play 2026-Q3 of
` + story.Company + `, an AI support company: some 150,000 events, through the collector.
What went wrong in that quarter was planted; the result is shown beside it. Then
the demonstration stays up on the wall's clock, so that your own events work at once.

Its folder (embedded.dataDir and /demo) is emptied at each start. With --check it
uses free ports, stops at the end, and exits 0 only if exactly what was planted is
reported, item by item.

With --doors, GitHub, Okta, PagerDuty, PromptLayer and the assistant's OpenTelemetry
exporter tell their parts of the story in payloads of their own, signed, at the
collector's own doors for them, and some that are forged or replayed come besides.
The result must be the same.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().BoolVar(&o.check, "check", false, "compare with what was planted and stop")
	c.Flags().BoolVar(&o.doors, "doors", false, "have vendors tell the story themselves, signed")
	o.storyFlags(c)
	c.AddCommand(a.demoControlsCommand(), a.demoPlayCommand())
	return c
}

func (o *demoOptions) storyFlags(c *cobra.Command) {
	c.Flags().BoolVar(&o.small, "small", false, "a company of a fiftieth of the size")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "the story's `number`")
}

func (o *demoOptions) newStory() *story.Story {
	size := story.Default
	if o.small {
		size = story.Small
	}
	return story.New(story.Options{Seed: o.seed, Size: size})
}

func (o *demoOptions) run(ctx context.Context) error {
	cfg, err := o.config(ctx)
	if err != nil {
		return err
	}
	if o.check {
		defer func() { _ = os.RemoveAll(cfg.Embedded.DataDir) }()
	}
	s := o.newStory()
	if cfg.Controls, err = filepath.Abs(filepath.Join(cfg.Embedded.DataDir, "controls")); err != nil {
		return fmt.Errorf("finding the demonstration's folder: %w", err)
	}
	bundle, err := storyControls(cfg.Controls, s)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	show := &performance{demoOptions: o, story: s, bundle: bundle, began: time.Now(), stop: stop}
	err = o.up(ctx, cfg, bundle, func(running Config) daemon.Component {
		return daemon.Component{Name: "demo", Run: func(ctx context.Context, ready daemon.Ready) error {
			ready("", nil)
			return show.run(ctx, running)
		}}
	})
	return errors.Join(err, show.verdict)
}

// config is the user's, with the demonstration's own folder, clock and secrets.
func (o *demoOptions) config(ctx context.Context) (Config, error) {
	o.set = append([]string{"demo=true", "log.level=warn", "log.format=console", "evaluator.clock=external"}, o.set...)
	cfg, err := o.loadForUp()
	if err != nil {
		return cfg, err
	}
	cfg.Embedded.DataDir = filepath.Join(cfg.Embedded.DataDir, demoDir)
	if o.doors {
		openDoors(&cfg)
	}
	if o.check {
		if cfg.Embedded.DataDir, err = os.MkdirTemp("", "assay-demo-"); err != nil {
			return cfg, fmt.Errorf("making the demonstration's folder: %w", err)
		}
		cfg.Embedded.KafkaPort, cfg.Embedded.ClickHousePort = 0, 0
		cfg.Admin.Listen = ""
		if cfg.Collector.Listen, err = freeAddress(ctx); err != nil {
			return cfg, err
		}
		cfg.Console.Listen = "127.0.0.1:0"
	} else if err := os.RemoveAll(cfg.Embedded.DataDir); err != nil {
		return cfg, fmt.Errorf("emptying the demonstration's folder: %w", err)
	}
	return cfg, nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// performance is one run of the demonstration.
type performance struct {
	*demoOptions
	story   *story.Story
	bundle  *control.Bundle
	began   time.Time
	conn    clickhouse.Conn
	verdict error
	stop    context.CancelFunc
	// collector is the base URL; empty for that of the configuration.
	collector string
	// tallies are what went through the doors.
	tallies []driver.Tally
}

func (p *performance) run(ctx context.Context, cfg Config) (err error) {
	if p.conn, err = clickhouse.Open(ctx, cfg.ClickHouse); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.conn.Close()) }()
	p.say("ready after %s; playing 2026-Q3 of %s", p.elapsed(), story.Company)
	if p.collector == "" {
		p.collector = "http://" + cfg.Collector.Listen
	}
	d := driver.Driver{
		Collector: p.collector, Key: collector.DemoKey, Kafka: cfg.Kafka,
		Log: p.logger(cfg), Await: p.await, Progress: p.progressed(),
		Doors: p.doors, DoorSecret: collector.DemoSourceSecret,
	}
	if err := d.Play(ctx, p.story); err != nil {
		return err
	}
	p.say("played after %s; waiting for the last verdicts", p.elapsed())
	differences, err := p.settle(ctx)
	if err != nil {
		return err
	}
	if p.doors {
		p.tallies = d.Tallies
		more, err := p.checkDoors(ctx)
		if err != nil {
			return err
		}
		differences = append(differences, more...)
	}
	if err := p.show(ctx, cfg, differences); err != nil {
		return err
	}
	if p.check {
		if len(differences) > 0 {
			p.verdict = &exitError{exitUnverified, fmt.Errorf("%d items differ from what was planted", len(differences))}
		}
		p.stop()
	}
	<-ctx.Done()
	return nil
}

func (p *performance) elapsed() time.Duration {
	return time.Since(p.began).Round(100 * time.Millisecond)
}

func (p *performance) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.err, format+"\n", args...)
}

// progressed says every tenth of the story.
func (p *performance) progressed() func(done, total int) {
	next := 10
	return func(done, total int) {
		if percent := done * 100 / max(total, 1); percent >= next {
			p.say("%3d %% of %d events, %s", percent/10*10, total, p.elapsed())
			next = percent/10*10 + 10
		}
	}
}

// settledWithin is how long the last verdicts may take where nothing fails.
const settledWithin = 3 * time.Minute

var outcomeQuery = clickhouse.MustQuery(`SELECT outcome FROM verdicts FINAL
	WHERE tenant = {tenant:String} AND control = {control:String} AND item_id = {item:String}`)

// await polls until the item has the outcome.
func (p *performance) await(ctx context.Context, b story.Barrier) error {
	return p.poll(ctx, p.patience, func() (bool, error) {
		var rows []struct {
			Outcome string `ch:"outcome"`
		}
		err := outcomeQuery.Select(ctx, p.conn, &rows, defaultTenant,
			clickhouse.Named("control", b.Control), clickhouse.Named("item", b.Item))
		return len(rows) == 1 && rows[0].Outcome == string(b.Outcome), err
	})
}

// poll repeats a question until it is answered with yes.
func (p *performance) poll(ctx context.Context, within time.Duration, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := ask()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return compliance.Errorf(compliance.Unavailable, "it did not come within %s", within)
		case <-tick.C:
		}
	}
}
