package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/console"
)

// controlTopic reads and writes what the control topic says of rule sets.
type controlTopic struct {
	client *kgo.Client
	name   string
}

// maxControl is the largest record of the control topic that is written.
const maxControl = 1 << 20

func (a *app) openControl(ctx context.Context, cfg Config) (*controlTopic, error) {
	opts, err := cfg.Kafka.Options(a.logger(cfg))
	if err != nil {
		return nil, err
	}
	name := cfg.Kafka.Topic("control")
	client, err := kgo.NewClient(append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{name: {0: kgo.NewOffset().AtStart()}}),
		kgo.ProducerBatchMaxBytes(stream.MaxMessageBytes))...)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "making a Kafka client: %w", err)
	}
	if err := stream.Ping(ctx, client, answerWithin); err != nil {
		client.Close()
		return nil, err
	}
	return &controlTopic{client, name}, nil
}

// follow hands what the topic says to visit, up to its end and then as it grows, until
// visit is satisfied at an end or ctx is over. It begins at the topic's beginning once.
func (t *controlTopic) follow(ctx context.Context, rules *record.Rules, satisfied func() bool) error {
	ends, err := kadm.NewClient(t.client).ListEndOffsets(ctx, t.name)
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "reading %s: %w", t.name, err)
	}
	end, ok := ends.Lookup(t.name, 0)
	if !ok || end.Err != nil {
		return compliance.Errorf(compliance.NotFound, "there is no topic %s; make the topics with assay topics create", t.name)
	}
	next := int64(0)
	for next < end.Offset || !satisfied() {
		fetches := t.client.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := fetches.Err(); err != nil {
			return compliance.Errorf(compliance.Unavailable, "reading %s: %w", t.name, err)
		}
		for r := range fetches.RecordsAll() {
			next = r.Offset + 1
			var c record.Control
			if json.Unmarshal(r.Value, &c) == nil { // what is none is left out by everybody
				rules.Take(&c)
			}
		}
	}
	return nil
}

func (t *controlTopic) rules(ctx context.Context) (*record.Rules, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	rules := &record.Rules{}
	return rules, t.follow(ctx, rules, func() bool { return true })
}

// say writes a record.
func (t *controlTopic) say(ctx context.Context, c *record.Control) error {
	value, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encoding a control record: %w", err)
	}
	if len(value) > maxControl {
		return compliance.Errorf(compliance.TooLarge, "the record of the change takes %d bytes, more than %d; restate less at once, or start the evaluators with the rules", len(value), maxControl)
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := t.client.ProduceSync(ctx, &kgo.Record{Topic: t.name, Key: []byte(c.Kind), Value: value}).FirstErr(); err != nil {
		return compliance.Errorf(compliance.Unavailable, "writing to %s: %w", t.name, err)
	}
	return nil
}

// person is who runs a command, as console.users or console.tokens know them.
type person struct{ as, secret string }

func (p *person) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.secret, "secret-file", "", "the `file` with the token of console.tokens that says who one is, or with the password of --as; - is stdin")
	c.Flags().StringVar(&p.as, "as", "", "the `user` of console.users that one is")
}

func (p *person) identify(a *app, cfg Config) (console.Person, error) {
	if p.secret == "" {
		return console.Person{}, compliance.Errorf(compliance.Invalid, "say who you are: --secret-file with a token of console.tokens, or --as and --secret-file with the password")
	}
	secret, err := a.readSecret(p.secret)
	if err != nil {
		return console.Person{}, err
	}
	return cfg.Console.Identify(p.as, secret, time.Now())
}

