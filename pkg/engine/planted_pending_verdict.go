//go:build planted_pending_verdict

package engine

const planted = "pending_verdict"
