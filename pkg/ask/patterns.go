package ask

import "strings"

// Patterns splits types from beginnings of types. Neither list is empty, since an
// empty one has no type of its own in ClickHouse.
func Patterns(types []string) (exact, prefixes []string) {
	exact, prefixes = []string{""}, []string{"\x00"}
	for _, t := range types {
		if prefix, ok := strings.CutSuffix(t, "*"); ok {
			prefixes = append(prefixes, prefix)
		} else {
			exact = append(exact, t)
		}
	}
	return exact, prefixes
}
