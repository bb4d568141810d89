package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/workspace"
)

// workspaceOptions are those of every command about workspaces.
type workspaceOptions struct {
	consoleClient

	version uint32
}

func (a *app) workspaceCommand() *cobra.Command {
	o := &workspaceOptions{consoleClient: consoleClient{app: a}}
	c := &cobra.Command{
		Use:   "workspace",
		Short: "Keep what auditors ask for, draw, test and conclude in an engagement, and answer it",
		Long: `The workspace of an engagement holds the words of its auditors, and the entity's
answers. It is theirs: Assay makes none of its results of it. Each change is kept, with
who made it and when; of two changes of the same version the second is refused.

The commands ask the console. Who one is says a token of console.tokens: auditors ask,
draw, test and share; everybody else reads requests and what is shared, and answers.`,
		Args: cobra.NoArgs,
	}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	o.flags(c)
	c.AddCommand(
		o.list(), o.show(), o.export(), o.open(), o.askCommand(), o.answer(), o.state("close", "Close a request", workspace.Closed),
		o.state("reopen", "Open a closed request again", workspace.Open), o.draw(), o.attributes(), o.share(), o.test(),
	)
	return c
}

// command makes one that takes n names.
func (o *workspaceOptions) command(use, short string, n int, run func(context.Context, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(n),
		RunE: func(c *cobra.Command, args []string) error { return run(c.Context(), args) },
	}
}

const workspacesAt = "/api/v1/workspaces"

// of is the address of something in an engagement.
func of(engagement string, segments ...string) string {
	return workspacesAt + at(append([]string{engagement}, segments...)...)
}

func (o *workspaceOptions) list() *cobra.Command {
	c := o.command("list", "List the engagements that have a workspace", 0, func(ctx context.Context, _ []string) error {
		var got struct{ Items []workspace.Engagement }
		if err := o.read(ctx, workspacesAt, &got); err != nil {
			return err
		}
		return output.Write(o.writer(), got.Items, []output.Column[workspace.Engagement]{
			{Head: "ENGAGEMENT", Cell: func(e workspace.Engagement) string { return e.Name }},
			{Head: "FROM", Cell: func(e workspace.Engagement) string { return e.From.String() }},
			{Head: "TO", Cell: func(e workspace.Engagement) string { return e.To.String() }},
			{Head: "OPENED BY", Cell: func(e workspace.Engagement) string { return e.By }},
		})
	})
	o.formatFlag(c)
	return c
}

func (o *workspaceOptions) read(ctx context.Context, address string, into any) error {
	body, err := o.ask(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return compliance.Errorf(compliance.Unavailable, "the console's answer can't be read: %w", err)
	}
	return nil
}

func (o *workspaceOptions) show() *cobra.Command {
	format := formatOf("table", "json")
	c := o.command("show ENGAGEMENT", "Show requests, samples and tests, as far as one may see them", 1, func(ctx context.Context, args []string) error {
		w := &workspace.Workspace{}
		if err := o.read(ctx, of(args[0]), w); err != nil {
			return err
		}
		if format.is == "json" {
			return w.WriteJSON(o.out)
		}
		return w.WriteText(o.writer())
	})
	c.Flags().VarP(&format, "output", "o", "table or json")
	return c
}

func (o *workspaceOptions) export() *cobra.Command {
	format := formatOf("csv", "xlsx", "requests", "json")
	var to string
	c := o.command("export ENGAGEMENT", "Write the testing sheet, or the requests, as a file", 1, func(ctx context.Context, args []string) error {
		name := map[string]string{"csv": "testing.csv", "xlsx": "testing.xlsx", "requests": "requests.csv", "json": "workspace.json"}[format.is]
		body, err := o.ask(ctx, http.MethodGet, at("workspace", args[0], "files", name), nil)
		if err != nil {
			return err
		}
		if to == "" {
			_, err = o.out.Write(body)
			return err
		}
		if err := os.WriteFile(to, body, 0o600); err != nil {
			return compliance.Errorf(compliance.Invalid, "writing %s: %w", to, err)
		}
		return nil
	})
	c.Flags().VarP(&format, "output", "o", "csv or xlsx: the testing sheet; requests: those as CSV; json: all of it")
	c.Flags().StringVar(&to, "file", "", "the `file` to write, instead of stdout")
	return c
}

// keep sends a change and says what was kept.
func (o *workspaceOptions) keep(ctx context.Context, method, address string, body any) error {
	raw, err := o.ask(ctx, method, address, body)
	if err != nil {
		return err
	}
	var kept struct {
		ID      string
		Version uint32
	}
	if err := json.Unmarshal(raw, &kept); err != nil {
		return compliance.Errorf(compliance.Unavailable, "the console's answer can't be read: %w", err)
	}
	_, err = fmt.Fprintf(o.out, "%s version %d\n", kept.ID, kept.Version)
	return err
}

func (o *workspaceOptions) open() *cobra.Command {
	var window periodOptions
	c := o.command("open ENGAGEMENT", "Open the workspace of an engagement, by the name that its letter has", 1, func(ctx context.Context, args []string) error {
		p, err := window.parse()
		if err != nil {
			return err
		}
		return o.keep(ctx, http.MethodPost, workspacesAt, map[string]any{"name": args[0], "from": p.From.String(), "to": p.To.String()})
	})
	window.flags(c)
	return c
}

func (o *workspaceOptions) askCommand() *cobra.Command {
	var r workspace.Request
	c := o.command("ask ENGAGEMENT", "Ask the entity for something", 1, func(ctx context.Context, args []string) error {
		return o.keep(ctx, http.MethodPost, of(args[0], "requests"), map[string]any{"title": r.Title, "text": r.Text, "control": r.Control, "due": r.Due})
	})
	f := c.Flags()
	f.StringVar(&r.Title, "title", "", "what, in a `line`")
	f.StringVar(&r.Text, "text", "", "the same in full")
	f.StringVar(&r.Control, "control", "", "the `id` of the control that it is about")
	f.StringVar(&r.Due, "due", "", "the `day` by which it is needed")
	return c
}

