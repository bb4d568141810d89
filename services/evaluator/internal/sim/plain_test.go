//go:build !synctests

package sim_test

// durable as in durable_test.go.
const durable = false
