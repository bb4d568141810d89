//go:build planted_clock_soon

package engine

const planted = "clock_soon"
