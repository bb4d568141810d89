//go:build planted_open_end

package engine

const planted = "open_end"
