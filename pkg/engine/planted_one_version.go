//go:build planted_one_version

package engine

const planted = "one_version"
