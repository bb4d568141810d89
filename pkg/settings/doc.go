// Package settings reads one strict configuration from four places: flags win
// over the environment, the environment over the file, the file over defaults.
package settings
