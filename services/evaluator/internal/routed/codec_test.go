package routed_test

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/routed"
)

func codec(t testing.TB) *routed.Codec {
	t.Helper()
	c, err := routed.NewCodec()
	require.NoError(t, err)
	return c
}

func fact() *routed.Fact {
	ev := &compliance.Event{
		Tenant: "default", Source: "/cd", ID: "d1", Type: "deploy.completed",
		Time: 1_782_900_000_000_000, Received: 1_782_900_001_000_000, Sequence: 7,
	}
	ev.Ref.SHA256[0] = 0xab
	return &routed.Fact{
		From: routed.Source{Topic: "assay.events.deployment", Partition: 3}, Offset: 42, Prev: 40,
		Activation: 1, Router: 1,
		Event: routed.EventOf(ev),
		Entries: []routed.Entry{
			{Control: "CH-01", RuleHash: "h", Key: "c1", Fields: map[string]any{"author": "alice", "emergency": false}},
		},
	}
}

// The bytes of records that wait in Kafka while a new version is rolled out.
func TestGoldenBytes(t *testing.T) {
	c := codec(t)
	value, err := c.Fact(fact())
	require.NoError(t, err)
	require.Equal(t, goldenFact, hex.EncodeToString(value))

	value, err = c.Mark(&routed.Mark{Topology: 1, Activation: 2, Positions: []routed.Position{
		{From: routed.Source{Topic: "assay.events.access", Partition: 0}, Offset: 9, Prev: routed.Start, Watermark: compliance.Ever},
		{From: routed.Source{Topic: "assay.events.access", Partition: 1}, Offset: 300, Prev: 300, Watermark: 1_782_900_000_000_000},
	}})
	require.NoError(t, err)
	require.Equal(t, goldenMark, hex.EncodeToString(value))
}

func TestFactRoundTrip(t *testing.T) {
	c := codec(t)
	f := fact()
	value, err := c.Fact(f)
	require.NoError(t, err)
	rec, err := c.Decode(value)
	require.NoError(t, err)
	require.Equal(t, f, rec.Fact)
	ev := rec.Fact.EventFor(&rec.Fact.Entries[0])
	require.Equal(t, compliance.EventKey{Tenant: "default", Source: "/cd", ID: "d1"}, ev.Key())
	require.Equal(t, int64(42), ev.Ref.Offset)
	require.Equal(t, byte(0xab), ev.Ref.SHA256[0])
}

// An int64 stays one and a float64 too, even where their values are equal:
// verdicts compare and hash them.
func TestNumbersKeepTheirType(t *testing.T) {
	c := codec(t)
	rapid.Check(t, func(rt *rapid.T) {
		fields := map[string]any{
			"i":     rapid.Int64().Draw(rt, "i"),
			"f":     rapid.Float64().Filter(func(f float64) bool { return !math.IsNaN(f) }).Draw(rt, "f"),
			"whole": float64(rapid.Int32().Draw(rt, "whole")),
			"deep":  map[string]any{"list": []any{rapid.Int64().Draw(rt, "j"), "s", nil, true, map[string]any{"k": rapid.String().Draw(rt, "k")}}},
		}
		f := fact()
		f.Entries[0].Fields = fields
		value, err := c.Fact(f)
		require.NoError(rt, err)
		rec, err := c.Decode(value)
		require.NoError(rt, err)
		require.Equal(rt, fields, rec.Fact.Entries[0].Fields)
	})
	for _, n := range []any{int64(math.MinInt64), int64(math.MaxInt64), 1e300, 5e-324, 0.1, 1.0, math.Copysign(0, -1)} {
		f := fact()
		f.Entries[0].Fields = map[string]any{"n": n}
		value, err := c.Fact(f)
		require.NoError(t, err)
		rec, err := c.Decode(value)
		require.NoError(t, err)
		require.Equal(t, n, rec.Fact.Entries[0].Fields["n"])
	}
}

func TestDecodeRefuses(t *testing.T) {
	c := codec(t)
	mark := func(ps ...routed.Position) []byte {
		value, err := c.Mark(&routed.Mark{Topology: 1, Positions: ps})
		require.NoError(t, err)
		return value
	}
	badPrev := fact()
	badPrev.Prev = 43
	badHash := fact()
	badHash.Event.SHA256 = []byte{1}
	for name, value := range map[string][]byte{
		"nothing":       {},
		"not CBOR":      []byte("hello"),
		"no kind":       {0xa1, 0x00, 0x01},
		"other version": {0xa1, 0x00, 0x09},
		"prev too high": must(c.Fact(badPrev)),
		"short hash":    must(c.Fact(badHash)),
		"unsorted":      mark(position("b", 1), position("a", 1)),
		"twice":         mark(position("a", 1), position("a", 2)),
		"trailing":      append(mark(position("a", 1)), 0),
	} {
		_, err := c.Decode(value)
		require.Error(t, err, name)
	}
}

func position(topic string, offset int64) routed.Position {
	return routed.Position{From: routed.Source{Topic: topic}, Offset: offset, Prev: routed.Start}
}

func must(value []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return value
}

// Whatever decodes encodes again, and decodes to the same.
func FuzzDecode(f *testing.F) {
	c := codec(f)
	f.Add(must(c.Fact(fact())))
	f.Add(must(c.Mark(&routed.Mark{Topology: 1, Positions: []routed.Position{position("a", 1)}})))
	f.Add([]byte{0xa1, 0x00, 0x01})
	f.Fuzz(func(t *testing.T, value []byte) {
		rec, err := c.Decode(value)
		if err != nil {
			return
		}
		again := encode(t, c, rec)
		back, err := c.Decode(again)
		require.NoError(t, err)
		require.Equal(t, again, encode(t, c, back))
	})
}

func encode(t *testing.T, c *routed.Codec, rec routed.Record) []byte {
	t.Helper()
	encoder := func() ([]byte, error) { return c.Mark(rec.Mark) }
	if rec.Fact != nil {
		encoder = func() ([]byte, error) { return c.Fact(rec.Fact) }
	}
	value, err := encoder()
	require.NoError(t, err)
	return value
}

const (
	goldenFact = "a2000101a701a2017761737361792e6576656e74732e6465706c6f796d656e74020302182a0318280401050106a8016764656661756c7402632f63640362643104706465706c6f792e636f6d706c65746564051b00065589c12b8800061b00065589c13aca400707085820ab000000000000000000000000000000000000000000000000000000000000000781a5016543482d30310261680362633104f405a266617574686f7265616c69636569656d657267656e6379f4"
	goldenMark = "a2000102a3010102020382a401a2017361737361792e6576656e74732e616363657373020002090320043b7fffffffffffffffa401a2017361737361792e6576656e74732e61636365737302010219012c0319012c041b00065589c12b8800"
)
