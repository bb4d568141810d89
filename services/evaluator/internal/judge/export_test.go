package judge

// Points at which tests fail a judge.
const (
	Restoring = string(restoring)
	Produced  = string(produced)
	Committed = string(committed)
)

// At calls f at each point; an error from it ends the judge there and then.
func (c Config) At(f func(point string) error) Config {
	c.at = func(p point) error { return f(string(p)) }
	return c
}
