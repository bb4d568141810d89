// Package peers tests the language against rule languages that others use: MonPoly's
// formulas, Sigma's correlations, Panther's rules. Controls in testdata say what their
// rules say, and the oracle and the engine are held to the verdicts that are published
// beside the rules, and to the formulas' own definition over logs at random. mfotl_*_test.go
// reads a formula, says what it means, and writes it as a control. docs/design/peers.md tells
// what can't be said.
package peers
