package source_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
)

// example is a case's delivery.
type example struct {
	Vendor  string
	Headers map[string]string `yaml:"headers"`
	Payload any               `yaml:"payload"`
}

func examples(tb testing.TB, l *source.Library, files fs.FS) []example {
	tb.Helper()
	var all []example
	for _, vendor := range l.Names() {
		paths, err := fs.Glob(files, vendor+"/*_test.yaml")
		require.NoError(tb, err)
		for _, path := range paths {
			raw, err := fs.ReadFile(files, path)
			require.NoError(tb, err)
			var file struct {
				Cases []example `yaml:"cases"`
			}
			require.NoError(tb, yaml.Unmarshal(raw, &file))
			for _, c := range file.Cases {
				c.Vendor = vendor
				all = append(all, c)
			}
		}
	}
	return all
}

// change replaces, takes away or adds something in a payload, as two bytes say, and
// leaves the payload that it was given alone.
func change(v any, where, what byte) any {
	switch x := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(x))
		if len(keys) == 0 {
			return other(what)
		}
		key := keys[int(where)%len(keys)]
		out := maps.Clone(x)
		switch what % 16 {
		case 0:
			delete(out, key)
		case 1:
			out[key] = x
		case 2, 3, 4, 5:
			out[key] = other(what)
		default:
			out[key] = change(x[key], where*31+what, what*17+3)
		}
		return out
	case []any:
		if len(x) == 0 || what%4 == 0 {
			return other(what)
		}
		out := slices.Clone(x)
		out[int(where)%len(x)] = change(out[int(where)%len(x)], where*31, what*17+1)
		return out
	default:
		return other(what)
	}
}

// other are values that nobody thinks of.
func other(what byte) any {
	values := []any{
		nil, "", int64(0), int64(-1), int64(1 << 62), 1.5, 1e300, true, false,
		[]any{},
		[]any{nil},
		[]any{"x"},
		map[string]any{},
		map[string]any{"id": map[string]any{}, "login": int64(7), "name": []any{}},
		strings.Repeat("é", 300), strings.Repeat("é", 256), strings.Repeat("x", 70_000),
		"0001-01-01T00:00:00Z", "2026-13-45", "a@example.test", "\u0000", "{}", "[", "refs/heads/", "PROD live", "0000000000",
	}
	return values[int(what/2)%len(values)]
}

// FuzzMap: whatever becomes of a payload, nothing panics, each event is one that its
// type takes, and a vendor whose mappings promise it has no faults.
func FuzzMap(f *testing.F) {
	l, files := library(f)
	types, err := dictionary.Default()
	require.NoError(f, err)
	cases := examples(f, l, files)
	require.NotEmpty(f, cases)
	for i := range cases {
		f.Add(uint16(i), []byte{})
		f.Add(uint16(i), []byte{byte(i), 0, byte(i + 1), 4, byte(i + 2), 31})
	}
	f.Fuzz(func(t *testing.T, n uint16, changes []byte) {
		c := cases[int(n)%len(cases)]
		body := c.Payload
		for i := 0; i+1 < min(len(changes), 32); i += 2 {
			body = change(body, changes[i], changes[i+1])
		}
		v, _ := l.Vendor(c.Vendor)
		holdMapped(t, types, v, source.Delivery{Headers: c.Headers, Body: decoded(t, body), Received: firstReceipt})
	})
}

// bends is how often each real payload is bent.
const bends = 8

// No real payload that is bent fails a mapping of a vendor that promises it.
func TestBentPayloads(t *testing.T) {
	l, _ := library(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	found := 0
	for _, f := range realPayloads() {
		if !slices.Contains(unfailing(), f.vendor) {
			continue
		}
		v, _ := l.Vendor(f.vendor)
		for i, p := range f.load(t) {
			found++
			body, err := source.Decode(p.raw)
			require.NoError(t, err)
			for n := range bends {
				at := uint64(i*bends + n)
				bent := change(body, byte(at*7919>>3), byte(at*104729>>5))
				holdMapped(t, types, v, source.Delivery{Headers: p.headers, Body: bent, Received: firstReceipt})
			}
		}
	}
	t.Logf("%d real payloads were bent %d times", found, bends)
	if found == 0 {
		t.Skip("NO REAL PAYLOAD IS BENT: there are none on this machine; set ASSAY_TEST_FIXTURES, run scripts/fetch-octokit.sh")
	}
}

// unfailing are the vendors whose mappings take every payload that says what it is.
func unfailing() []string {
	return []string{
		"anthropic", "cloudtrail", "github", "github-audit", "gitlab", "gsuite", "kubernetes", "okta", "openai", "opsgenie", "pagerduty", "promptlayer",
	}
}

func decoded(t *testing.T, body any) any {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Skip()
	}
	out, err := source.Decode(raw)
	if err != nil {
		t.Skip()
	}
	return out
}

func holdMapped(t *testing.T, types *dictionary.Dictionary, v *source.Vendor, d source.Delivery) {
	t.Helper()
	m := v.Map(d)
	for _, e := range m.Events {
		typ, ok := types.Type(e.Type)
		require.True(t, ok)
		data, err := typ.Decode(e.Data)
		require.NoError(t, err, "%s", e.Data)
		require.Equal(t, typ.Key(data, ""), e.Key)
		require.NotEmpty(t, e.ID)
		require.LessOrEqual(t, len(e.ID), 256)
		require.True(t, utf8.ValidString(e.ID))
	}
	if slices.Contains(unfailing(), v.Name) {
		require.Empty(t, m.Faults)
	}
}
