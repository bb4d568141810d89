//go:build planted_first_verdict

package engine

const planted = "first_verdict"
