//go:build planted_arrival_order

package engine

const planted = "arrival_order"
