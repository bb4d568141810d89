//go:build planted_waiver_drop

package engine

const planted = "waiver_drop"
