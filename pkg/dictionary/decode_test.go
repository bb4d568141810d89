package dictionary_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

const login = `{"user_id": "u-1", "system": "billing", "mfa": true, %s}`

// numbers is a type with every kind of number, nested ones too.
func numbers(tb testing.TB) *dictionary.Type {
	tb.Helper()
	return with(tb, `,
		"i": {"type": "integer", "description": "i", "x-unit": "u"},
		"n": {"type": "number", "description": "n", "x-unit": "u"},
		"m": {"type": "object", "description": "m", "properties": {"n": {"type": "number"}, "l": {"type": "array", "items": {"type": "number"}}}}`)
}

// with is a type that has some fields more than k.
func with(tb testing.TB, fields string) *dictionary.Type {
	tb.Helper()
	schema := fmt.Sprintf(good, fields)
	d, err := dictionary.Load(fstest.MapFS{"a.json": {Data: []byte(schema)}})
	require.NoError(tb, err)
	typ, _ := d.Type("a")
	return typ
}

func TestDecodeConvertsNumbersByTheSchema(t *testing.T) {
	data, err := numbers(t).Decode([]byte(`{"k": "é\u00e9\n", "i": 3.0, "n": 2, "m": {"n": 1, "l": [1, 2.5], "free": 1},
		"free": [1, 1e3, 1.5, -0, -0.0, 9223372036854775807, true, null, {"a": "b"}, []]}`))
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"k": "éé\n", "i": int64(3), "n": 2.0,
		"m": map[string]any{"n": 1.0, "l": []any{1.0, 2.5}, "free": int64(1)},
		"free": []any{
			int64(1), int64(1000), 1.5, int64(0), int64(0), int64(9223372036854775807), true, nil,
			map[string]any{"a": "b"},
			[]any{},
		},
	}, data)
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	for name, c := range map[string]struct {
		raw, code, pointer, reason, hint string
	}{
		"nothing":          {``, "malformed", "", "it is empty", "UTF-8"},
		"half":             {`{"user_id": "u`, "malformed", "/user_id", "the JSON ends at byte", ""},
		"no JSON":          {`user_id=1`, "malformed", "", "not JSON at byte 0", ""},
		"a list":           {`[1]`, "malformed", "", "not a JSON object", "as one object"},
		"two objects":      {`{} {}`, "malformed", "", "something follows", "batch"},
		"trailing garbage": {fmt.Sprintf(login, `"x": 1`) + "]", "malformed", "", "something follows", ""},
		"duplicate key":    {fmt.Sprintf(login, `"system": "b"`), "malformed", "/system", "stands twice", "once"},
		"escaped twin":     {fmt.Sprintf(login, `"s\u0079stem": "b"`), "malformed", "/system", "stands twice", ""},
		"latin-1":          {fmt.Sprintf(login, "\"x\": \"caf\xe9\""), "malformed", "/x", "invalid UTF-8", ""},
		"lone surrogate":   {fmt.Sprintf(login, `"x": "\ud800"`), "malformed", "/x", "surrogate", ""},
		"UTF-16":           {"\xff\xfe{\x00", "malformed", "", "not JSON", ""},
		"byte order mark":  {"\xef\xbb\xbf" + fmt.Sprintf(login, `"x": 1`), "malformed", "", "not JSON", ""},
		"NaN":              {fmt.Sprintf(login, `"x": NaN`), "malformed", "/x", "not JSON", ""},
		"deep":             {fmt.Sprintf(login, `"x": `+deep), "too_large", "/x/0", "more than 32 deep", "flatten"},
		"many keys":        {fmt.Sprintf(login, `"x": [`+strings.Repeat("1,", 10_000)+`1]`), "too_large", "/x/", "10000 keys", "digests"},
		"big":              {fmt.Sprintf(login, `"x": "`+strings.Repeat("x", 1<<20)+`"`), "too_large", "", "the limit is 1048576", "digests"},
		"65 bits":          {fmt.Sprintf(login, `"x": 9223372036854775808`), "invalid_data", "/x", "can't be kept exactly", "a string"},
		"inexact":          {fmt.Sprintf(login, `"x": 9007199254740993.0`), "invalid_data", "/x", "can't be kept exactly", ""},
		"huge exponent":    {fmt.Sprintf(login, `"x": 1e999999999`), "invalid_data", "/x", "can't be kept exactly", ""},
		"wrong type":       {`{"user_id": 7, "system": "b", "mfa": true}`, "invalid_data", "/user_id", "it is a number, but must be a string", "Who signed in"},
		"null":             {`{"user_id": null, "system": "b", "mfa": true}`, "invalid_data", "/user_id", "it is null", "leave the field out"},
		"empty":            {`{"user_id": "", "system": "b", "mfa": true}`, "invalid_data", "/user_id", "0 characters; the least is 1", ""},
		"long":             {`{"user_id": "` + strings.Repeat("u", 257) + `", "system": "b", "mfa": true}`, "invalid_data", "/user_id", "257 characters; the most is 256", ""},
		"missing":          {`{"user_id": "u", "system": "b"}`, "invalid_data", "/mfa", "the field is missing", "access.login needs it, a boolean: Whether a second factor"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := typeOf(t, "access.login").Decode([]byte(c.raw))
			refusal, ok := errors.AsType[*dictionary.Refusal](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, c.code, refusal.Code, "%v", err)
			require.True(t, strings.HasPrefix(refusal.Faults[0].Pointer, c.pointer), "%v", err)
			require.Contains(t, refusal.Faults[0].Reason, c.reason)
			require.Contains(t, refusal.Faults[0].Hint, c.hint)
			require.NotEqual(t, compliance.Internal, compliance.CodeOf(err))
			require.Less(t, len(err.Error()), 600)
		})
	}
}

