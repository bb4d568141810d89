//go:build planted_days_elapsed

package engine

const planted = "days_elapsed"
