// Package daemon starts and stops the components of one process in order, and
// tells on an admin port how they are.
//
// Components are listed so that each may need those before it: the store before
// the recorder, the recorder before the evaluator, the collector last. Each starts
// when the one before is ready. They stop in the reverse order, so that what
// receives events stops first and what it sends to can still drain. The first
// that ends by itself, with an error or without, stops all others.
package daemon
