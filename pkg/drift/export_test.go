package drift

// OnsetOf is onset, for tests.
func OnsetOf(m Measure, cells []Cell) Onset { return onset(m, cells) }