// versionFlag adds --version, the one that was read.
func (o *workspaceOptions) versionFlag(c *cobra.Command) *cobra.Command {
	c.Flags().Uint32Var(&o.version, "version", 0, "the version that was read, so that another's change since is noticed; the latest unless said")
	return c
}

// latest is the version to change: the one that was said, else the one that is there.
func (o *workspaceOptions) latest(ctx context.Context, address string) (uint32, error) {
	if o.version > 0 {
		return o.version, nil
	}
	var mark workspace.Mark
	err := o.read(ctx, address, &mark)
	return mark.Version, err
}

func (o *workspaceOptions) answer() *cobra.Command {
	var text string
	c := o.command("answer ENGAGEMENT REQUEST", "Answer a request, for the entity", 2, func(ctx context.Context, args []string) error {
		address := of(args[0], "requests", args[1])
		version, err := o.latest(ctx, address)
		if err != nil {
			return err
		}
		return o.keep(ctx, http.MethodPut, address+"/answer", workspace.Answer{Version: version, Answer: text})
	})
	c.Flags().StringVar(&text, "text", "", "the answer")
	return o.versionFlag(c)
}

func (o *workspaceOptions) state(use, short string, state workspace.State) *cobra.Command {
	return o.versionFlag(o.command(use+" ENGAGEMENT REQUEST", short, 2, func(ctx context.Context, args []string) error {
		address := of(args[0], "requests", args[1])
		version, err := o.latest(ctx, address)
		if err != nil {
			return err
		}
		return o.keep(ctx, http.MethodPatch, address, workspace.RequestChange{Version: version, State: &state})
	}))
}

func (o *workspaceOptions) draw() *cobra.Command {
	wish := map[string]*string{"control": new(""), "plan": new("chiaro"), "frequency": new(""), "stratum": new(""), "as_of": new("")}
	c := o.command("draw ENGAGEMENT", "Draw a sample as assay sample does, and keep it", 1, func(ctx context.Context, args []string) error {
		body := map[string]string{}
		for name, value := range wish {
			if *value != "" {
				body[name] = *value
			}
		}
		return o.keep(ctx, http.MethodPost, of(args[0], "samples"), body)
	})
	f := c.Flags()
	f.StringVar(wish["control"], "control", "", "the control's `id`")
	f.StringVar(wish["plan"], "plan", "chiaro", "the `name` of a sampling plan that comes with the program")
	f.StringVar(wish["frequency"], "frequency", "", "how `often` the control operates, where its schedule doesn't say")
	f.StringVar(wish["stratum"], "stratum", "", "draw of each `part`: month, member, rule, or a field such as event.component")
	f.StringVar(wish["as_of"], "as-of", "", "draw from what was known at this `time`, instead of now")
	return c
}

func (o *workspaceOptions) attributes() *cobra.Command {
	var said []string
	c := o.command("attributes ENGAGEMENT SAMPLE", "Say what is tested of each item of a sample", 2, func(ctx context.Context, args []string) error {
		all := []workspace.Attribute{}
		for _, text := range said {
			letter, words, _ := strings.Cut(text, " ")
			all = append(all, workspace.Attribute{Letter: letter, Text: words})
		}
		return o.changeSample(ctx, args, &workspace.SampleChange{Attributes: &all})
	})
	c.Flags().StringArrayVar(&said, "attribute", nil, "a capital letter and, after a blank, `words` for it; give it again for each")
	return o.versionFlag(c)
}

func (o *workspaceOptions) share() *cobra.Command {
	return o.versionFlag(o.command("share ENGAGEMENT SAMPLE nothing|items|tests", "Say what the entity may see of a sample", 3, func(ctx context.Context, args []string) error {
		return o.changeSample(ctx, args, &workspace.SampleChange{Share: new(workspace.Share(args[2]))})
	}))
}

func (o *workspaceOptions) changeSample(ctx context.Context, args []string, c *workspace.SampleChange) (err error) {
	address := of(args[0], "samples", args[1])
	if c.Version, err = o.latest(ctx, address); err != nil {
		return err
	}
	return o.keep(ctx, http.MethodPatch, address, c)
}

func (o *workspaceOptions) test() *cobra.Command {
	var change workspace.TestChange
	var result string
	var attributes map[string]string
	c := o.command("test ENGAGEMENT SAMPLE ITEM", "Say how an item was tested, and what was concluded", 3, func(ctx context.Context, args []string) error {
		change.Version, change.Result, change.Attributes = o.version, workspace.Result(result), map[string]workspace.Result{}
		for letter, r := range attributes {
			change.Attributes[letter] = workspace.Result(r)
		}
		address := of(args[0], "samples", args[1])
		if change.Version == 0 {
			var s workspace.Sample
			if err := o.read(ctx, address, &s); err != nil {
				return err
			}
			if it := s.Item(args[2]); it != nil && it.Test != nil {
				change.Version = it.Test.Version
			}
		}
		return o.keep(ctx, http.MethodPut, address+at("items", args[2]), &change)
	})
	f := c.Flags()
	f.StringVar(&result, "result", "open", "the `result` of the item: open, no_exception, exception or not_applicable")
	f.StringToStringVar(&attributes, "attribute", nil, "the result of an attribute, as `A=exception`; give it again for each")
	f.StringVar(&change.Note, "note", "", "what was looked at, and what was found")
	return o.versionFlag(c)
}