func TestDecodeNamesEveryFault(t *testing.T) {
	_, err := typeOf(t, "deploy.completed").Decode([]byte(`{"deploy_id": "", "change_id": "c", "environment": "Prodution", "author": 1}`))
	require.EqualError(t, err, strings.Join([]string{
		"/author: it is a number, but must be a string (Who wrote the change: the id of the account.)",
		"/commit: the field is missing (deploy.completed needs it, a string: The commit that runs now.)",
		"/component: the field is missing (deploy.completed needs it, a string: What was deployed, as the boundary names it.)",
		"/deploy_id: it has 0 characters; the least is 1 (This deployment; one deployment is one item of a population.)",
		`/environment: "Prodution" is not one of the allowed values (did you mean production? send one of production, staging, development, other)`,
	}, "; "))

	_, err = typeOf(t, "eval.run.completed").Decode([]byte(`{"run_id": "r", "version_hash": "v", "suite": "s", "score_permille": 1001, "cases": -1}`))
	require.ErrorContains(t, err, "/score_permille: it is 1001; the most is 1000")
	require.ErrorContains(t, err, "/cases: it is -1; the least is 0")

	_, err = typeOf(t, "access.reviewed").Decode([]byte(`{"system": "s", "month": "2026-13", "scope": "admin", "reviewer": "u"}`))
	require.ErrorContains(t, err, `/month: "2026-13" does not have the form`)

	_, err = typeOf(t, "access.granted").Decode([]byte(`{"grant_id": "g", "subject": "s", "entitlement_id": "e", "entitlement": "e", "system": "s", "scopes": ["a", 1]}`))
	require.ErrorContains(t, err, "/scopes/1: it is a number, but must be a string")
}

// One field at a time is put at and beyond its limits: the fast check must never
// accept what the validator refuses, and must accept what is common.
func TestTheFastCheckClaimsNoMoreThanTheValidator(t *testing.T) {
	d := load(t)
	values := []any{
		"", "x", "production", "sev1", "2026-07", strings.Repeat("é", 64), strings.Repeat("é", 65), strings.Repeat("é", 256), strings.Repeat("é", 257),
		int64(-1), int64(0), int64(1), int64(1000), int64(1001), int64(604801), int64(1 << 62), 0.5, true, nil,
		[]any{},
		[]any{"a"},
		[]any{""},
		[]any{int64(1)},
		make([]any, 1001),
		map[string]any{},
		map[string]any{"a": int64(1)},
	}
	for _, name := range d.Names() {
		typ, _ := d.Type(name)
		data, err := typ.Decode(examples(t, typ)[0])
		require.NoError(t, err)
		whole := slices.Contains([]string{"access.reviewed", "waiver.approved", "period.opened", "period.sealed"}, name)
		require.Equal(t, !whole, dictionary.Fast(typ, data), "%s: only a pattern, a format or an object's size needs the validator", name)
		for field := range typ.Fields {
			for _, v := range values {
				changed := maps.Clone(data)
				changed[field] = v
				require.True(t, dictionary.Agree(typ, changed), "%s.%s = %v", name, field, v)
			}
			without := maps.Clone(data)
			delete(without, field)
			require.True(t, dictionary.Agree(typ, without), "%s without %s", name, field)
		}
	}
}

