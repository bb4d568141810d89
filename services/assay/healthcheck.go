package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
)

// probeWithin and probeSize bound what a probe takes from the other side.
const (
	probeWithin = 3 * time.Second
	probeSize   = 16 << 10
)

func (a *app) healthcheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the service at admin.listen whether it is ready",
		Long: `Ask the service at admin.listen whether it is ready: exit code 0 if it is, else 4
with what is missing. For containers, whose image has no shell.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("admin")
			if err != nil {
				return err
			}
			addr, err := reachable(cfg.Admin.Listen)
			if err != nil {
				return err
			}
			return probe(c.Context(), "http://"+addr+"/readyz")
		},
	}
}

func probe(ctx context.Context, url string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "making a probe: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "no service answers: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(response.Body, probeSize))
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "reading the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return compliance.Errorf(compliance.Unavailable, "the service is not ready:\n%s", strings.TrimSpace(string(body)))
	}
	return nil
}
