// Package basis is what the console's API and its pages both answer from, so that they
// can't differ in it.
package basis

import (
	"io/fs"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// Basis is the record, and the rules that it is read by.
type Basis struct {
	// Conn reads. It need not be able to write. Writer writes in workspaces, and nothing else.
	Conn   clickhouse.Conn
	Writer clickhouse.Conn
	Bundle *control.Bundle
	// Files is where the bundle was read from, for the words and the text of its controls.
	Files fs.FS
	Types *dictionary.Dictionary
	Log   zerolog.Logger
	Now   func() time.Time
	// Program is the version of the program, Arguments those that named the bundle.
	Program   string
	Arguments []string
	// PublicURL is where the console is reached, for commands to copy and the API's
	// description; the request's own host if it is empty.
	PublicURL string
}
