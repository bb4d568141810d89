//go:build planted_late_join

package engine

const planted = "late_join"
