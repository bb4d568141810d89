//go:build planted_part_kept

package engine

const planted = "part_kept"
