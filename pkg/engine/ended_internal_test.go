package engine

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// What stays of an item is all that was said of it.
func TestWordOfAnEndedItemIsWhole(t *testing.T) {
	evidence := compliance.Evidence{
		Expectation: "e", Source: "/s", ID: "id", Type: "t.a", Time: -7, Topic: "events", Partition: 300, Offset: 1 << 60,
		SHA256: compliance.Hash{0, 1, 255},
	}
	whole := &published{Revision: 130, Free: true, Verdict: compliance.Verdict{
		Item: compliance.Item{ID: "p/v", Time: compliance.Never}, Outcome: compliance.Deviation, Reason: "late", Due: compliance.Ever, RemediatedAt: 5,
		Evidence: []compliance.Evidence{evidence, evidence},
	}}
	for _, v := range []any{*whole, whole.Verdict, evidence} { // else a field was forgotten here, or in what is packed
		for i := range reflect.ValueOf(v).NumField() {
			require.False(t, reflect.ValueOf(v).Field(i).IsZero(), "%T.%s", v, reflect.TypeOf(v).Field(i).Name)
		}
	}
	m := newMemory()
	key := itemKey{groupKey{"default", "TT-01", "k"}, "p"}
	at := m.end(noShelf, key, whole)
	require.Equal(t, whole, m.ended(at, "p"))
	require.Equal(t, at, m.shelf(key.groupKey))
	m.end(at, key, &published{Verdict: compliance.Verdict{Item: compliance.Item{ID: "p"}}})
	require.Empty(t, m.ended(at, "p").Verdict.Outcome)
	m.end(noShelf, key, &published{})
	require.Equal(t, &published{}, m.ended(at, "p"), "its id is taken all the same")
	require.Nil(t, m.ended(at, "q"))
	require.Nil(t, m.ended(noShelf, "p"))
	for k, last := range m.everyEnded() {
		require.Equal(t, key, k)
		require.Equal(t, &published{}, last)
	}
}

// Words are a map by key and id, also where many take the place of others, and while they
// are walked.
func TestWordsOfEndedItemsAreAMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	m := newMemory()
	want := map[itemKey]int{}
	put := func(k itemKey) {
		want[k]++
		m.end(m.shelf(k.groupKey), k, &published{Revision: want[k], Verdict: compliance.Verdict{Reason: strings.Repeat("r", r.IntN(400))}})
	}
	for range 20_000 {
		key := "k" + strconv.Itoa(r.IntN(30))
		put(itemKey{groupKey{"default", "TT-0" + key[1:2], key}, strconv.Itoa(r.IntN(100))})
	}
	require.Less(t, m.words.waste, m.words.held)
	for k, last := range m.everyEnded() {
		require.Equal(t, want[k], last.Revision)
		put(k)
	}
	for k, revision := range want {
		require.Equal(t, revision, m.ended(m.shelf(k.groupKey), k.id).Revision)
	}
	kept := 0
	for range m.index.all() {
		kept++
	}
	require.Equal(t, len(want), kept)
}
