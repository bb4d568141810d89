// Package embedded runs Kafka and ClickHouse on one machine without Docker:
// Kafka is franz-go's kfake, kept on disk, in this process; ClickHouse is the
// real one, in a child process.
//
// Both listen on 127.0.0.1 only. ClickHouse speaks HTTP only: garbage on its
// native port can abort an engine that runs in this mode.
//
// The child that holds ClickHouse is this program started again, so MaybeRunEngine
// must be the first call of main and of every TestMain. It lives as long as a
// pipe from the parent stays open: a parent that returns, crashes or is killed
// takes it down in order.
package embedded
