package controltest

import (
	"regexp"
	"strconv"
	"strings"
)

// edit is a text with one place changed.
type edit struct {
	name    string // what was done, in words: "at least is more"
	old     string // what stood there
	at      int    // where in the text, in bytes
	changed string // the whole text
}

// swaps exchange one piece of an expression for another, at each place where it stands
// outside of texts.
var swaps = []struct {
	name    string
	pattern *regexp.Regexp
	to      string
}{
	{"equal is different", regexp.MustCompile(`==`), "!="},
	{"different is equal", regexp.MustCompile(`!=`), "=="},
	{"at least is more", regexp.MustCompile(`>=`), ">"},
	{"at most is less", regexp.MustCompile(`<=`), "<"},
	{"less is at most", regexp.MustCompile(`<\s`), "<= "},
	{"more is at least", regexp.MustCompile(`>\s`), ">= "},
	{"and is or", regexp.MustCompile(`&&`), "||"},
	{"or is and", regexp.MustCompile(`\|\|`), "&&"},
	{"any is all", regexp.MustCompile(`\.exists\(`), ".all("},
	{"all is any", regexp.MustCompile(`\.all\(`), ".exists("},
	{"not is so", regexp.MustCompile(`![a-z(]`), ""},
	{"sum is count", regexp.MustCompile(`^sum\(.*\)$`), "count()"},
	{"least is most", regexp.MustCompile(`^min\(`), "max("},
	{"most is least", regexp.MustCompile(`^max\(`), "min("},
}

// editsOf changes one place of an expression each.
func editsOf(text string) []edit {
	var list []edit
	code := blankTexts(text)
	for _, s := range swaps {
		for _, at := range s.pattern.FindAllStringIndex(code, -1) {
			to, old := s.to, text[at[0]:at[1]]
			if old[0] == '!' && old != "!=" {
				to = old[1:]
			}
			list = append(list, edit{s.name, strings.TrimSpace(old), at[0], text[:at[0]] + to + text[at[1]:]})
		}
	}
	list = append(list, dropOperands(text, code)...)
	list = append(list, dropElements(text, code)...)
	return append(list, otherNumbers(text, code)...)
}

// blankTexts puts spaces for what stands between quotation marks, so that nothing
// there is taken for code.
func blankTexts(text string) string {
	code, quote := []byte(text), byte(0)
	for i := 0; i < len(code); i++ {
		ch := code[i]
		switch {
		case quote == 0 && (ch == '"' || ch == '\''):
			quote = ch
		case quote != 0 && ch == '\\' && i+1 < len(code):
			code[i], code[i+1] = ' ', ' '
			i++
		case ch == quote:
			quote = 0
		case quote != 0:
			code[i] = ' '
		}
	}
	return string(code)
}

// dropOperands leaves out what stands on one side of && or ||.
func dropOperands(text, code string) (list []edit) {
	for _, at := range regexp.MustCompile(`&&|\|\|`).FindAllStringIndex(code, -1) {
		word := map[byte]string{'&': "and", '|': "or"}[code[at[0]]]
		from, to := operandBefore(code, at[0]), operandAfter(code, at[1])
		list = append(list,
			edit{"drop what stands before " + word, strings.TrimSpace(text[from:at[0]]), from, text[:from] + text[at[1]:]},
			edit{"drop what stands after " + word, strings.TrimSpace(text[at[1]:to]), at[0], text[:at[0]] + text[to:]})
	}
	return list
}

// operandBefore is where the operand that ends at `at` begins: behind the bracket, the
// comma or the && or || before it.
func operandBefore(code string, at int) int {
	depth := 0
	for i := at - 1; i >= 0; i-- {
		switch ch := code[i]; {
		case strings.IndexByte(")]}", ch) >= 0:
			depth++
		case strings.IndexByte("([{", ch) >= 0:
			if depth--; depth < 0 {
				return i + 1
			}
		case depth == 0 && strings.IndexByte(",?:&|", ch) >= 0:
			return i + 1
		}
	}
	return 0
}

func operandAfter(code string, at int) int {
	depth := 0
	for i := at; i < len(code); i++ {
		switch ch := code[i]; {
		case strings.IndexByte("([{", ch) >= 0:
			depth++
		case strings.IndexByte(")]}", ch) >= 0:
			if depth--; depth < 0 {
				return i
			}
		case depth == 0 && strings.IndexByte(",?:&|", ch) >= 0:
			return i
		}
	}
	return len(code)
}

// dropElements shortens a list of texts by its last.
func dropElements(text, code string) (list []edit) {
	for _, at := range regexp.MustCompile(`(, *["'] *["'])\]`).FindAllStringSubmatchIndex(code, -1) {
		list = append(list, edit{"a shorter list", text[at[2]:at[3]], at[2], text[:at[2]] + text[at[3]:]})
	}
	return list
}

// otherNumbers counts one more, where a whole number stands by itself.
func otherNumbers(text, code string) (list []edit) {
	for _, at := range regexp.MustCompile(`(?:[=<>*+-] |[\[(,])(\d+)(?:$|[^\w.])`).FindAllStringSubmatchIndex(code, -1) {
		n, err := strconv.ParseInt(text[at[2]:at[3]], 10, 64)
		if err != nil {
			continue
		}
		list = append(list, edit{"one more", text[at[2]:at[3]], at[2], text[:at[2]] + strconv.FormatInt(n+1, 10) + text[at[3]:]})
	}
	return list
}
