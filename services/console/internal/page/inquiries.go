package page

import (
	"context"
	"maps"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/ask/flows"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// inquiry is a question that the pages are made from, asked by itself.
type inquiry struct {
	// says what it answers.
	says  string
	needs access.Action
	// unbound says that it knows no window, so that bound viewers may not ask it.
	unbound bool
	// takes are its parameters, other than the tenant.
	takes []string
	ask   func(context.Context, *visit, *wish) (*grid, error)
	// cli and api are how else to ask it; either may be nil.
	cli func(*visit, *wish) string
	api func(*visit, *wish) string
}

// wish is what an inquiry is asked with.
type wish struct {
	listing.Filter

	period ask.Period
	spot   spot
}

// window are the parameters of a time.
var window = []string{"from", "to"}

// windowed are a window and other parameters.
func windowed(others ...string) []string { return append(append([]string{}, window...), others...) }

// gridded makes the rows of an answer into a table, those that may be seen.
func gridded[Row any](got ask.Answer[Row], err error, sees func(*Row) bool) (*grid, error) {
	if err != nil {
		return nil, err
	}
	g := &grid{made: got.Made}
	for i := range got.Rows {
		if sees != nil && !sees(&got.Rows[i]) {
			continue
		}
		g.add(&got.Rows[i])
	}
	return g, nil
}

// ofPage is gridded for a list.
func ofPage[Row any](l *listing.Pages[Row]) func(context.Context, *visit, *wish) (*grid, error) {
	return func(ctx context.Context, v *visit, w *wish) (*grid, error) {
		got, _, err := l.Page(ctx, v.asker, w.Filter, listing.Page{})
		return gridded(got, err, nil)
	}
}

// inquiries are all of them, by the name of their SQL file.
func inquiries() map[string]inquiry {
	all := map[string]inquiry{}
	for _, some := range []map[string]inquiry{countInquiries(), listInquiries(), placeInquiries(), sourceInquiries()} {
		maps.Copy(all, some)
	}
	return all
}

func countInquiries() map[string]inquiry {
	return map[string]inquiry{
		"day_counts": {
			says: "how many items each control has on each day, by what is said of them", needs: access.ReadControls, takes: windowed("control"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.DayCounts(ctx, v.asker, w.Control, w.period)
				return gridded(got, err, nil)
			},
			cli: func(v *visit, w *wish) string {
				return shell(append(append([]string{"assay", "report"}, flagsOf(w.period)...), v.common()...)...)
			},
			api: func(v *visit, w *wish) string {
				if w.Control == "" {
					return ""
				}
				return v.curl(path("api", "v1", "controls", w.Control, "days"), pairsOf(w.period)...)
			},
		},
		"rule_changes": {
			says: "which changes of the rules concerned a control, and who proposed and approved them", needs: access.ReadItems, takes: []string{"control"},
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.RuleChanges(ctx, v.asker, w.Control)
				return gridded(got, err, nil)
			},
		},
		"control_rules": {
			says: "by which versions of its rule a control's items were judged", needs: access.ReadItems, takes: windowed("control"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.ControlRules(ctx, v.asker, w.Control, w.period)
				return gridded(got, err, nil)
			},
		},
		"data_flows": {
			says: "who called what with which class of data, by day", needs: access.ReadReports, takes: window,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := flows.Seen(ctx, v.asker, w.period)
				return gridded(got, err, nil)
			},
			cli: func(v *visit, w *wish) string {
				return shell(append(append([]string{"assay", "boundary"}, flagsOf(w.period)...), v.common()...)...)
			},
		},
		"quarters": {
			says: "which quarters have items on record", needs: access.ReadControls, unbound: true,
			ask: func(ctx context.Context, v *visit, _ *wish) (*grid, error) {
				got, err := listing.Quarters(ctx, v.asker)
				return gridded(got, err, nil)
			},
		},
		"extent": {
			says: "how much is on record, and how far it reaches", needs: access.ReadControls, unbound: true,
			ask: func(ctx context.Context, v *visit, _ *wish) (*grid, error) {
				got, err := listing.Extent(ctx, v.asker)
				return gridded(got, err, nil)
			},
			api: func(v *visit, _ *wish) string { return v.curl("/api/v1/health") },
		},
		"changes": {
			says: "what became known of items, the latest first", needs: access.ReadItems, unbound: true, takes: windowed("limit"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.Changes(ctx, v.asker, w.From, w.To, w.Limit)
				return gridded(got, err, nil)
			},
		},
		"change_counts": {
			says: "how many changes of each kind became known", needs: access.ReadItems, unbound: true, takes: window,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.CountChanges(ctx, v.asker, w.From, w.To)
				return gridded(got, err, nil)
			},
		},
	}
}

