//go:build planted_lost_timer

package engine

const planted = "lost_timer"
