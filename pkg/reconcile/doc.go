// Package reconcile compares the items of a control with a list that somebody else kept:
// an export of the deployment tool, the people of the HR system. What is missing on
// either side is named, by key.
//
// It is the one proof of a population that hangs on no source of ours. It compares; it
// never says which side is right.
package reconcile
