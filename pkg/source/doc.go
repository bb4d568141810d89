// Package source turns what vendors send into events: a mapping is data, written in
// CEL in schemas/sources/<vendor>/*.yaml, checked against the dictionary of event
// types when it is loaded, and tested by the examples beside it.
//
// It is pure: a delivery and a mapping give the same events, wherever and whenever.
// Who sent the delivery, and whether it may be believed, is its caller's to know.
package source
