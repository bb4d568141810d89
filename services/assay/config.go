package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/settings"
)

func (a *app) configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check and show the configuration", Args: cobra.NoArgs}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(a.configCheckCommand(), a.configShowCommand())
	return c
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [section]...",
		Short: "Report every fault of the configuration, or of some sections",
		RunE: func(_ *cobra.Command, sections []string) error {
			_, s, err := a.load()
			if err != nil {
				return err
			}
			if err := s.Validate(sections...); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, "ok")
			return err
		},
	}
}

type configShowOptions struct {
	*app
	origin bool
}

func (a *app) configShowCommand() *cobra.Command {
	o := configShowOptions{app: a}
	c := &cobra.Command{
		Use:   "show",
		Short: "List every key with its value; secrets are never shown",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return o.run() },
	}
	c.Flags().BoolVar(&o.origin, "origin", false, "also tell where each value came from")
	a.formatFlag(c)
	return c
}

func (o *configShowOptions) run() error {
	_, s, err := o.load()
	if err != nil {
		return err
	}
	columns := []output.Column[settings.Entry]{
		{Head: "KEY", Cell: func(e settings.Entry) string { return e.Key }},
		{Head: "VALUE", Cell: func(e settings.Entry) string { return e.Value }},
	}
	if o.origin {
		columns = append(columns, output.Column[settings.Entry]{Head: "ORIGIN", Cell: func(e settings.Entry) string { return e.Origin }})
	}
	return output.Write(o.writer(), s.Show(), columns)
}
