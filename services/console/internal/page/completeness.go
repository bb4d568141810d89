package page

import (
	"fmt"
	"strconv"

	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/completeness"
)

// completenessBody is what is proven of a population, and what isn't.
type completenessBody struct {
	*certificate.Certificate

	When       *when
	Link       string
	Sources    []certifiedSource
	Partitions []readPartition
	Clock      string
	Again      []command
}

// certifiedSource is what came of one source.
type certifiedSource struct {
	completeness.SourceFacts

	Refused, Unmapped int64
	DaysWith          int
}

// readPartition is what was read of one partition.
type readPartition struct{ Name, Offsets, Holes, Events, Clock string }

func completenessPage(v *visit) (*sheet, error) {
	c := v.Bundle.Control(v.request.PathValue("id"))
	if c == nil {
		return nil, errNoControl
	}
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	made, err := certificate.Make(v.ctx(), v.Conn, v.Bundle, certificate.Params{
		Tenant: v.Tenant, Controls: []string{c.ID}, Period: w.Period, Now: v.now, Arguments: v.Arguments,
	})
	if err != nil {
		return nil, err
	}
	b := &completenessBody{Certificate: made, When: w, Link: v.to(path("controls", c.ID), w.Pairs...), Clock: "not on record"}
	if at := made.Facts.Clock.At; at != 0 {
		b.Clock = moment(at)
	}
	b.fill()
	b.Again = []command{{"With Assay", made.Command}}
	if w.Pairs[0] == "period" {
		b.Again = append(b.Again, command{"From the API", v.curl(path("api", "v1", "periods", w.Label, "completeness", c.ID))})
	}
	return &sheet{Template: "completeness", Title: c.ID + " completeness", Body: b}, nil
}

func (b *completenessBody) fill() {
	sum := func(counts []completeness.Tally) (n int64) {
		for _, c := range counts {
			n += c.N
		}
		return n
	}
	for _, s := range b.Facts.Sources {
		row := certifiedSource{SourceFacts: s, Refused: sum(s.Refused), Unmapped: sum(s.Unmapped)}
		for _, d := range s.Days {
			if d.Events > 0 {
				row.DaysWith++
			}
		}
		b.Sources = append(b.Sources, row)
	}
	for _, p := range b.Facts.Partitions {
		row := readPartition{fmt.Sprintf("%s/%d", p.Topic, p.Partition), fmt.Sprintf("%d–%d", p.First, p.End-1), strconv.Itoa(len(p.Holes)), "none", ""}
		if p.FirstEvent >= 0 {
			row.Events = fmt.Sprintf("%d–%d", p.FirstEvent, p.LastEvent)
		}
		if p.Clock != 0 {
			row.Clock = moment(p.Clock)
		}
		b.Partitions = append(b.Partitions, row)
	}
}
