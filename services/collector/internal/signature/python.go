package signature

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a payload that is written as Python writes it, so that whoever
// isn't believed yet can't make us work. Payloads have some hundred members.
const (
	maxDepth   = 128
	maxMembers = 100_000
	// maxDigits is Python's own: it refuses to read longer whole numbers.
	maxDigits = 4300
)

var (
	errLimit = errors.New("it is nested too deeply, or has too many members")
	errUTF8  = errors.New("it is not UTF-8")
)

// dumps is json.dumps(json.loads(raw), sort_keys=True) of Python: keys sorted by
// code point, the last of equal ones, ", " and ": " between, everything beyond
// printable ASCII as \uxxxx, whole numbers of any size as they are and all others as
// the shortest decimal of a float64.
func dumps(raw []byte) ([]byte, error) {
	if !utf8.Valid(raw) {
		return nil, errUTF8
	}
	d := dumper{
		// What would be refused as invalid UTF-8 now are halves of surrogate pairs,
		// escaped: Python keeps them.
		in:  jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		out: make([]byte, 0, len(raw)+len(raw)/4),
	}
	if err := d.value(); err != nil {
		return nil, err
	}
	if _, err := d.in.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return d.out, nil
}

type dumper struct {
	in  *jsontext.Decoder
	out []byte
	// open holds the members of all objects that are being written.
	open  []member
	total int
	spare []byte
}

// member is one of an object: its name, and where it stands in the output.
type member struct {
	name       string
	start, end int
}

func (d *dumper) value() error {
	switch d.in.PeekKind() {
	case '{':
		return d.object()
	case '[':
		return d.list()
	case '"', '0':
		raw, err := d.in.ReadValue()
		if err != nil {
			return fmt.Errorf("reading a scalar: %w", err)
		}
		if raw[0] == '"' {
			d.out = appendText(d.out, raw)
			return nil
		}
		return d.number(string(raw))
	default:
		tok, err := d.in.ReadToken()
		if err != nil {
			return fmt.Errorf("reading a value: %w", err)
		}
		d.out = append(d.out, tok.String()...) // true, false or null
		return nil
	}
}

func (d *dumper) list() error {
	if err := d.enter(); err != nil {
		return err
	}
	d.out = append(d.out, '[')
	for first := true; d.in.PeekKind() != ']'; first = false {
		if !first {
			d.out = append(d.out, ", "...)
		}
		if err := d.value(); err != nil {
			return err
		}
	}
	d.out = append(d.out, ']')
	return d.leave()
}

func (d *dumper) object() error {
	if err := d.enter(); err != nil {
		return err
	}
	d.out = append(d.out, '{')
	begin, mine := len(d.out), len(d.open)
	sorted := true
	for d.in.PeekKind() != '}' {
		m, err := d.member(len(d.open) > mine)
		if err != nil {
			return err
		}
		sorted = sorted && (len(d.open) == mine || d.open[len(d.open)-1].name < m.name)
		d.open = append(d.open, m)
	}
	if !sorted {
		d.sort(begin, d.open[mine:])
	}
	clear(d.open[mine:])
	d.open = d.open[:mine]
	d.out = append(d.out, '}')
	return d.leave()
}

func (d *dumper) member(follows bool) (member, error) {
	if d.total++; d.total > maxMembers {
		return member{}, errLimit
	}
	if follows {
		d.out = append(d.out, ", "...)
	}
	m := member{start: len(d.out)}
	raw, err := d.in.ReadValue()
	if err != nil || raw[0] != '"' {
		return m, fmt.Errorf("reading a key: %w", err)
	}
	m.name = string(appendPoints(nil, raw))
	d.out = append(appendText(d.out, raw), ": "...)
	err = d.value()
	m.end = len(d.out)
	return m, err
}

