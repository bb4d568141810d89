// Package control turns control files into checked, compiled controls.
//
// A control has a population, named expectations about evidence in an interval
// around each item, and one assertion over them (docs/design/controls.md). This
// package reads the YAML, refuses what can't be keyed, bounded or replayed with
// file, line and column, compiles every condition to CEL (it is the only user of
// CEL), and says where an event has to go (Bundle.Route). It decides nothing:
// pkg/oracle and pkg/engine do, and share only the conditions compiled here.
package control
