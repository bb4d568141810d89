// Package compliance is the domain: events, items, evidence, verdicts and the
// words that the rest of the system uses for them.
//
// It imports the standard library only, reads no clock and does no I/O, so that
// rules, reports and wire formats can all be tested without a server.
package compliance
