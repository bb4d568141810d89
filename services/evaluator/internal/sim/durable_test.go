//go:build synctests

package sim_test

// durable says that the Kafka client's locks are made of channels, so that who waits
// for one doesn't stop virtual time: the client has a build tag for that.
const durable = true
