package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/output"
)

// stdio is the process as a command sees it: out is for data, err for logs and
// progress.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	env      []string
}

// app is what every command is made with.
type app struct {
	stdio

	configFile string
	set        []string
	format     output.Format
}

// run is the program: what main would be if it could be called by a test.
func run(ctx context.Context, args []string, io stdio) int {
	a := &app{stdio: io, format: output.Table}
	root := a.rootCommand() //nolint:contextcheck // cobra hands ctx to the command that runs
	root.SetArgs(args)
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !started { // cobra's own: a wrong flag, argument or command
		err = &exitError{exitUsage, fmt.Errorf("%w; see assay --help", err)}
	}
	if err != nil {
		_, _ = fmt.Fprintf(a.err, "assay: %v\n", err)
	}
	return exitCode(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "assay",
		Short: "SOC 2 controls for AI vendors, tested continuously",
		Long: `Assay reads events from Kafka, tests every member of each control's population,
and keeps verdicts with their evidence in ClickHouse.

A key of the configuration is taken from --set, else from the environment
(kafka.topicPrefix is ASSAY_KAFKA_TOPIC_PREFIX), else from the file of --config or
ASSAY_CONFIG, else it has its default: see assay config show --origin.

` + exitHelp,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", a.variable("ASSAY_CONFIG"), "the configuration `file`, YAML")
	flags.StringArrayVar(&a.set, "set", nil, "set one `key=value` of the configuration; may be repeated")
	root.AddCommand(
		a.upCommand(),
		a.demoCommand(),
		a.collectorCommand(),
		a.evaluatorCommand(),
		a.recorderCommand(),
		a.notifierCommand(),
		a.notifyCommand(),
		a.consoleCommand(),
		a.hashPasswordCommand(),
		a.tokenCommand(),
		a.lintCommand(),
		a.testCommand(),
		a.schemaCommand(),
		a.diffCommand(),
		a.replayCommand(),
		a.activateCommand(),
		a.approveCommand(),
		a.activationsCommand(),
		a.backupCommand(),
		a.restoreCommand(),
		a.boundaryCommand(),
		a.recountCommand(),
		a.sourceCommand(),
		a.versionCommand(),
		a.configCommand(),
		a.topicsCommand(),
		a.migrateCommand(),
		a.healthcheckCommand(),
		a.reportCommand(),
		a.periodCommand(),
		a.workspaceCommand(),
		a.reconcileCommand(),
		a.completenessCommand(),
		a.coverageCommand(),
		a.sampleCommand(),
		a.driftCommand(),
		a.queryCommand(),
		a.explainCommand(),
	)
	return root
}

// variable is one variable of the environment.
func (a *app) variable(name string) string {
	for _, v := range a.env {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// formatFlag adds -o to a command that writes rows.
func (a *app) formatFlag(c *cobra.Command) {
	c.Flags().VarP(&a.format, "output", "o", "table, json, jsonl or csv")
}

func (a *app) writer() output.Writer {
	return output.Writer{Out: a.out, Format: a.format, Colour: output.Colour(a.out, a.env)}
}
