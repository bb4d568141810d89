//go:build planted_row_opens

package engine

const planted = "row_opens"
