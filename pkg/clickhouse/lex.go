package clickhouse

import (
	"strings"
	"unicode"
)

// kind says what a token of SQL is, as far as this package needs to know.
type kind int

const (
	other   kind = iota // one byte of punctuation or an operator
	word                // an identifier, keyword or number
	quoted              // 'string', "identifier", `identifier` or $tag$ text $tag$
	comment             // to the line's end, or between /* and */
	space
	placeholder // {name:Type}
)

// token is a slice of the text that it came from; all tokens make the text.
type token struct {
	kind kind
	text string
}

// lex cuts SQL the way ClickHouse's own lexer does, without judging it: what is
// left open at the end is one token up to the end.
func lex(sql string) []token {
	var tokens []token
	for len(sql) > 0 {
		k, n := next(sql)
		tokens = append(tokens, token{k, sql[:n]})
		sql = sql[n:]
	}
	return tokens
}

func next(s string) (kind, int) {
	if rest := strings.TrimLeftFunc(s, unicode.IsSpace); len(rest) < len(s) {
		return space, len(s) - len(rest)
	}
	switch c := s[0]; {
	case c == '\'' || c == '"' || c == '`':
		return quoted, quotedEnd(s)
	case c == '$':
		return heredoc(s)
	case strings.HasPrefix(s, "--"), strings.HasPrefix(s, "#!"), strings.HasPrefix(s, "# "):
		return comment, through(s, 0, "\n")
	case strings.HasPrefix(s, "/*"):
		return comment, through(s, 2, "*/")
	case c == '{':
		return brace(s)
	case isWord(c):
		return word, span(s, isWord)
	default:
		return other, 1
	}
}

func span(s string, in func(byte) bool) int {
	for i := range len(s) {
		if !in(s[i]) {
			return i
		}
	}
	return len(s)
}

// through is the index after the first end at or after from.
func through(s string, from int, end string) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// quotedEnd knows backslashes and doubled quotes.
func quotedEnd(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			if i+1 >= len(s) || s[i+1] != quote {
				return i + 1
			}
			i++
		}
	}
	return len(s)
}

// heredoc reads $tag$ text $tag$; a lone $ is punctuation.
func heredoc(s string) (kind, int) {
	n := 1 + span(s[1:], isWord)
	if n == len(s) || s[n] != '$' {
		return other, 1
	}
	tag := s[:n+1]
	return quoted, through(s, len(tag), tag)
}

// brace reads {name:Type}; any other brace is punctuation.
func brace(s string) (kind, int) {
	n := 1 + span(s[1:], isWord)
	end := strings.IndexByte(s, '}')
	if n == 1 || n == len(s) || s[n] != ':' || end < n {
		return other, 1
	}
	return placeholder, end + 1
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// Split cuts a script into its statements at each semicolon that stands in no
// string, identifier, heredoc or comment. Statements keep their inner comments;
// what holds nothing but comments is dropped. INSERT with inline data after
// FORMAT isn't supported.
func Split(script string) []string {
	var (
		statements []string
		current    strings.Builder
		content    bool
	)
	flush := func() {
		if content {
			statements = append(statements, strings.TrimSpace(current.String()))
		}
		current.Reset()
		content = false
	}
	for _, t := range lex(script) {
		if t.kind == other && t.text == ";" {
			flush()
			continue
		}
		leading := !content && (t.kind == space || t.kind == comment)
		content = content || t.kind != space && t.kind != comment
		if !leading {
			current.WriteString(t.text)
		}
	}
	flush()
	return statements
}
