//go:build planted_compensated

package engine

const planted = "compensated"
