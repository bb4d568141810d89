//go:build planted_closed_early

package engine

const planted = "closed_early"
