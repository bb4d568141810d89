package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
)

// vector is one record, and what another implementation makes of it.
type vector struct {
	Name      string      `json:"name"`
	Secret    string      `json:"secret"`
	Kind      string      `json:"kind"`
	TopicID   string      `json:"topic_id"`
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Prev      int64       `json:"prev"`
	Tenant    string      `json:"tenant"`
	Source    string      `json:"source"`
	Type      string      `json:"type"`
	ID        string      `json:"id"`
	RawTime   int64       `json:"time"`
	Received  int64       `json:"received"`
	Sequence  uint64      `json:"sequence"`
	Key       string      `json:"key"`
	Value     string      `json:"value"`
	Clock     int64       `json:"clock"`
	Headers   [][2]string `json:"headers"`
	Want      struct {
		Tag           string `json:"tag"`
		BlindKey      string `json:"blind_key"`
		KeyCommitment string `json:"key_commitment"`
		Attributes    string `json:"attributes"`
		BlindBody     string `json:"blind_body"`
		Head          string `json:"head"`
		Body          string `json:"body"`
		Leaf          string `json:"leaf"`
		Hash          string `json:"hash"`
	} `json:"want"`
}

func (v *vector) place(t *testing.T) ledger.Place {
	t.Helper()
	at := ledger.Place{Partition: v.Partition, Offset: v.Offset, Prev: v.Prev}
	raw, err := hex.DecodeString(v.TopicID)
	require.NoError(t, err)
	require.Len(t, raw, len(at.Topic))
	copy(at.Topic[:], raw)
	return at
}

func (v *vector) event() *compliance.Event {
	return &compliance.Event{
		Tenant: v.Tenant, Source: v.Source, Type: v.Type, ID: v.ID,
		Time: compliance.Instant(v.RawTime), Received: compliance.Instant(v.Received), Sequence: v.Sequence,
		Ref: compliance.Ref{SHA256: sha256.Sum256([]byte(v.Value))},
	}
}

func (v *vector) leaf(t *testing.T, keys *ledger.Keys) ledger.Leaf {
	t.Helper()
	var leaf ledger.Leaf
	var err error
	switch v.Kind {
	case "event":
		leaf, err = keys.Event(v.place(t), v.event(), []byte(v.Key))
	case "clock":
		leaf = ledger.Clock(v.place(t), compliance.Instant(v.Clock))
	case "other":
		var headers []ledger.Header
		for _, h := range v.Headers {
			value, err := hex.DecodeString(h[1])
			require.NoError(t, err)
			headers = append(headers, ledger.Header{Key: h[0], Value: value})
		}
		leaf, err = keys.Other(v.place(t), compliance.Instant(v.Received), headers, []byte(v.Key), sha256.Sum256([]byte(v.Value)))
	default:
		t.Fatalf("kind %q", v.Kind)
	}
	require.NoError(t, err)
	return leaf
}

func (v *vector) check(t *testing.T) {
	t.Helper()
	keys, err := ledger.NewKeys([]byte(v.Secret))
	require.NoError(t, err)
	leaf := v.leaf(t, keys)
	require.Equal(t, v.Want.Head, leaf.Head.String())
	require.Equal(t, v.Want.Body, leaf.Body.String())
	require.Equal(t, v.Want.Leaf, hex.EncodeToString(leaf.Bytes()))
	require.Len(t, leaf.Bytes(), ledger.LeafSize)
	require.Equal(t, v.Want.Hash, leaf.Hash().String())
	if v.Kind == "event" {
		v.checkParts(t, keys, leaf)
	}
}

// checkParts opens an event's leaf as a reader would, with what the page says has
// to be given away.
func (v *vector) checkParts(t *testing.T, keys *ledger.Keys, leaf ledger.Leaf) {
	t.Helper()
	own, err := keys.Of(v.Tenant)
	require.NoError(t, err)
	at, ev := v.place(t), v.event()
	tag, blindKey, blindBody := ledger.TenantTag(own, at), ledger.Blind(own.Key, at), ledger.Blind(own.Body, at)
	keyCommitment := ledger.Commit(blindKey, []byte(v.Key))
	attributes := ledger.Attributes{
		Source: ev.Source, Type: ev.Type, ID: ev.ID, Time: ev.Time, Received: ev.Received, Sequence: ev.Sequence,
	}
	require.Equal(t, v.Want.Tag, tag.String())
	require.Equal(t, v.Want.BlindKey, blindKey.String())
	require.Equal(t, v.Want.KeyCommitment, keyCommitment.String())
	require.Equal(t, v.Want.Attributes, attributes.Hash(keyCommitment).String())
	require.Equal(t, v.Want.BlindBody, blindBody.String())
	require.Equal(t, leaf.Head, ledger.Head(tag, attributes.Hash(keyCommitment)))
	value := sha256.Sum256([]byte(v.Value))
	require.Equal(t, leaf.Body, ledger.Commit(blindBody, value[:]))
}

