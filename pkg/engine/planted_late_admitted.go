//go:build planted_late_admitted

package engine

const planted = "late_admitted"
