// Package driver plays a story into a running Assay, as its sources would: it
// posts events to the collector in the order in which they arrive and writes the
// log's clock, so that a quarter passes in a minute. At the end it hands the clock
// to the wall.
//
// With Doors it tells what vendors would tell in each vendor's own words, signed, at
// the vendor's door, and tries forged and replayed deliveries besides. What it sends
// and how it signs is written after the vendors' documentation and shares nothing
// with the collector, so that the two hold each other.
package driver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/story"
	"assay.example/assay/pkg/stream"
)

// Step is how far the story's clock moves at a time. Events must not be further
// ahead of the log's clock than the router believes, which is an hour.
const Step = 50 * time.Minute

// After is how long after the last event the story's clock runs on, so that
// every deadline passes.
const After = 31 * 24 * time.Hour

// Driver plays into one installation.
type Driver struct {
	// Collector is the base URL, Key the API key.
	Collector string
	Key       string
	// Doors has vendors speak for themselves; the collector has the doors that Doors
	// lists, each with DoorSecret.
	Doors      bool
	DoorSecret string
	Kafka      stream.Config
	Log        zerolog.Logger
	// Await blocks until the verdict that a barrier names is published.
	Await func(context.Context, story.Barrier) error
	// Progress hears how many of the emissions are done.
	Progress func(done, total int)
	// Tallies are filled by Play where Doors is set.
	Tallies []Tally
}

// playing is one performance.
type playing struct {
	*Driver
	client     *kgo.Client
	partitions map[string]int32
	poster     interface {
		post(ctx context.Context, emissions []story.Emission) error
	}
	courier *courier // nil without doors
	clock   compliance.Instant
	batch   []story.Emission
	done    int
}

// Play performs the story. It returns when every event was acknowledged and the
// control topic tells the wall's clock to take over.
func (d *Driver) Play(ctx context.Context, s *story.Story) error {
	opts, err := d.Kafka.Options(d.Log)
	if err != nil {
		return err
	}
	// Each step waits for its clock records, so none may linger.
	client, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))...)
	if err != nil {
		return fmt.Errorf("making a Kafka client: %w", err)
	}
	defer client.Close()
	post := newPoster(d.Collector, d.Key)
	p := &playing{Driver: d, client: client, clock: compliance.Ever, poster: post}
	if d.Doors {
		p.courier = newCourier(post, s, d.DoorSecret)
		p.poster = p.courier
	}
	if err := p.findPartitions(ctx); err != nil {
		return err
	}
	if err := p.play(ctx, s); err != nil {
		return err
	}
	if p.courier != nil {
		d.Tallies = p.courier.tally()
	}
	return nil
}

func (p *playing) play(ctx context.Context, s *story.Story) error {
	total := 0
	for range s.Events() {
		total++
	}
	for e := range s.Events() {
		if err := p.perform(ctx, e, total); err != nil {
			return err
		}
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	if p.courier != nil {
		if err := p.courier.replay(ctx); err != nil {
			return err
		}
	}
	return p.finish(ctx)
}

// perform takes one emission up, and moves the clock where it is time.
func (p *playing) perform(ctx context.Context, e story.Emission, total int) error {
	if e.Barrier != nil {
		return p.wait(ctx, e)
	}
	if p.clock == compliance.Ever {
		if err := p.tell(ctx, e.Arrives); err != nil {
			return err
		}
	}
	if e.Arrives.Sub(p.clock) >= Step {
		if err := p.advance(ctx, e.Arrives); err != nil {
			return err
		}
		p.Progress(p.done, total)
	}
	p.batch = append(p.batch, e)
	p.done++
	return nil
}

// advance sends what is collected and moves the clock to just before the next
// arrival, in steps.
func (p *playing) advance(ctx context.Context, to compliance.Instant) error {
	if err := p.flush(ctx); err != nil {
		return err
	}
	return p.tell(ctx, to)
}

// wait performs a barrier: nothing that comes after it may be in the log before
// the verdict it names.
func (p *playing) wait(ctx context.Context, e story.Emission) error {
	if err := p.advance(ctx, max(p.clock, e.Arrives)); err != nil {
		return err
	}
	if err := p.Await(ctx, *e.Barrier); err != nil {
		return fmt.Errorf("waiting for %s of %s to be %s: %w", e.Barrier.Item, e.Barrier.Control, e.Barrier.Outcome, err)
	}
	return nil
}

// finish lets every deadline pass and hands the clock to the wall.
func (p *playing) finish(ctx context.Context) error {
	if err := p.tell(ctx, p.clock.Add(After)); err != nil {
		return err
	}
	value, err := json.Marshal(record.Control{Kind: "clock", Clock: "wall"})
	if err != nil {
		return fmt.Errorf("encoding the handover: %w", err)
	}
	r := &kgo.Record{Topic: p.Kafka.Topic("control"), Key: []byte("clock"), Value: value}
	if err := p.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("handing the clock over: %w", err)
	}
	return nil
}

func (p *playing) flush(ctx context.Context) error {
	events := p.batch
	p.batch = p.batch[:0]
	return p.poster.post(ctx, events)
}

// tell writes the clock to every partition of events.
func (p *playing) tell(ctx context.Context, now compliance.Instant) error {
	p.clock = now
	var clocks []*kgo.Record
	for topic, n := range p.partitions {
		for i := range n {
			clocks = append(clocks, record.EncodeClock(topic, i, now))
		}
	}
	if err := p.client.ProduceSync(ctx, clocks...).FirstErr(); err != nil {
		return fmt.Errorf("writing the clock: %w", err)
	}
	return nil
}

func (p *playing) findPartitions(ctx context.Context) error {
	var topics []string
	for _, name := range stream.EventTopics() {
		topics = append(topics, p.Kafka.Topic(name))
	}
	details, err := kadm.NewClient(p.client).ListTopics(ctx, topics...)
	if err == nil {
		err = details.Error()
	}
	if err != nil {
		return fmt.Errorf("finding the event topics: %w", err)
	}
	p.partitions = map[string]int32{}
	for topic, detail := range details {
		p.partitions[topic] = int32(len(detail.Partitions))
	}
	if len(p.partitions) == 0 {
		return errors.New("finding the event topics: there are none; run assay topics create")
	}
	return nil
}
