//go:build planted_number_late

package engine

const planted = "number_late"
