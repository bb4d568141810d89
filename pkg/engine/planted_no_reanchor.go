//go:build planted_no_reanchor

package engine

const planted = "no_reanchor"
