// Package svg writes what drawings are made of, so that no words can break out of one and
// equal drawings are equal bytes.
package svg

import (
	"html"
	"strconv"
	"strings"
)

// Text is words as they stand in SVG. Characters that XML has not are left out.
func Text(words string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(words, "\uFFFD"))
	return html.EscapeString(clean)
}

// Number is a coordinate, with two digits at most.
func Number(v float64) string {
	s := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// Cut shortens words to as many characters, the end left out.
func Cut(words string, most int) string {
	r := []rune(words)
	if len(r) <= most {
		return words
	}
	return string(r[:most-1]) + "…"
}
