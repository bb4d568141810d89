//go:build planted_waiver_late

package engine

const planted = "waiver_late"
