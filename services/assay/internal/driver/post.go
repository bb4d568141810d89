package driver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"assay.example/assay/pkg/story"
)

// maxBatch is how many events go into one request.
const maxBatch = 500

// poster sends CloudEvents in batches.
type poster struct {
	url, key string
	client   *http.Client
}

func newPoster(base, key string) *poster {
	return &poster{url: base + "/v1/events", key: key, client: &http.Client{Timeout: time.Minute}}
}

// cloudEvent is one event in structured mode.
type cloudEvent struct {
	SpecVersion string         `json:"specversion"`
	ID          string         `json:"id"`
	Source      string         `json:"source"`
	Type        string         `json:"type"`
	Time        string         `json:"time"`
	Sequence    string         `json:"sequence,omitempty"`
	ContentType string         `json:"datacontenttype"`
	Data        map[string]any `json:"data"`
}

// post sends the emissions in order; it returns when all are acknowledged.
func (p *poster) post(ctx context.Context, emissions []story.Emission) error {
	for len(emissions) > 0 {
		n := min(len(emissions), maxBatch)
		batch := make([]cloudEvent, 0, n)
		for _, e := range emissions[:n] {
			batch = append(batch, encode(e))
		}
		body, err := json.Marshal(batch)
		if err != nil {
			return fmt.Errorf("encoding a batch: %w", err)
		}
		if err := p.send(ctx, body); err != nil {
			return err
		}
		emissions = emissions[n:]
	}
	return nil
}

func encode(e story.Emission) cloudEvent {
	ev := cloudEvent{
		SpecVersion: "1.0", ID: e.Event.ID, Source: e.Event.Source, Type: e.Event.Type,
		Time: e.Event.Time.String(), ContentType: "application/json", Data: e.Event.Data,
	}
	if ev.Data == nil {
		ev.Data = map[string]any{}
	}
	if e.Event.Sequence > 0 {
		ev.Sequence = strconv.FormatUint(e.Event.Sequence, 10)
	}
	return ev
}

// send repeats a request that the collector asks to repeat, which is safe: events
// are known by source and id.
func (p *poster) send(ctx context.Context, body []byte) error {
	for {
		status, wait, answer, err := p.once(ctx, body)
		switch {
		case err != nil:
			return fmt.Errorf("posting events: %w", err)
		case status < 300:
			return nil
		case status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
			return fmt.Errorf("posting events: the collector says %d: %s", status, answer)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (p *poster) once(ctx context.Context, body []byte) (status int, wait time.Duration, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return 0, 0, "", err
	}
	req.Header.Set("Content-Type", "application/cloudevents-batch+json")
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode, time.Duration(max(seconds, 1)) * time.Second, string(text), err
}