func listInquiries() map[string]inquiry {
	query := func(of string, flags func(*wish) []string) func(*visit, *wish) string {
		return func(v *visit, w *wish) string {
			return shell(append(append(append([]string{"assay", "query", of}, flags(w)...), flagsOf(w.period)...), "--tenant", v.Tenant)...)
		}
	}
	curl := func(of string, pairs func(*wish) []string) func(*visit, *wish) string {
		return func(v *visit, w *wish) string {
			return v.curl("/api/v1/"+of, append(pairs(w), pairsOf(w.period)...)...)
		}
	}
	verdicts := func(w *wish) []string {
		return []string{"control", w.Control, "outcome", w.Outcome, "reason", w.Reason}
	}
	events := func(w *wish) []string { return []string{"type", w.Type, "source", w.Source, "id", w.ID} }
	refused := func(w *wish) []string { return []string{"type", w.Type, "source", w.Source, "code", w.Code} }
	told := func(w *wish) []string {
		return []string{"control", w.Control, "target", w.Target, "outcome", w.Outcome}
	}
	conflicts := func(w *wish) []string { return []string{"type", w.Type, "source", w.Source} }
	return map[string]inquiry{
		"page_items": {
			says: "what controls say of their items", needs: access.ReadItems, takes: windowed("control", "outcome", "reason", "limit"),
			ask: ofPage(listing.ItemPages()), cli: query("verdicts", flagged(verdicts)), api: curl("items", verdicts),
		},
		"page_events": {
			says: "events as they stand in the log", needs: access.ReadEvents, takes: windowed("type", "prefix", "source", "id", "limit"),
			ask: ofPage(listing.EventPages()), cli: query("events", flagged(events)), api: curl("events", events),
		},
		"page_rejected": {
			says: "what came and was no event", needs: access.ReadRefused, takes: windowed("type", "prefix", "source", "code", "limit"),
			ask: ofPage(listing.RejectedPages()), cli: query("rejected", flagged(refused)), api: curl("rejected", refused),
		},
		"page_conflicts": {
			says: "events that came with more than one body", needs: access.ReadRefused, takes: windowed("type", "prefix", "source", "limit"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.Conflicts(ctx, v.asker, w.Filter)
				return gridded(got, err, nil)
			},
			cli: query("conflicts", flagged(conflicts)), api: curl("conflicts", conflicts),
		},
		"query_quarantined": {
			says: "events that came later than their control corrects", needs: access.ReadRefused, takes: windowed("limit"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.Quarantined(ctx, v.asker, w.period, w.Limit)
				return gridded(got, err, nil)
			},
		},
		"page_violations": {
			says: "violations as they were published", needs: access.ReadItems, takes: []string{"from", "to", "control", "item", "outcome", "limit"},
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.Violations(ctx, v.asker, w.Filter)
				return gridded(got, err, func(x *listing.Violation) bool { return v.Sees(x.Item.Time) })
			},
			cli: query("violations", flagged(func(w *wish) []string {
				return []string{"control", w.Control, "item", w.Item, "outcome", w.Outcome}
			})),
			api: curl("violations", func(w *wish) []string {
				return []string{"control", w.Control, "item", w.Item, "outcome", w.Outcome}
			}),
		},
		"deliveries_before": {
			says: "attempts to tell somebody of violations, the latest first", needs: access.ReadDeliveries,
			takes: windowed("control", "target", "outcome", "limit", "before_at", "before_id"),
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.DeliveriesBefore(ctx, v.asker, w.Filter, listing.Place{})
				return gridded(got, err, nil)
			},
			api: curl("deliveries", told),
		},
		"delivery_counts": {
			says: "what became of the attempts to tell each target", needs: access.ReadDeliveries, takes: window,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.DeliveryCounts(ctx, v.asker, w.From, w.To)
				return gridded(got, err, nil)
			},
		},
	}
}

// flagged makes parameters in pairs into flags.
func flagged(pairs func(*wish) []string) func(*wish) []string {
	return func(w *wish) (flags []string) {
		p := pairs(w)
		for i := 0; i+1 < len(p); i += 2 {
			if p[i+1] != "" {
				flags = append(flags, "--"+p[i], p[i+1])
			}
		}
		return flags
	}
}

