//go:build planted_lost_revision

package engine

const planted = "lost_revision"