func TestGoldenLeaves(t *testing.T) {
	raw, err := os.ReadFile("testdata/leaves.json")
	require.NoError(t, err)
	var vectors []vector
	decode(t, raw, &vectors)
	require.NotEmpty(t, vectors)
	seen := map[string]string{}
	for _, v := range vectors {
		t.Run(v.Name, v.check)
		require.Emptyf(t, seen[v.Want.Hash], "%s has the leaf of another vector", v.Name)
		seen[v.Want.Hash] = v.Name
	}
}

func TestWorkedExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats/leaf.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```json\n")
	require.True(t, found, "docs/formats/leaf.md has no example")
	example, _, _ := strings.Cut(rest, "```")
	var v vector
	decode(t, []byte(example), &v)
	v.check(t)
}

func decode(t *testing.T, raw []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(into))
}

func TestSecretMustNotBeShort(t *testing.T) {
	for _, secret := range []string{"", "fifteen bytes.."} {
		_, err := ledger.NewKeys([]byte(secret))
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
		require.ErrorContains(t, err, "at least 16")
	}
}

// Moving a byte from one attribute to the next must change the leaf, and so must
// any other change of what it commits to.
func TestLeafBindsEveryPart(t *testing.T) {
	keys, err := ledger.NewKeys([]byte("correct horse battery staple"))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		ev := &compliance.Event{
			Tenant: rapid.StringN(1, 3, -1).Draw(t, "tenant"),
			Source: rapid.StringN(1, 3, -1).Draw(t, "source"),
			Type:   rapid.StringN(1, 3, -1).Draw(t, "type"),
			ID:     rapid.StringN(1, 3, -1).Draw(t, "id"),
			Time:   compliance.Instant(rapid.Int64().Draw(t, "time")),
		}
		at := ledger.Place{Partition: 1, Offset: rapid.Int64Min(0).Draw(t, "offset"), Prev: -1}
		key := []byte(rapid.String().Draw(t, "key"))
		base, err := keys.Event(at, ev, key)
		require.NoError(t, err)
		changed, place, changedKey := *ev, at, key
		switch rapid.IntRange(0, 8).Draw(t, "change") {
		case 0:
			changed.Source, changed.Type = ev.Source+ev.Type[:1], ev.Type[1:]
		case 1:
			changed.Type, changed.ID = ev.Type+ev.ID[:1], ev.ID[1:]
		case 2:
			changed.Tenant += "x"
		case 3:
			changed.Time++
		case 4:
			changed.Received++
		case 5:
			changed.Sequence++
		case 6:
			changed.Ref.SHA256[31] ^= 1
		case 7:
			place.Prev++
		case 8:
			changedKey = append([]byte("x"), key...)
		}
		other, err := keys.Event(place, &changed, changedKey)
		require.NoError(t, err)
		require.NotEqual(t, base.Hash(), other.Hash())
	})
}

// The tag of a tenant's record must tell nothing to those without its key: not
// even that two records have the same tenant.
func TestTagsAreUnlinkable(t *testing.T) {
	keys, err := ledger.NewKeys([]byte("correct horse battery staple"))
	require.NoError(t, err)
	seen := map[compliance.Hash]bool{}
	for _, tenant := range []string{ledger.Operator, "a", "b"} {
		own, err := keys.Of(tenant)
		require.NoError(t, err)
		for offset := range int64(100) {
			for partition := range int32(2) {
				seen[ledger.TenantTag(own, ledger.Place{Partition: partition, Offset: offset})] = true
			}
		}
	}
	require.Len(t, seen, 3*100*2)
}

func BenchmarkEvent(b *testing.B) {
	keys, err := ledger.NewKeys([]byte("correct horse battery staple"))
	require.NoError(b, err)
	ev := &compliance.Event{Tenant: "default", Source: "/vcs", Type: "change.approved", ID: "01J0Z7000000000000000000"}
	b.ReportAllocs()
	for b.Loop() {
		leaf, err := keys.Event(ledger.Place{Offset: 1}, ev, []byte("CHG-17"))
		if err != nil {
			b.Fatal(err)
		}
		leaf.Hash()
	}
}
