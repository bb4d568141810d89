//go:build planted_same_forgotten

package engine

const planted = "same_forgotten"
