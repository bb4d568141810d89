package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/collector"
)

// emitOptions say where a command sends the event that it makes, and with which key.
type emitOptions struct{ collector, keyFile string }

func (o *emitOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.collector, "collector", "", "the collector's `URL`, instead of the configured collector.listen")
	c.Flags().StringVar(&o.keyFile, "key-file", "", "the `file` with the key that the collector knows")
}

// emit sends one event and returns once it is in the log. Its id is made of what it says,
// so that a command that is given again makes no second event.
func (o *emitOptions) emit(ctx context.Context, cfg Config, tenant, source, typ string, at compliance.Instant, data map[string]any) error {
	key, err := o.key(cfg)
	if err != nil {
		return err
	}
	said, err := json.Marshal([]any{tenant, source, typ, data})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	sum := sha256.Sum256(said)
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": hex.EncodeToString(sum[:16]), "source": source, "type": typ, "tenant": tenant,
		"time": at.String(), "datacontenttype": "application/json", "data": data,
	})
	if err != nil {
		return fmt.Errorf("encoding an event: %w", err)
	}
	return post(ctx, o.url(cfg)+"/v1/events", key, body)
}

func (o *emitOptions) url(cfg Config) string {
	if o.collector != "" {
		return strings.TrimSuffix(o.collector, "/")
	}
	if cfg.Collector.CertFile != "" {
		return "https://" + cfg.Collector.Listen
	}
	return "http://" + cfg.Collector.Listen
}

func (o *emitOptions) key(cfg Config) (string, error) {
	if o.keyFile == "" {
		if cfg.Demo {
			return collector.DemoKey, nil
		}
		return "", compliance.Errorf(compliance.Invalid, "with which key? Say --key-file, the file of a key of collector.keys")
	}
	raw, err := os.ReadFile(o.keyFile)
	if err != nil {
		return "", compliance.Errorf(compliance.Invalid, "reading the key: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// post sends a structured CloudEvent; an answer other than yes is told in its own words.
func post(ctx context.Context, url, key string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "the collector's URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/cloudevents+json")
	req.Header.Set("Authorization", "Bearer "+key)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the key goes nowhere else
	resp, err := client.Do(req)
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "sending the event: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	const most = 8 << 10
	answer, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "reading the collector's answer: %w", err)
	}
	if resp.StatusCode == http.StatusAccepted {
		return nil
	}
	var problem struct {
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	_ = json.Unmarshal(answer, &problem) // something else in front of it may have answered
	return compliance.Errorf(refusal(resp.StatusCode), "the collector says %s: %s %s", resp.Status, problem.Title, problem.Detail)
}

func refusal(status int) compliance.Code {
	switch {
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return compliance.Unavailable
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return compliance.Forbidden
	}
	return compliance.Invalid
}
