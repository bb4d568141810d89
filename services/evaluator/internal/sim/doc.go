// Package sim plays the evaluator's life from a seed: the product's router, judge
// and publisher on a Kafka in memory and in virtual time, moved step by step by
// one hand, failed at named points, and held to the oracle afterwards.
//
// It holds tests only. docs/design/simulation.md says what a seed does, what is
// compared, and what this can't find.
package sim
