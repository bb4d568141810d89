// Package dictionary knows the event types: what each may say, which topic it
// belongs to and which field is its Kafka key.
//
// The types are the JSON Schemas in schemas/events. Decode is the only way from
// an event's bytes to its data: the collector, the evaluator and the tools all
// take the same events and refuse the same events, for the same reasons.
package dictionary
