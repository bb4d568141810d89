//go:build planted_history

package engine

const planted = "history"