// sort writes the members, which stand in the output from begin on, once more, in
// order, and only the last of those with equal names.
func (d *dumper) sort(begin int, members []member) {
	d.spare = append(d.spare[:0], d.out[begin:]...)
	slices.SortStableFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	d.out = d.out[:begin]
	for i, m := range members {
		if i+1 < len(members) && members[i+1].name == m.name {
			continue
		}
		if len(d.out) > begin {
			d.out = append(d.out, ", "...)
		}
		d.out = append(d.out, d.spare[m.start-begin:m.end-begin]...)
	}
}

func (d *dumper) enter() error {
	if d.in.StackDepth() >= maxDepth {
		return errLimit
	}
	if _, err := d.in.ReadToken(); err != nil {
		return fmt.Errorf("reading the beginning of an object or list: %w", err)
	}
	return nil
}

func (d *dumper) leave() error {
	if _, err := d.in.ReadToken(); err != nil {
		return fmt.Errorf("reading the end of an object or list: %w", err)
	}
	return nil
}

func (d *dumper) number(literal string) error {
	if !strings.ContainsAny(literal, ".eE") {
		if len(literal) > maxDigits && len(strings.TrimPrefix(literal, "-")) > maxDigits {
			return errLimit
		}
		if literal == "-0" {
			literal = "0"
		}
		d.out = append(d.out, literal...)
		return nil
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinite, there too
		return fmt.Errorf("reading a number: %w", err)
	}
	d.out = appendFloat(d.out, v)
	return nil
}

// appendFloat is Python's repr: the shortest digits that give v again, with an
// exponent below 1e-4 and from 1e16 on.
func appendFloat(out []byte, v float64) []byte {
	switch size := math.Abs(v); {
	case math.IsInf(v, 1):
		return append(out, "Infinity"...)
	case math.IsInf(v, -1):
		return append(out, "-Infinity"...)
	case size != 0 && (size < 1e-4 || size >= 1e16):
		return strconv.AppendFloat(out, v, 'e', -1, 64)
	}
	begin := len(out)
	out = strconv.AppendFloat(out, v, 'f', -1, 64)
	if !bytes.Contains(out[begin:], []byte{'.'}) {
		out = append(out, ".0"...)
	}
	return out
}

// appendText writes a JSON string, quotes and all, as Python does.
func appendText(out, literal []byte) []byte {
	out = append(out, '"')
	for rest := literal[1 : len(literal)-1]; len(rest) > 0; {
		r, n := point(rest)
		out = appendPoint(out, r)
		rest = rest[n:]
	}
	return append(out, '"')
}

// appendPoints writes what a JSON string says so that bytes sort as code points do,
// halves of surrogate pairs too (WTF-8).
func appendPoints(out, literal []byte) []byte {
	for rest := literal[1 : len(literal)-1]; len(rest) > 0; {
		r, n := point(rest)
		if utf16.IsSurrogate(r) {
			out = append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
		} else {
			out = utf8.AppendRune(out, r)
		}
		rest = rest[n:]
	}
	return out
}

// point reads one code point of a JSON string's inside, which is well-formed.
func point(text []byte) (rune, int) {
	if text[0] != '\\' {
		return utf8.DecodeRune(text)
	}
	if text[1] != 'u' {
		return rune(unescaped(text[1])), 2
	}
	high := unit(text[2:])
	if utf16.IsSurrogate(high) && len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if pair := utf16.DecodeRune(high, unit(text[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return high, 6
}

// unit reads four hex digits.
func unit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16) // the decoder has seen that they are
	return rune(n)
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default: // '"', '\\' and '/'
		return c
	}
}

func appendPoint(out []byte, r rune) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(out, '\\', byte(r))
	case r >= ' ' && r <= '~':
		return append(out, byte(r))
	case r == '\n':
		return append(out, `\n`...)
	case r == '\r':
		return append(out, `\r`...)
	case r == '\t':
		return append(out, `\t`...)
	case r == '\b':
		return append(out, `\b`...)
	case r == '\f':
		return append(out, `\f`...)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(out, high), low)
	}
	return appendUnit(out, r)
}

func appendUnit(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