// readSecret reads a token or password from a file, or from stdin for -.
func (a *app) readSecret(file string) (string, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(a.in, maxSecret))
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return "", compliance.Errorf(compliance.Invalid, "reading the token or password: %w", err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// maxSecret is more than a token or password has.
const maxSecret = 1 << 12

// await says what becomes of a change, for as long as somebody waits.
func (a *app) await(ctx context.Context, topic *controlTopic, rules *record.Rules, proposal string, wait time.Duration) error {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var c *record.RuleChange
	err := topic.follow(waiting, rules, func() bool {
		c = rules.Find(proposal)
		return c != nil && (c.Refused != nil || c.Activated != nil || c.Proposed.Restates && c.Approved == nil)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case waiting.Err() != nil:
		_, _ = fmt.Fprintf(a.err, "The change %s is in the log, and no evaluator has answered within %s; it is carried out once one runs.\n", brief(proposal), wait)
		return nil
	case err != nil:
		return err
	case c.Refused != nil:
		return &exitError{exitUsage, fmt.Errorf("the change %s was refused: %s", brief(proposal), c.Refused.Reason)}
	case c.Activated != nil:
		_, err = fmt.Fprintf(a.out, "Activation %d of the rules, bundle %s, is in force from its marker in each of %d sources on.\n",
			c.Activation, brief(c.Proposed.Bundle), len(c.Activated.Markers))
		return err
	}
	_, err = fmt.Fprintf(a.out, "Proposed as %s. It may change verdicts that were given, so somebody else looks at it and says: assay approve %s\n", brief(proposal), brief(proposal))
	return err
}

// brief is the beginning of a hash, which tells it from the others.
func brief(hash string) string { return hash[:min(len(hash), 12)] }

func (a *app) approveCommand() *cobra.Command {
	var who person
	var wait time.Duration
	c := &cobra.Command{
		Use:   "approve PROPOSAL",
		Short: "Approve a change of rules that restates, as a second person",
		Long: `Approve a change that was proposed with assay activate --restate. Look at it first
with assay activations: what differs, and which verdicts change. Who approves has the
role approver and isn't who proposed it. Then the evaluators change the rules; the
verdicts that change get further revisions.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.approve(c.Context(), &who, args[0], wait) },
	}
	who.flags(c)
	c.Flags().DurationVar(&wait, "wait", waitForEvaluators, "how long to wait for the evaluators")
	return c
}

// waitForEvaluators is how long a command waits for its change to be carried out.
const waitForEvaluators = 30 * time.Second

func (a *app) approve(ctx context.Context, who *person, proposal string, wait time.Duration) error {
	cfg, _, err := a.load("log", "kafka", "console")
	if err != nil {
		return err
	}
	by, err := who.identify(a, cfg)
	if err != nil {
		return err
	}
	if !by.MayApprove {
		return compliance.Errorf(compliance.Forbidden, "%s has the role %s; changes are approved by an approver", by.Name, by.Role)
	}
	topic, err := a.openControl(ctx, cfg)
	if err != nil {
		return err
	}
	defer topic.client.Close()
	rules, err := topic.rules(ctx)
	if err != nil {
		return err
	}
	change, err := findChange(rules, proposal)
	if err != nil {
		return err
	}
	if err := mayApprove(by, change); err != nil {
		return err
	}
	id := change.Proposed.Proposal
	if err := topic.say(ctx, &record.Control{Kind: record.KindApproved, Proposal: id, By: by.Name, At: compliance.InstantOf(time.Now())}); err != nil {
		return err
	}
	// the word is in the log before anybody waits for what follows
	return a.await(ctx, topic, rules, id, wait)
}

func mayApprove(by console.Person, change *record.RuleChange) error {
	switch {
	case by.Name == change.Proposed.By:
		return compliance.Errorf(compliance.Forbidden, "%s proposed this change; somebody else approves it", by.Name)
	case change.Refused != nil || change.Approved != nil || !change.Proposed.Restates:
		return compliance.Errorf(compliance.Conflict, "the change %s is %s; there is nothing to approve", brief(change.Proposed.Proposal), change.State())
	}
	return nil
}

// findChange finds a change by the beginning of its name.
func findChange(rules *record.Rules, beginning string) (found *record.RuleChange, err error) {
	for _, c := range rules.Changes {
		if beginning != "" && strings.HasPrefix(c.Proposed.Proposal, beginning) {
			if found != nil {
				return nil, compliance.Errorf(compliance.Invalid, "several changes begin with %s; say more of it", beginning)
			}
			found = c
		}
	}
	if found == nil {
		return nil, compliance.Errorf(compliance.NotFound, "no change begins with %q; see assay activations", beginning)
	}
	return found, nil
}

// activationRow is a change of rules as assay activations lists it.
type activationRow struct {
	Proposal    string             `json:"proposal"`
	State       string             `json:"state"`
	Activation  int                `json:"activation,omitempty"`
	Bundle      string             `json:"bundle"`
	Restates    bool               `json:"restates"`
	ProposedBy  string             `json:"proposed_by"`
	ProposedAt  compliance.Instant `json:"proposed_at,omitzero"`
	Reason      string             `json:"reason,omitempty"`
	ApprovedBy  string             `json:"approved_by,omitempty"`
	ApprovedAt  compliance.Instant `json:"approved_at,omitzero"`
	Refused     string             `json:"refused,omitempty"`
	Watermark   compliance.Instant `json:"watermark,omitzero"`
	Markers     map[string]int64   `json:"markers,omitempty"`
	Differences json.RawMessage    `json:"differences,omitempty"`
	Replay      json.RawMessage    `json:"replay,omitempty"`
	Restated    []record.Restated  `json:"restated,omitempty"`
}

func (a *app) activationsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "activations",
		Short: "List the changes of rules: what was proposed, approved, refused and activated",
		Long: `Each line is a change of the rules on the running system, as the control topic has it:
who proposed it and why, who approved it, and what became of it. With -o json it has
in what the rules differ, what a replay found, and at which offset of each source the
rules change.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.activations(c.Context()) },
	}
	a.formatFlag(c)
	return c
}

func (a *app) activations(ctx context.Context) error {
	cfg, _, err := a.load("log", "kafka")
	if err != nil {
		return err
	}
	topic, err := a.openControl(ctx, cfg)
	if err != nil {
		return err
	}
	defer topic.client.Close()
	rules, err := topic.rules(ctx)
	if err != nil {
		return err
	}
	rows := []activationRow{}
	for _, c := range rules.Changes {
		rows = append(rows, activationRowOf(c))
	}
	return output.Write(a.writer(), rows, []output.Column[activationRow]{
		{Head: "PROPOSAL", Cell: func(r activationRow) string { return brief(r.Proposal) }},
		{Head: "STATE", Cell: func(r activationRow) string { return r.State }},
		{Head: "N", Cell: func(r activationRow) string { return numberOrNone(r.Activation) }},
		{Head: "BUNDLE", Cell: func(r activationRow) string { return brief(r.Bundle) }},
		{Head: "PROPOSED", Cell: func(r activationRow) string { return r.ProposedBy }},
		{Head: "APPROVED", Cell: func(r activationRow) string { return r.ApprovedBy }},
		{Head: "WATERMARK", Cell: func(r activationRow) string { return instantOrNone(r.Watermark) }},
		{Head: "REASON", Cell: func(r activationRow) string { return r.Reason + r.Refused }},
	})
}

func numberOrNone(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func instantOrNone(at compliance.Instant) string {
	if at == 0 {
		return ""
	}
	return at.String()
}

func activationRowOf(c *record.RuleChange) activationRow {
	p := c.Proposed
	r := activationRow{
		Proposal: p.Proposal, State: c.State(), Activation: c.Activation, Bundle: p.Bundle, Restates: p.Restates,
		ProposedBy: p.By, ProposedAt: p.At, Reason: p.Reason, Differences: p.Differences, Replay: p.Replay, Restated: p.Restated,
	}
	if c.Approved != nil {
		r.ApprovedBy, r.ApprovedAt = c.Approved.By, c.Approved.At
	}
	if c.Refused != nil {
		r.Refused = c.Refused.Reason
	}
	if c.Activated != nil {
		r.Watermark, r.Markers = c.Activated.Watermark, c.Activated.Markers
	}
	return r
}
