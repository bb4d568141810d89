package control

import (
	"cmp"
	"regexp"

	"cel.dev/cel-go/common/operators"
)

// What CEL says of a fault names the fault; a hint says what to write instead.

// syntaxError is how CEL's parser begins.
const syntaxError = "Syntax error: "

var (
	undeclaredName = regexp.MustCompile(`^undeclared reference to '([A-Za-z0-9_]+)`)
	unexpected     = regexp.MustCompile(`^` + syntaxError + `(?:(?:mismatched|extraneous) input|token recognition error at:) '(\w+|=~|=)`)
)

// hints are by what CEL says.
var hints = map[string]string{
	"invalid matches argument":  "patterns are those of RE2, which don't look ahead or behind",
	"invalid duration argument": `a duration of CEL has no days, and span("30d") has`,
}

// elsewhere are names and words of other languages.
var elsewhere = map[string]string{
	"and": "write &&", "or": "write ||", "not": "write !", "is": "write ==", "like": `write x.matches("…")`, "=": "write ==", "=~": `write x.matches("…")`,
	"any": "write list.exists(x, …)", "some": "write list.exists(x, …)", "every": "write list.all(x, …)",
	"get": "write x.?name.orValue(…)", "len": "write size(x)", "length": "write size(x)",
	"includes": "write x.contains(…)", "re": `write x.matches("…")`, "regex": `write x.matches("…")`, "search": `write x.matches("…")`,
	"lower": "write x.lowerAscii()", "toLowerCase": "write x.lowerAscii()", "upper": "write x.upperAscii()", "toUpperCase": "write x.upperAscii()",
	"strip": "write x.trim()", "isdigit": `write x.matches("^[0-9]+$")`, "json": "write json(x)",
	"isPrivate": `write ["10.0.0.0/8", …].exists(r, cidr(r).containsIP(x)), with the ranges that you mean`,
	"sets":      "write list.hasAny(…), list.hasAll(…)",
	"now":       "a condition says the same whenever it is computed; between: says until when something has to come",
}

// mismatch is how CEL says that a function or an operator doesn't take what it is given.
var mismatch = regexp.MustCompile(`^found no matching overload for '(.+)' applied to '(.*)'$`)

// faultOf is what CEL says of a fault, operators as they are written, and what to write instead.
func (c *compiler) faultOf(message string) string {
	if m := mismatch.FindStringSubmatch(message); m != nil {
		operator, _ := operators.FindReverse(m[1])
		return cmp.Or(operator, m[1]) + " doesn't go with " + m[2]
	}
	return message + c.hint(message)
}

// hint is what to write instead, if anything is known of a fault.
func (c *compiler) hint(message string) string {
	if text, known := hints[message]; known {
		return "; " + text
	}
	word := ""
	if m := undeclaredName.FindStringSubmatch(message); m != nil {
		word = m[1]
	} else if m := unexpected.FindStringSubmatch(message); m != nil {
		word = m[1]
	}
	switch text, known := elsewhere[word]; {
	case c.later[word]:
		return "; a condition reads expectations that stand before it: move " + word + " up"
	case known:
		return "; " + text
	}
	return ""
}
