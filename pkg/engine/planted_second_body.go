//go:build planted_second_body

package engine

const planted = "second_body"
