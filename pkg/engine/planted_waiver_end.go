//go:build planted_waiver_end

package engine

const planted = "waiver_end"
