//go:build planted_forgotten_id

package engine

const planted = "forgotten_id"
