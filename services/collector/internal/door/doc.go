// Package door is the collector's HTTP side: who may send, how much, and what is
// answered. A request passes it in one direction: key, media type, body within
// limits, envelope, dictionary, Kafka, answer.
package door
