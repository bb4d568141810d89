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

// poster sends requests to the collector.
type poster struct {
	base, key string
	client    *http.Client
}

func newPoster(base, key string) *poster {
	// Each of the story's sources sends by itself, and all to one host.
	transport := &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	return &poster{base: base, key: key, client: &http.Client{Timeout: time.Minute, Transport: transport}}
}

// request is one that may be sent again as it is.
type request struct {
	path   string
	header http.Header
	body   []byte
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

// post sends the emissions as CloudEvents, in order; it returns when all are
// acknowledged.
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
		status, answer, err := p.send(ctx, &request{path: "/v1/events", body: body, header: http.Header{
			"Content-Type": {"application/cloudevents-batch+json"}, "Authorization": {"Bearer " + p.key},
		}})
		if err == nil && status >= 300 {
			err = fmt.Errorf("the collector says %d: %s", status, answer)
		}
		if err != nil {
			return fmt.Errorf("posting events: %w", err)
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
func (p *poster) send(ctx context.Context, r *request) (status int, answer []byte, err error) {
	for {
		status, wait, answer, err := p.once(ctx, r)
		if err != nil || status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
			return status, answer, err
		}
		select {
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (p *poster) once(ctx context.Context, r *request) (status int, wait time.Duration, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, 0, nil, err
	}
	req.Header = r.header.Clone()
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, 4096))
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode, time.Duration(max(seconds, 1)) * time.Second, answer, err
}
