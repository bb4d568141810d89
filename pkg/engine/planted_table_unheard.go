//go:build planted_table_unheard

package engine

const planted = "table_unheard"
