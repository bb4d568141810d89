// Package document reads YAML files that people write, strictly: every fault of a
// file is told at once, each with its line and column, and an unknown key with the
// nearest known one.
package document
