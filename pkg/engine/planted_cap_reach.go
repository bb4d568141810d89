//go:build planted_cap_reach

package engine

const planted = "cap_reach"
