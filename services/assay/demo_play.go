package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/story"
)

// demoControlsCommand and demoPlayCommand play the story into services that run
// by themselves, on any Kafka and ClickHouse.
func (a *app) demoControlsCommand() *cobra.Command {
	o := demoOptions{app: a}
	c := &cobra.Command{
		Use:   "controls DIR",
		Short: "Write the library with the story's boundary to a folder, for `controls:` of an evaluator",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return writeControls(args[0], o.newStory())
		},
	}
	o.storyFlags(c)
	return c
}

func writeControls(dir string, s *story.Story) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	if err := os.CopyFS(dir, withoutBoundary{controls.FS}); err != nil {
		return compliance.Errorf(compliance.Conflict, "writing the library to %s: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, control.BoundaryFile), s.Boundary(), 0o600); err != nil {
		return fmt.Errorf("writing the boundary: %w", err)
	}
	return nil
}

// storyControls writes the controls of a story and loads them, as an evaluator does.
func storyControls(dir string, s *story.Story) (*control.Bundle, error) {
	if err := writeControls(dir, s); err != nil {
		return nil, err
	}
	return loadControls(Config{Controls: dir})
}

// withoutBoundary is the library's folder soc2 alone.
type withoutBoundary struct{ fs.ReadDirFS }

// Open hides the library's own boundary.
func (w withoutBoundary) Open(name string) (fs.File, error) {
	if name == control.BoundaryFile {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.ReadDirFS.Open(name)
}

// ReadDir hides it too.
func (w withoutBoundary) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := w.ReadDirFS.ReadDir(name)
	kept := entries[:0:0]
	for _, e := range entries {
		if name != "." || e.Name() != control.BoundaryFile {
			kept = append(kept, e)
		}
	}
	return kept, err
}

func (a *app) demoPlayCommand() *cobra.Command {
	o := demoOptions{app: a}
	var collector string
	c := &cobra.Command{
		Use:   "play",
		Short: "Play the story into services that run by themselves, and compare with what was planted",
		Long: `Play the story through a collector that runs, write its clock to Kafka, and compare
what ClickHouse has in the end with what was planted, item by item. The evaluators
must have started with evaluator.clock external and with the controls that assay
demo controls wrote for the same story.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.play(c.Context(), collector) },
	}
	c.Flags().StringVar(&collector, "collector", "http://127.0.0.1:8081", "the collector's `URL`")
	c.Flags().DurationVar(&o.patience, "settle", settledWithin, "how long to wait for verdicts that do not come")
	o.storyFlags(c)
	return c
}

func (o *demoOptions) play(ctx context.Context, collector string) error {
	cfg, _, err := o.load("log", "kafka", "clickhouse")
	if err != nil {
		return err
	}
	o.check = true
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := o.newStory()
	show := &performance{demoOptions: o, story: s, began: time.Now(), stop: stop, collector: collector}
	dir, err := os.MkdirTemp("", "assay-demo-")
	if err != nil {
		return fmt.Errorf("making a folder for the controls: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if show.bundle, err = storyControls(dir, s); err != nil {
		return err
	}
	if err := show.run(ctx, cfg); err != nil {
		return err
	}
	return show.verdict
}
