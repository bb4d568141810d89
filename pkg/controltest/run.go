package controltest

import (
	"fmt"
	"math/rand/v2"

	"assay.example/assay/pkg/controltest/internal/timeline"
)

// run gives what is wrong with the case; nil if nothing is.
func (c *testcase) run(orders int, seed uint64) []string {
	truth := c.ByOracle()
	failures := c.compare(truth)
	for order := range orders {
		found, err := c.ByEngine(rand.New(rand.NewPCG(seed, uint64(order))))
		if err != nil {
			return append(failures, fmt.Sprintf("%s: %s: in order %d of seed %d: %v", c.place(), c.name, order, seed, err))
		}
		if failure := c.differs(order, seed, truth, found); failure != "" {
			return append(failures, failure) // other orders would repeat it
		}
	}
	return failures
}

// differs says where the engine first doesn't say what the oracle says.
func (c *testcase) differs(order int, seed uint64, want, got []timeline.Known) string {
	i, id, differ := timeline.Difference(want, got)
	if !differ {
		return ""
	}
	return fmt.Sprintf("%s: %s: in order %d of seed %d the engine doesn't say what the oracle says, at %s, of %s:\n%s",
		c.place(), c.name, order, seed, c.moment(c.Watermarks[i]), id, diff(c.whole(want[i], id), c.whole(got[i], id)))
}

// whole is all that is known of an item, and when it was.
func (c *testcase) whole(now timeline.Known, id string) []string {
	return append(c.lines(now, id), "time: "+c.moment(now[id].Item.Time))
}
