package sim_test

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/services/evaluator/internal/evaltest"
)

// aim makes what is rare by itself frequent in some seeds. They are thrown apart, so that
// the other seeds go as if there were none.
type aim struct {
	// holes among a hundred rounds: Kafka refuses what a router writes to a partition, and
	// takes what it writes behind it, as the router goes on for a while.
	holes int
	// deadly: of a hundred committed transactions, those that their judge doesn't survive,
	// so that the next one begins between any two records; and of a publisher's polls.
	deadly int
	// crowd among a hundred rounds: a judge is born, or leaves if there are as many as can
	// be, so that partitions are given and taken while judges stand still.
	crowd int
	// late is how many minutes the most delayed events take at the least.
	late int
	// markInterval as in router.Config: a long one leaves many facts between two marks.
	markInterval time.Duration
	// rare: there are waivers, and what a source sends is numbered, or controls change.
	rare bool
	// staged: there are controls that read what others say.
	staged bool
}

func (d dice) aims() aim {
	a := aim{holes: one(d, 0, 0, 0, 10), deadly: one(d, 0, 0, 0, 40), crowd: one(d, 0, 0, 0, 12), markInterval: 500 * time.Millisecond}
	if a.deadly > 0 {
		a.late = 90
	}
	if a.holes+a.deadly > 0 {
		a.markInterval = one(d, 500*time.Millisecond, 4*time.Second)
	}
	a.rare = d.chance(20)
	return a
}

// hole has Kafka refuse what the next router writes to a routed partition.
func (s *sim) hole() {
	s.arm(trouble{name: "hole in routed", fault: kfake.Fault{
		Keys: []kmsg.Key{kmsg.Produce}, Topic: evaltest.Routed, Partitions: []int32{s.Int32N(s.partitions)}, Err: kerr.TopicAuthorizationFailed,
	}})
}

// jostle has the group of judges grow, or shrink when it can't, while one of them sleeps.
func (s *sim) jostle() {
	awake := func() []*instance {
		return slices.DeleteFunc(slices.Clone(s.alive), func(in *instance) bool { return in.kind != judges || in.sleeps(s.rounds) })
	}
	if s.living(judges) < most[judges] {
		s.inject("one judge more")
		s.grow(judges)
	} else if all := awake(); len(all) > 1 {
		s.inject("one judge less")
		one(s.dice, all...).leave()
		s.bury()
	}
	if all := awake(); len(all) > 1 && len(all) == s.living(judges) {
		in := one(s.dice, all...)
		s.tell("%s sleeps", in.name)
		in.until = s.rounds + 30
	}
}
