// Package stream makes Kafka clients: addresses, TLS, SASL and the topics that
// schemas/topology.yaml describes. It adds neither a consumer group nor a
// producer's options; those are part of each service's guarantees and stand
// beside the loop that needs them.
//
// A topic's record timestamp is set by the broker (LogAppendTime), so that
// "received" is what the log says, whoever wrote the record, and retention counts
// from it: an import of last year's events is not deleted on arrival. The
// embedded broker keeps the producer's time; there both are one machine's clock.
package stream
