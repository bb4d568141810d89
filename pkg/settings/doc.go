// Package settings reads one strict configuration from four places: flags win
// over the environment, the environment over the file, the file over defaults.
//
// A configuration is a plain struct with yaml tags, filled with its defaults. A
// key of the file that the struct doesn't have, a value of another type and a key
// given twice are errors that say file, line and column and the nearest key that
// exists; a misspelt variable or flag likewise. All faults are reported at once.
// Show tells where each value came from, and never what a secret is.
//
// Configuration libraries merge sources into a map first and lose both the line
// and the origin on the way. Here yaml.Node keeps the position, and one walk over
// the struct by reflection does the rest.
package settings
