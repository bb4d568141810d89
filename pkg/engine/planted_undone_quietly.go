//go:build planted_undone_quietly

package engine

const planted = "undone_quietly"
