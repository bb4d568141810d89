package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/console"
)

type activateOptions struct {
	*app
	who     person
	bundle  string
	reason  string
	restate bool
	events  string
	tenant  string
	wait    time.Duration
}

func (a *app) activateCommand() *cobra.Command {
	o := activateOptions{app: a}
	c := &cobra.Command{
		Use:   "activate --bundle DIR --reason TEXT",
		Short: "Put another rule set in force while the evaluators run",
		Long: `Propose a rule set to the evaluators that run. The proposal, with the files, who made
it and why, is a record of the control topic. The evaluator that keeps the log's clock
looks at it and refuses what would change verdicts that were given; else each source
gets a marker, and from there on the new rules hold. Nobody has to be restarted.

A change is a new file with an effective_from to come, beside the old file: at least an
hour and some minutes after the log's clock, for events may be an hour early.

With --restate it may reach back. The recorded events are judged by both rule sets, the
verdicts that change go into the proposal, and nothing happens until another person,
an approver, has said assay approve. Then items that are still open are judged by
the new rules, and closed ones get the verdict of the replay as a further revision.

Who one is say console.users and console.tokens.`,
		Example: `  assay activate --bundle controls --secret-file token --reason "half an hour from September on"
  assay activate --bundle controls --restate --reason "the list was wrong" --as ann --secret-file -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&o.bundle, "bundle", "", "the rule set: a `folder`, or builtin")
	f.StringVar(&o.reason, "reason", "", "why, in a `sentence`, for whoever reads it later")
	f.BoolVar(&o.restate, "restate", false, "it may change verdicts that were given; another person approves it")
	f.StringVar(&o.events, "events", "", "with --restate: read events from this `file` of JSON lines instead of ClickHouse")
	f.StringVar(&o.tenant, "tenant", "default", "with --restate: whose items")
	f.DurationVar(&o.wait, "wait", waitForEvaluators, "how long to wait for the evaluators")
	o.who.flags(c)
	return c
}

func (o *activateOptions) run(ctx context.Context) error {
	if o.bundle == "" || o.reason == "" {
		return compliance.Errorf(compliance.Invalid, "say --bundle, the folder of the rules, and --reason, why they change")
	}
	cfg, _, err := o.load("log", "kafka", "console", "clickhouse")
	if err != nil {
		return err
	}
	by, err := o.who.identify(o.app, cfg)
	if err != nil {
		return err
	}
	if !by.MayPropose {
		return compliance.Errorf(compliance.Forbidden, "%s has the role %s, which doesn't change rules", by.Name, by.Role)
	}
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	to, err := loadBundle(o.bundle, types)
	if err != nil {
		return err
	}
	topic, err := o.openControl(ctx, cfg)
	if err != nil {
		return err
	}
	defer topic.client.Close()
	rules, err := topic.rules(ctx)
	if err != nil {
		return err
	}
	proposed, err := o.propose(ctx, by, rules, to, types)
	if err != nil {
		return err
	}
	if err := topic.say(ctx, proposed); err != nil {
		return err
	}
	return o.await(ctx, topic, rules, proposed.Proposal, o.wait)
}

func loadBundle(folder string, types *dictionary.Dictionary) (*control.Bundle, error) {
	if folder == builtIn {
		return control.Load(controls.FS, types)
	}
	b, err := control.Load(os.DirFS(folder), types)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "loading the controls of %s:\n%w", folder, err)
	}
	return b, nil
}

// propose makes the record of the proposal, named by the hash of all that it says.
func (o *activateOptions) propose(ctx context.Context, by console.Person, rules *record.Rules, to *control.Bundle, types *dictionary.Dictionary) (*record.Control, error) {
	if len(rules.InForce()) == 0 {
		return nil, compliance.Errorf(compliance.NotFound, "no rules are in force yet, so there is nothing to change; start an evaluator with these rules")
	}
	from, err := control.Unpack(rules.InForce(), types)
	if err != nil {
		return nil, fmt.Errorf("reading the rules in force: %w", err)
	}
	files, err := to.Pack()
	if err != nil {
		return nil, err
	}
	now := compliance.InstantOf(time.Now())
	p := &record.Control{
		Kind: record.KindProposed, Bundle: to.Hash, Files: files, By: by.Name, At: now, Reason: o.reason, Restates: o.restate,
	}
	if p.Differences, err = json.Marshal(change.Compare(from, to, now)); err != nil {
		return nil, fmt.Errorf("encoding the differences: %w", err)
	}
	if o.restate {
		if err := o.replay(ctx, p, from, to, types); err != nil {
			return nil, err
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encoding the proposal: %w", err)
	}
	p.Proposal = fmt.Sprintf("%x", sha256.Sum256(text))
	return p, nil
}

// mostRestated is how many verdicts a proposal may change: all are in its record.
const mostRestated = 1000

// replayed are the totals of a replay, as a proposal has them.
type replayed struct {
	AsOf    compliance.Instant `json:"as_of"`
	Events  int                `json:"events"`
	Judged  int                `json:"judged"`
	Changed int                `json:"changed"`
	Totals  []change.Total     `json:"totals"`
}

// replay judges the recorded events by both rule sets.
func (o *activateOptions) replay(ctx context.Context, p *record.Control, from, to *control.Bundle, types *dictionary.Dictionary) error {
	r := replayOptions{app: o.app, events: o.events}
	r.change = change.Options{From: from, To: to, Tenant: o.tenant, Limit: mostRestated}
	if err := r.parseTimes(); err != nil {
		return err
	}
	result, err := r.judge(ctx, &listing.Recorded{Types: types, Tenant: o.tenant})
	if err != nil {
		return err
	}
	if result.Changed > mostRestated {
		return compliance.Errorf(compliance.TooLarge, "%d verdicts change, and a proposal holds %d at most; let effective_from be later, or rebuild from the events (docs/design/dataflow.md)", result.Changed, mostRestated)
	}
	for i := range result.Items {
		it := &result.Items[i]
		v := compliance.Verdict{Item: compliance.Item{ID: it.ID, Time: it.Time}, Outcome: compliance.Withdrawn, Due: it.Time}
		if it.Verdict != nil {
			v = *it.Verdict
		}
		p.Restated = append(p.Restated, record.Restated{Tenant: o.tenant, Control: it.Control, Verdict: v})
	}
	p.Replay, err = json.Marshal(replayed{result.AsOf, result.Events, result.Judged(), result.Changed, result.Totals})
	if err != nil {
		return fmt.Errorf("encoding the replay: %w", err)
	}
	return o.showReplay(&r, result)
}

// showReplay shows who proposes what changes.
func (o *activateOptions) showReplay(r *replayOptions, result *change.Result) error {
	shown := *result
	shown.Differences = nil
	return r.writeTable(&shown)
}
