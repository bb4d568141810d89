//go:build planted_cancel_soon

package engine

const planted = "cancel_soon"
