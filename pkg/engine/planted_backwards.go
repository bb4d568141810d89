//go:build planted_backwards

package engine

const planted = "backwards"
