// Package ledger turns the records of a topic's partition into the leaves of a
// Merkle tree (RFC 6962). A leaf commits to a record without showing it, in parts
// that can be opened one by one: whose record it is, what it says about itself, its
// key and its body.
//
// The bytes are fixed: docs/formats/leaf.md describes them, and vectors computed by
// another implementation hold them. The package is pure; it reads no clock and does
// no I/O.
package ledger
