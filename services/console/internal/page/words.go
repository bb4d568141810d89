package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
)

// count is a number with its thousands apart.
func count(n any) string {
	s := fmt.Sprint(n)
	digits := strings.TrimPrefix(s, "-")
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return s[:len(s)-len(digits)] + b.String()
}

// moment is a time to the second, in UTC; empty if there is none.
func moment(i compliance.Instant) string {
	switch i {
	case 0:
		return ""
	case compliance.Ever, compliance.Never:
		return i.String()
	}
	return i.Time().Format(time.DateTime)
}

// exact is a time with all its digits; empty if there is none.
func exact(i compliance.Instant) string {
	if i == 0 {
		return ""
	}
	return i.String()
}

// words makes a code readable.
func words(code any) string { return strings.ReplaceAll(fmt.Sprint(code), "_", " ") }

// short is the beginning of a hash.
func short(hash string) string {
	const enough = 12
	if len(hash) > enough {
		return hash[:enough]
	}
	return hash
}

// sentence begins a text with a capital and ends it with a point.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	text = string(unicode.ToUpper(first)) + text[size:]
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// plural is "1 item" or "7 items".
func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

// lasting is a length of time, to two units.
func lasting(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d.Hours())/24, int(d.Hours())%24)
}

// shellWord quotes a word that a shell would take apart.
func shellWord(word string) string {
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("-_./:=,@%+", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// shell is a command line.
func shell(arguments ...string) string {
	quoted := make([]string, len(arguments))
	for i, a := range arguments {
		quoted[i] = shellWord(a)
	}
	return strings.Join(quoted, " ")
}
