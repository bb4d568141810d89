//go:build planted_unread_counts

package engine

const planted = "unread_counts"
