//go:build planted_late_beat

package engine

const planted = "late_beat"
