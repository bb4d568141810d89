//go:build planted_silence

package engine

const planted = "silence"
