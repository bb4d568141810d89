package report

import "io/fs"

// Questions are the SQL files.
func Questions() fs.FS { return questions }
