//go:build planted_any_sender

package engine

const planted = "any_sender"
