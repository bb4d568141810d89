//go:build planted_having_once

package engine

const planted = "having_once"
