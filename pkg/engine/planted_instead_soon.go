//go:build planted_instead_soon

package engine

const planted = "instead_soon"
