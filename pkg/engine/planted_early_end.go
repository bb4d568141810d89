//go:build planted_early_end

package engine

const planted = "early_end"
