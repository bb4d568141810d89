package report

import (
	"context"
	"encoding/json"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
)

// Happened is what changed in the system during a period, and its incidents.
type Happened struct {
	Activations []Activation  `json:"activations" nullable:"false"`
	Releases    []Release     `json:"releases" nullable:"false"`
	ModelRoutes []ModelChange `json:"model_routes" nullable:"false"`
	Incidents   []Incident    `json:"incidents" nullable:"false"`
}

// Activation is a change of the rules that came into force.
type Activation struct {
	At         compliance.Instant `json:"at"`
	Activation int64              `json:"activation"`
	Bundle     string             `json:"bundle"`
	Proposal   string             `json:"proposal"`
	ProposedBy string             `json:"proposed_by"`
	ApprovedBy string             `json:"approved_by,omitempty"`
	Why        string             `json:"why"`
	// Controls are those whose rules differ. Restates says that it also judged items
	// again that had been judged.
	Controls []string `json:"controls" nullable:"false"`
	Restates bool     `json:"restates"`
}

// Release is how often something was released into an environment.
type Release struct {
	Type        string             `json:"type"`
	Subject     string             `json:"subject"`
	Environment string             `json:"environment"`
	Times       int64              `json:"times"`
	Authors     int64              `json:"authors"`
	First       compliance.Instant `json:"first"`
	Last        compliance.Instant `json:"last"`
}

// ModelChange is a change of the model that serves an application.
type ModelChange struct {
	At          compliance.Instant `json:"at"`
	App         string             `json:"app"`
	Environment string             `json:"environment"`
	Provider    string             `json:"provider"`
	Model       string             `json:"model"`
	Author      string             `json:"author"`
	Change      string             `json:"change_id"`
	// The event's place in the log.
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// Incident is one that was opened in the period; times that aren't on record are zero.
type Incident struct {
	ID       string             `json:"id"`
	Severity string             `json:"severity"`
	Service  string             `json:"service"`
	Title    string             `json:"title,omitempty"`
	At       compliance.Instant `json:"at"`
	// Acknowledged is when a person took it on first.
	Acknowledged compliance.Instant `json:"acknowledged,omitzero"`
	Resolved     compliance.Instant `json:"resolved,omitzero"`
}

// after is how long after the start something was; false if that isn't on record.
func after(start, end compliance.Instant) (ask.Duration, bool) {
	return ask.Duration(end.Sub(start)), start != 0 && end != 0
}

// askChanges asks for all of it.
func askChanges(ctx context.Context, a *ask.Inquiry, p ask.Period, into *Happened) (err error) {
	if into.Activations, err = askActivations(ctx, a, p); err != nil {
		return err
	}
	if into.Releases, err = askReleases(ctx, a, p); err != nil {
		return err
	}
	if into.ModelRoutes, err = askModelRoutes(ctx, a, p); err != nil {
		return err
	}
	into.Incidents, err = askIncidents(ctx, a, p)
	return err
}

func askActivations(ctx context.Context, a *ask.Inquiry, p ask.Period) ([]Activation, error) {
	type row struct {
		Proposal   string    `ch:"proposal"`
		Bundle     string    `ch:"bundle"`
		Activation int64     `ch:"activation"`
		ProposedBy string    `ch:"proposed_by"`
		Why        string    `ch:"why"`
		ApprovedBy string    `ch:"approved_by"`
		Changed    []string  `ch:"changed"`
		Restates   bool      `ch:"is_restating"`
		At         time.Time `ch:"in_force_at"`
	}
	return told(ctx, a, "activations", p, func(r *row) Activation {
		return Activation{ask.Instant(r.At), r.Activation, r.Bundle, r.Proposal, r.ProposedBy, r.ApprovedBy, r.Why, r.Changed, r.Restates}
	})
}

func askReleases(ctx context.Context, a *ask.Inquiry, p ask.Period) ([]Release, error) {
	type row struct {
		Type        string    `ch:"type"`
		Subject     string    `ch:"subject"`
		Environment string    `ch:"environment"`
		Times       int64     `ch:"times"`
		Authors     int64     `ch:"authors"`
		First       time.Time `ch:"first"`
		Last        time.Time `ch:"last"`
	}
	return told(ctx, a, "releases", p, func(r *row) Release {
		return Release{r.Type, r.Subject, r.Environment, r.Times, r.Authors, ask.Instant(r.First), ask.Instant(r.Last)}
	})
}

func askModelRoutes(ctx context.Context, a *ask.Inquiry, p ask.Period) ([]ModelChange, error) {
	type row struct {
		Source    string    `ch:"source"`
		ID        string    `ch:"id"`
		Time      time.Time `ch:"time"`
		Body      string    `ch:"body"`
		Topic     string    `ch:"topic"`
		Partition int32     `ch:"partition"`
		Offset    int64     `ch:"offset"`
	}
	return told(ctx, a, "model_routes", p, func(r *row) ModelChange {
		c := ModelChange{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
		_ = json.Unmarshal([]byte(r.Body), &c) // what isn't there is told as nothing
		c.At, c.Topic, c.Partition, c.Offset = ask.Instant(r.Time), r.Topic, r.Partition, r.Offset
		return c
	})
}

func askIncidents(ctx context.Context, a *ask.Inquiry, p ask.Period) ([]Incident, error) {
	type row struct {
		ID           string    `ch:"incident"`
		Severity     string    `ch:"severity"`
		Service      string    `ch:"service"`
		Title        string    `ch:"title"`
		At           time.Time `ch:"at"`
		Acknowledged time.Time `ch:"acknowledged"`
		Resolved     time.Time `ch:"resolved"`
	}
	return told(ctx, a, "incidents", p, func(r *row) Incident {
		return Incident{r.ID, r.Severity, r.Service, r.Title, ask.Instant(r.At), ask.Instant(r.Acknowledged), ask.Instant(r.Resolved)}
	})
}

// told asks a question about a period, and says each row in the report's words.
func told[Row, Said any](ctx context.Context, a *ask.Inquiry, name string, p ask.Period, say func(*Row) Said) ([]Said, error) {
	rows, err := ask.Rows[Row](ctx, a, name, ask.Window(p.From, p.To)...)
	if err != nil {
		return nil, err
	}
	said := make([]Said, len(rows))
	for i := range rows {
		said[i] = say(&rows[i])
	}
	return said, nil
}
