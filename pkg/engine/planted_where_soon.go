//go:build planted_where_soon

package engine

const planted = "where_soon"
