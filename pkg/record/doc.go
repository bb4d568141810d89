// Package record is the bridge between the domain and Kafka records: headers,
// keys and values of every topic that somebody outside one service reads.
//
// Events travel in CloudEvents 1.0 binary mode: attributes in ce_* headers, the
// data as the value. Everything else is JSON with documented fields.
package record
