//go:build planted_hole

package engine

const planted = "hole"
