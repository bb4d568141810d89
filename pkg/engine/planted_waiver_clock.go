//go:build planted_waiver_clock

package engine

const planted = "waiver_clock"
