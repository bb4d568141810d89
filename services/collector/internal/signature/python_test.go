package signature

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// edges are documents that were chosen, not drawn.
func edges() []string {
	return []string{
		`null`, `true`, `false`, `0`, `-0`, `-0.0`, `0.0`, `1.0`, `1e0`, `1E+2`, `10e-1`, `1e15`, `1e16`, `123456789012345678`, `1e22`, `1e23`, `1e-4`,
		`1e-5`, `0.00012`, `9007199254740993.0`, `1e400`, `-1e400`, `1e-400`, `5e-324`, `2.2250738585072014e-308`, `1.7976931348623157e308`,
		`99999999999999999999999999999999999999`, `-99999999999999999999999999999999999999`, strings.Repeat("9", 4300), strings.Repeat("9", 4301),
		"-" + strings.Repeat("9", 4300), `0.1`, `0.30000000000000004`, `100000000000000000000.0`, `1234567890123456.7`, `9999999999999998.0`, `1e-7`,
		`""`, `"\u0000\u001f\u007f\u0080"`, `"\/\"\\\b\f\n\r\t"`, "\"\x7f\u00e9\u4e2d\U0001f600\u2028\ufeff\ufffd\"", `"\uD83D\uDE00\ud83d\ude00"`,
		`"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`, `"\ud83dx\ude00"`, `"\ud83d\u0041"`, `"\uffff\ufffe"`, `"\ud83d\\ude00"`,
		`{}`, `[]`, `{"a":{},"b":[]}`, ` [ 1 , 2 , [ ] , { } ] `, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"b":1,"a":2,"b":{"z":1,"y":2}}`,
		`{"a":{"d":1,"c":{"f":1,"e":2,"f":[3]}},"":0}`, `{"\u0061":1,"a":2,"A":3,"\u00e9":4,"e\u0301":5}`,
		"{\"\\ud83d\\ude00\":1,\"\uffff\":2,\"\\ud800\":3,\"\ue000\":4,\"\\udfff\":5,\"\ud7ff\":6,\"z\":7}", `{"10":1,"9":2,"1":3}`,
		// No JSON, or none that Python reads.
		``, ` `, `{`, `[1,]`, `{"a":1,}`, `01`, `+1`, `.5`, `1.`, `1e`, `--1`, `"`, "\"\t\"", `'a'`, `{a:1}`, `[1]]`, `1 2`, `tru`, `"\x"`, `"\u12"`, `nul`, `{"a"}`,
		strings.Repeat("[", 100) + strings.Repeat("]", 100),
	}
}

