//go:build planted_rival_row

package engine

const planted = "rival_row"
