//go:build planted_beats_forgotten

package engine

const planted = "beats_forgotten"
