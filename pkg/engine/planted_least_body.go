//go:build planted_least_body

package engine

const planted = "least_body"
