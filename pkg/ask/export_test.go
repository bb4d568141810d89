package ask

import (
	"io/fs"
)

// Questions are the SQL files.
func Questions() fs.FS { return questions }

// AsOf says whether a question can be asked as of a time.
func AsOf(name string) error {
	_, err := newQuestion(name, true)
	return err
}