// FuzzDecode: nothing panics, and what is accepted survives a round trip.
func FuzzDecode(f *testing.F) {
	d := load(f)
	for _, name := range d.Names() {
		typ, _ := d.Type(name)
		for _, raw := range examples(f, typ) {
			f.Add(name, []byte(raw))
		}
	}
	for _, raw := range []string{
		`{"k":"a","i":1.0,"n":1e20,"m":{"n":1e300,"l":[1]},"x":[1e3,-0.0,1e-7,null,"\u00e9"]}`,
		`{"k":"a","k":"b"}`, `[[[[`, "{\"k\":\"\xff\"}", `{"k":"a","x":1e400}`, `{"k":"a","x":9223372036854775808}`,
	} {
		f.Add("", []byte(raw))
	}
	own := numbers(f)
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		typ, ok := d.Type(name)
		if !ok {
			typ = own
		}
		data, err := typ.Decode(raw)
		key, refused := typ.Check(raw, "/source")
		require.Equal(t, err, refused, "%s", raw)
		if err != nil {
			require.NotEqual(t, compliance.Internal, compliance.CodeOf(err))
			require.Less(t, len(err.Error()), 20_000)
			return
		}
		require.Equal(t, typ.Key(data, "/source"), key, "%s", raw)
		require.True(t, dictionary.Agree(typ, data), "%s", raw)
		again, err := json.Marshal(data)
		require.NoError(t, err)
		if len(again) > dictionary.MaxBytes {
			return // escapes such as < make it longer
		}
		twin, err := typ.Decode(again)
		require.NoError(t, err, "%s", again)
		require.Equal(t, data, twin)
	})
}

