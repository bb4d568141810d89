//go:build planted_digest_order

package engine

const planted = "digest_order"
