// Package probe lets a test stop, delay or fail a part of the evaluator at named
// places between two steps of its protocol. A part without a hook goes past them
// at the price of a comparison with nil.
package probe

// Point names a place between two steps.
type Point string

// Hook is called at each point that a part comes to, by the part's own goroutine.
// An error ends the part there and then, with nothing tidied up that a kill would
// leave; a hook that doesn't return holds the part there.
type Hook func(Point) error

// At calls the hook, if there is one.
func (h Hook) At(p Point) error {
	if h == nil {
		return nil
	}
	return h(p)
}