// Objects of every shape that the fast way through Check has a rule for.
func TestCheckSaysWhatDecodeSays(t *testing.T) {
	var wide strings.Builder
	for i := range 70 {
		fmt.Fprintf(&wide, `, "zz%d": {"type": "boolean", "description": "d"}`, i)
	}
	types := []*dictionary.Type{numbers(t), typeOf(t, "access.login"), with(t, wide.String())}
	others := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `, "u%d": {"a": [1, null]}`, i)
		}
		return b.String()
	}
	for _, raw := range []string{
		`{"k": "a"}`, `{"k": "\u0061"}`, `{"\u006b": "a"}`, `{"k": "a", "\u006b": "b"}`, `{"k": ""}`, `{"k": 1}`, `{"k": null}`, `{}`, `{"x": 1}`,
		`{"k": "a", "x": 1, "x": 2}`, `{"k": "a"` + others(8) + `}`, `{"k": "a"` + others(9) + `}`, `{"k": "a"` + others(8) + `, "u0": 1}`,
		`{"k": "a", "x": 9223372036854775808}`, `{"k": "a", "i": 2.0}`, `{"k": "a", "i": 2.5}`, `{"k": "a", "i": 1e300}`, `{"k": "a", "m": {"n": 1, "n": 2}}`,
		`{"k": "a", "m": {"n": 1, "l": [1, 2.0]}}`, `{"k": "a", "m": []}`, `{"k": "a"} `, `{"k": "a"} {}`, `{"k": "a",}`, `[]`, `"k"`, ``,
		`{"k": "a", "x": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, `{"zz1": true}`, `{"k": "a", "zz1": true, "zz69": false}`,
		"{\"k\": \"\xff\"}", `{"user_id": "u", "mfa": true}`, `{"user_id": "u", "system": "s", "mfa": "yes"}`,
		`{"user_id": "u", "system": "s", "mfa": true, "factor": "sms", "x": {"y": 1}}`,
		`{"k": "a" "x": 1}`, `{"k" "a"}`, `{"k": "a",, "x": 1}`, `{,"k": "a"}`, `{"k": "a"`, `{"k": "a`, `{"k": "é€😀"}`, "{\"k\": \"a\tb\"}", `{"k": "a", "x": "\"}`,
		`{"k": "a", "x": [1 2]}`, `{"k": "a", "x": [1,]}`, `{"k": "a", "x": [,1]}`, `{"k": "a", "x": [1, [], {}, "b", true, false, null]}`, `{"k": "a", "x": [1}`,
		`{"k": "a", "x": tru}`, `{"k": "a", "x": nulll}`, `{"k": "a", "x": {"a": 1, "a": 2}}`, " \n\t\r{ \"k\" :\n\"a\"\t} \r\n", `{"k": "a"}x`, "{\"k\": \"a\"}\x00",
	} {
		for _, typ := range types {
			data, err := typ.Decode([]byte(raw))
			key, refused := typ.Check([]byte(raw), "/source")
			require.Equal(t, err, refused, "%s: %s", typ.Name, raw)
			if err == nil {
				require.Equal(t, typ.Key(data, "/source"), key, "%s: %s", typ.Name, raw)
			}
		}
	}
}

// Numbers, where each kind of field may hold one.
func TestCheckSaysWhatDecodeSaysOfNumbers(t *testing.T) {
	typ := numbers(t)
	for _, n := range []string{
		"0", "-0", "00", "01", "-01", "-", "", "+1", "1.", ".5", "1.5", "-1.50", "0.0", "1.5.5", "1-1", "1e3", "1E+3", "1e", "2.0", "0.1e-9",
		"999999999999999", "9999999999999999", "-999999999999999.5", "9007199254740993", "9007199254740993.5", "1e400", "1 2",
	} {
		for _, raw := range []string{`{"k": "a", "i": %s}`, `{"k": "a", "n": %s}`, `{"k": "a", "m": {"n": %s}}`, `{"k": "a", "m": {"l": [%s]}}`, `{"k": "a", "x": %s}`} {
			raw = fmt.Sprintf(raw, n)
			_, err := typ.Decode([]byte(raw))
			_, refused := typ.Check([]byte(raw), "/source")
			require.Equal(t, err, refused, "%s", raw)
		}
	}
}

// Every example of every type, with each of its bytes left out or another in its place.
func TestCheckSaysWhatDecodeSaysOfSlips(t *testing.T) {
	d := load(t)
	for _, name := range d.Names() {
		typ, _ := d.Type(name)
		for _, raw := range examples(t, typ) {
			for i := range raw {
				for _, slip := range []string{"", `"`, "\\", "{", "}", ",", "0", "-", "\x80", " "} {
					other := []byte(string(raw[:i]) + slip + string(raw[i+1:]))
					_, err := typ.Decode(other)
					if _, refused := typ.Check(other, "/source"); (err == nil) != (refused == nil) {
						require.Equal(t, err, refused, "%s: %s", name, other)
					}
				}
			}
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"source.heartbeat", "deploy.completed", "model.call.completed"} {
		typ := typeOf(b, name)
		raw := []byte(examples(b, typ)[0])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := typ.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("check/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := typ.Check(raw, "/source"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestParseReadsWhatIsNoEvent(t *testing.T) {
	limits := dictionary.Limits{Bytes: 200, Depth: 3, Keys: 6}
	v, err := dictionary.Parse([]byte(` [{"a": null, "b": 12345678901234567890, "c": 2.0}, "x", null]`), limits)
	require.NoError(t, err)
	require.Equal(t, []any{map[string]any{"b": 12345678901234567890.0, "c": int64(2)}, "x", nil}, v)
	for text, reason := range map[string]string{
		`[[[[1]]]]`:              "more than 3 deep",
		`[1,2,3,4,5,6,7]`:        "more than 6 keys",
		`{"a": 1, "a": 2}`:       "a",
		`{} {}`:                  "something follows",
		strings.Repeat(" ", 201): "the limit is 200",
		"\"\xff\"":               "UTF-8",
		``:                       "",
	} {
		_, err := dictionary.Parse([]byte(text), limits)
		require.ErrorContains(t, err, reason, text)
	}
}
