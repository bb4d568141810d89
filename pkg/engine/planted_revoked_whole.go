//go:build planted_revoked_whole

package engine

const planted = "revoked_whole"
