package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
)

// consoleClient asks the console, as whoever a token stands for. So what a role may do, and
// the record of what auditors read, hold for a command as for a page.
type consoleClient struct {
	*app
	url, secret, tenant string
}

func (o *consoleClient) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&o.url, "console", "", "the console's `URL`, instead of the configured console.publicURL or console.listen")
	f.StringVar(&o.secret, "secret-file", "", "the `file` with the token of console.tokens that says who one is; - is stdin")
	f.StringVar(&o.tenant, "tenant", "", "whose workspace; the first of one's own unless said")
}

// base is where the console is.
func (o *consoleClient) base() (string, error) {
	if o.url != "" {
		return strings.TrimSuffix(o.url, "/"), nil
	}
	cfg, _, err := o.load()
	switch {
	case err != nil:
		return "", err
	case cfg.Console.PublicURL != "":
		return strings.TrimSuffix(cfg.Console.PublicURL, "/"), nil
	case cfg.Console.CertFile != "":
		return "https://" + cfg.Console.Listen, nil
	}
	return "http://" + cfg.Console.Listen, nil
}

func (o *consoleClient) token() (string, error) {
	if o.secret == "" {
		return "", compliance.Errorf(compliance.Invalid, "say who you are: --secret-file with a token of console.tokens")
	}
	return o.readSecret(o.secret)
}

// at is an address of segments, each escaped.
func at(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// ask sends a request, with a body if there is one, and is what came back.
func (o *consoleClient) ask(ctx context.Context, method, address string, body any) ([]byte, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("encoding what is sent: %w", err)
		}
		content = bytes.NewReader(raw)
	}
	base, err := o.base()
	if err != nil {
		return nil, err
	}
	token, err := o.token()
	if err != nil {
		return nil, err
	}
	if o.tenant != "" {
		address += "?" + url.Values{"tenant": {o.tenant}}.Encode()
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+address, content)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "the console's URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	return answered(req)
}

// answered is the body of an answer; one other than yes is told in its own words.
func answered(req *http.Request) ([]byte, error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the token goes nowhere else
	resp, err := client.Do(req)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking the console: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	const most = 64 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "reading the console's answer: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return body, nil
	}
	var problem struct {
		Detail string `json:"detail"`
		Errors []struct {
			Message  string `json:"message"`
			Location string `json:"location"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &problem) // something else in front of it may have answered
	for _, e := range problem.Errors {
		problem.Detail += "; " + e.Location + ": " + e.Message
	}
	return nil, compliance.Errorf(refusal(resp.StatusCode), "the console says %s: %s", resp.Status, problem.Detail)
}
