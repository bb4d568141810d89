//go:build planted_spare_kept

package engine

const planted = "spare_kept"
