//go:build planted_table_of_item

package engine

const planted = "table_of_item"