func placeInquiries() map[string]inquiry {
	place := []string{"topic", "partition", "offset", "limit"}
	return map[string]inquiry{
		"event_at": {
			says: "the event at one place in the log", needs: access.ReadEvents, takes: place[:3],
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := v.stored(ctx, w.spot)
				return gridded(got, err, nil)
			},
		},
		"resting_on": {
			says: "which verdicts name the event at one place as evidence", needs: access.ReadItems, takes: place,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				if _, err := v.stored(ctx, w.spot); err != nil {
					return nil, err
				}
				got, err := listing.RestingOn(ctx, v.asker, w.spot.topic, w.spot.partition, w.spot.offset, w.Limit)
				return gridded(got, err, func(x *listing.Verdict) bool { return v.Sees(x.Item.Time) })
			},
		},
		"delivery_behind": {
			says: "what a vendor sent that the event at one place was made from", needs: access.ReadEvents, takes: place,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				if _, err := v.stored(ctx, w.spot); err != nil {
					return nil, err
				}
				got, err := listing.DeliveryBehind(ctx, v.asker, w.spot.topic, w.spot.partition, w.spot.offset, w.Limit)
				return gridded(got, err, nil)
			},
		},
		"history": {
			says: "everything that was ever said about one item", needs: access.ReadItems, takes: []string{"control", "item"},
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.History(ctx, v.asker, w.Control, w.Item)
				if err == nil && (len(got.Rows) == 0 || !v.Sees(got.Rows[len(got.Rows)-1].Item.Time)) {
					err = errNoItem
				}
				return gridded(got, err, nil)
			},
			cli: func(v *visit, w *wish) string {
				return shell(append([]string{"assay", "explain", w.Control + "/" + w.Item}, v.common()...)...)
			},
			api: func(v *visit, w *wish) string { return v.curl(path("api", "v1", "items", w.Control, w.Item)) },
		},
		"item_deliveries": {
			says: "attempts to tell somebody of one item", needs: access.ReadDeliveries, takes: []string{"control", "item", "limit"},
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := listing.ItemDeliveries(ctx, v.asker, w.Control, w.Item, w.Limit)
				return gridded(got, err, nil)
			},
		},
	}
}

func sourceInquiries() map[string]inquiry {
	ofSources := func(v *visit, w *wish) string { return v.curl("/api/v1/sources", pairsOf(w.period)...) }
	ofCoverage := func(v *visit, w *wish) string { return v.curl("/api/v1/coverage", pairsOf(w.period)...) }
	covered := func(v *visit, w *wish) string { return v.coverageCommand(w.period) }
	return map[string]inquiry{
		"source_days": {
			says: "what each source sent on each day", needs: access.ReadSources, takes: window, api: ofSources,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := sources.Days(ctx, v.asker, w.period)
				return gridded(got, err, nil)
			},
		},
		"coverage_days": {
			says: "what each source sent on each day, and how late it came", needs: access.ReadSources, takes: window, cli: covered, api: ofCoverage,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := coverage.Days(ctx, v.asker, w.period)
				return gridded(got, err, nil)
			},
		},
		"coverage_trouble": {
			says: "what of each source and day could not be used", needs: access.ReadSources, takes: window, cli: covered, api: ofCoverage,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := coverage.Troubles(ctx, v.asker, w.period)
				return gridded(got, err, nil)
			},
		},
		"trouble_by_source": {
			says: "what came of each source and could not be used", needs: access.ReadSources, takes: window,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := sources.TroubleBySource(ctx, v.asker, w.period)
				return gridded(got, err, nil)
			},
		},
		"last_heard": {
			says: "when each source was last heard", needs: access.ReadSources, unbound: true, api: ofSources,
			ask: func(ctx context.Context, v *visit, _ *wish) (*grid, error) {
				got, err := sources.LastHeard(ctx, v.asker)
				return gridded(got, err, nil)
			},
		},
		"holes": {
			says: "where numbers of events are missing, of sources that count", needs: access.ReadSources, takes: window, api: ofSources,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				got, err := sources.Holes(ctx, v.asker, v.Bundle.Sources, w.period)
				return gridded(got, err, nil)
			},
		},
		"signs_of_life": {
			says: "where declared sources were silent for longer than they may be", needs: access.ReadSources, takes: window, api: ofSources,
			ask: func(ctx context.Context, v *visit, w *wish) (*grid, error) {
				lives, m, err := sources.Lives(ctx, v.asker, v.Bundle.Sources, w.period)
				if err != nil {
					return nil, err
				}
				g := &grid{made: m}
				for _, s := range v.Bundle.Sources {
					for _, gap := range lives[s.Name].Gaps {
						g.add(&struct {
							Source           string
							From, To, MaxGap string
						}{s.Name, exact(gap.From), exact(gap.To), s.MaxGap.String()})
					}
				}
				return g, nil
			},
		},
	}
}

var errUnbound = compliance.Errorf(compliance.Forbidden, "this question is about all of time, and you may see some periods only")