// draw makes a document, spelt as nobody would.
func draw(r *rand.Rand, depth int) string {
	kind := r.IntN(9)
	if depth == 0 {
		kind = r.IntN(6)
	}
	switch kind {
	case 0, 1:
		return drawNumber(r)
	case 2, 3:
		return drawText(r)
	case 4:
		return pick(r, "true", "false", "null")
	case 5:
		return drawNumber(r)
	case 6:
		items := make([]string, r.IntN(5))
		for i := range items {
			items[i] = drawSpace(r) + draw(r, depth-1) + drawSpace(r)
		}
		return "[" + strings.Join(items, ",") + "]"
	default:
		items := make([]string, r.IntN(7))
		for i := range items {
			items[i] = drawSpace(r) + drawText(r) + drawSpace(r) + ":" + drawSpace(r) + draw(r, depth-1)
		}
		return "{" + strings.Join(items, ",") + drawSpace(r) + "}"
	}
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func drawSpace(r *rand.Rand) string { return pick(r, "", "", "", " ", "\n\t", "\r\n ") }

func drawNumber(r *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	text := pick(r, "", "", "-") + pick(r, "0", pick(r, "1", "7", "9")+digits(r.IntN(25)))
	if r.IntN(2) == 0 {
		text += "." + digits(1+r.IntN(20))
	}
	if r.IntN(3) == 0 {
		text += pick(r, "e", "E") + pick(r, "", "+", "-") + digits(1+r.IntN(3))
	}
	return text
}

// drawText often draws the same names, so that objects have them twice.
func drawText(r *rand.Rand) string {
	if r.IntN(3) == 0 {
		return pick(r, `"a"`, `"b"`, `"\u0061"`, `"ab"`, `""`)
	}
	var b strings.Builder
	b.WriteByte('"')
	for range r.IntN(6) {
		switch r.IntN(6) {
		case 0:
			b.WriteString(pick(r, `\n`, `\"`, `\\`, `\/`, `\b`, `\f`, `\r`, `\t`))
		case 1:
			fmt.Fprintf(&b, pick(r, `\u%04x`, `\u%04X`), 0xd780+r.IntN(0x900)) // surrogates and their neighbours
		case 2:
			fmt.Fprintf(&b, `\u%04x`, r.IntN(0x10000))
		case 3:
			b.WriteRune(pick(r, 'é', '中', '😀', '\u2028', '\u007f', '\ufffd', '\U0010ffff'))
		default:
			b.WriteByte(pick(r, byte('a'), 'Z', '0', ' ', '~'))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// drawn documents are the same at every run.
func drawn(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]string, n)
	for i := range list {
		list[i] = draw(r, 4)
	}
	return list
}

// refused stands for a document that isn't read.
const refused = "!"

func ours(raw string) string {
	out, err := dumps([]byte(raw))
	if err != nil {
		return refused
	}
	return string(out)
}

const script = `
import base64, json, sys
for line in sys.stdin:
    try:
        print(json.dumps(json.loads(base64.b64decode(line).decode("utf-8")), sort_keys=True))
    except (ValueError, RecursionError):
        print("!")
`

// python asks the real one about many documents at once.
func python(t *testing.T, documents []string) []string {
	t.Helper()
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this machine")
	}
	var in strings.Builder
	for _, d := range documents {
		fmt.Fprintln(&in, base64.StdEncoding.EncodeToString([]byte(d)))
	}
	cmd := exec.CommandContext(t.Context(), path, "-I", "-c", script)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// Python reads the words NaN and Infinity, which are no JSON.
func TestDumpsIsWhatPythonDoes(t *testing.T) {
	documents := slices.Concat(edges(), drawn(20_000))
	want := python(t, documents)
	require.Len(t, want, len(documents))
	told := 0
	for i, d := range documents {
		require.Equal(t, want[i], ours(d), "%q", d)
		if want[i] != refused {
			told++
		}
	}
	require.Greater(t, told, 19_000)
}

// The same without a Python: testdata/python.jsonl has what one wrote.
// UPDATE_GOLDEN writes it anew.
func TestDumpsIsWhatPythonDid(t *testing.T) {
	const file = "testdata/python.jsonl"
	documents := slices.Concat(edges(), drawn(300))
	if os.Getenv("UPDATE_GOLDEN") != "" {
		var b bytes.Buffer
		for i, want := range python(t, documents) {
			line, err := json.Marshal([]string{documents[i], want})
			require.NoError(t, err)
			b.Write(append(line, '\n'))
		}
		require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	}
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var pair [2]string
		require.NoError(t, json.Unmarshal(lines.Bytes(), &pair))
		require.Equal(t, pair[1], ours(pair[0]), "%q", pair[0])
	}
	require.Equal(t, len(documents), n)
}

func TestDumpsRefusesWhatIsNoUTF8(t *testing.T) {
	for _, raw := range []string{"\"\xff\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "\"caf\xe9\""} {
		require.Equal(t, refused, ours(raw), "%q", raw)
	}
}

// Nobody is believed yet when this runs, so work and memory have to be bounded.
func TestDumpsIsBounded(t *testing.T) {
	nested := strings.Repeat(`{"b":`, 5000)
	require.Equal(t, refused, ours(nested))
	require.Equal(t, refused, ours(strings.Repeat("[", maxDepth+1)+strings.Repeat("]", maxDepth+1)))
	require.NotEqual(t, refused, ours(strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth)))
	require.Equal(t, refused, ours("{"+strings.Repeat(`"":0,`, maxMembers)+`"":0}`))

	// As bad as it gets: at each level all of what is below is put in order again.
	inner := `"` + strings.Repeat("x", 1<<20) + `"`
	worst := strings.Repeat(`{"b":`, maxDepth) + inner + strings.Repeat(`,"a":0}`, maxDepth)
	began := time.Now()
	out := ours(worst)
	require.NotEqual(t, refused, out)
	require.Less(t, time.Since(began), 5*time.Second)
	require.Less(t, len(ours("["+strings.Repeat("1e15,", 200_000)+"0]")), 5*200_000*5)
}

// FuzzDumps: nothing panics; the result is a fixed point, except that infinities
// and surrogates of the result aren't JSON to everybody; and it says what encoding/json
// reads, where that can tell.
func FuzzDumps(f *testing.F) {
	for _, d := range slices.Concat(edges(), drawn(50)) {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := dumps(raw)
		if err != nil {
			return
		}
		for _, c := range out {
			require.True(t, c >= ' ' && c <= '~', "%q", out)
		}
		if bytes.Contains(out, []byte("Infinity")) {
			return
		}
		again, err := dumps(out)
		require.NoError(t, err)
		require.Equal(t, string(out), string(again))
		var before, after any
		if json.Unmarshal(raw, &before) != nil {
			return // numbers beyond a float64
		}
		require.NoError(t, json.Unmarshal(out, &after))
		if !bytes.Contains(raw, []byte(`\u`)) { // halves of surrogate pairs make names equal there
			require.Equal(t, before, after)
		}
	})
}

func TestAppendFloatAgreesWithParsing(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		v := r.NormFloat64() * pick(r, 1e-310, 1e-10, 1, 1e10, 1e200)
		got, err := strconv.ParseFloat(string(appendFloat(nil, v)), 64)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(v), math.Float64bits(got))
	}
}
