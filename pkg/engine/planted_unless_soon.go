//go:build planted_unless_soon

package engine

const planted = "unless_soon"
