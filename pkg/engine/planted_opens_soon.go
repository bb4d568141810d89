//go:build planted_opens_soon

package engine

const planted = "opens_soon"
