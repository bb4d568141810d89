//go:build e2e

package e2e

import (
	"context"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
)

// readAll is every committed record of a topic, by partition and offset. The
// services that write it must have stopped.
func (f *fleet) readAll(names ...string) []*kgo.Record {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	topics := make([]string, len(names))
	for i, name := range names {
		topics[i] = f.kafka.Topic(name)
	}
	// Control records are kept to see the end; they aren't returned.
	cl := f.client(kgo.ConsumeTopics(topics...), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	left := f.ends(ctx, cl, topics)
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		require.NoError(f.t, fetches.Err(), "reading %v; the ends of %v are not reached", topics, left)
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
			at := place{r.Topic, r.Partition}
			if end, ok := left[at]; ok && r.Offset+1 >= end {
				delete(left, at)
			}
		})
	}
	return records
}

// place is a partition.
type place struct {
	topic     string
	partition int32
}

// ends are the high watermarks of the partitions that hold something.
func (f *fleet) ends(ctx context.Context, cl *kgo.Client, topics []string) map[place]int64 {
	f.t.Helper()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics...)
	require.NoError(f.t, err)
	require.NoError(f.t, ends.Error())
	left := map[place]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[place{o.Topic, o.Partition}] = o.Offset
		}
	})
	return left
}

// said is an event as the log has it.
type said struct {
	*compliance.Event
	record *kgo.Record
}

// events are read back from the log and decoded as the product's contract says.
func (f *fleet) events() []said {
	f.t.Helper()
	var all []said
	for _, r := range f.readAll(stream.EventTopics()...) {
		if _, isClock := record.DecodeClock(r); isClock {
			continue
		}
		ev, err := record.DecodeEvent(r)
		require.NoError(f.t, err)
		typ, ok := f.types.Type(ev.Type)
		require.True(f.t, ok, "the type %s", ev.Type)
		ev.Data, err = typ.Decode(r.Value)
		require.NoError(f.t, err)
		all = append(all, said{ev, r})
	}
	return all
}

// itemKey names what revisions are counted by.
type itemKey struct{ tenant, control, item string }

func (k itemKey) String() string { return record.ItemKey(k.tenant, k.control, k.item) }

// stated is one revision with its record.
type stated struct {
	*compliance.Revision
	record *kgo.Record
}

// histories are all revisions of each item, in the order of the log.
func (f *fleet) histories() map[itemKey][]stated {
	f.t.Helper()
	all := map[itemKey][]stated{}
	for _, r := range f.readAll("verdicts") {
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(f.t, err)
		k := itemKey{rev.Tenant, rev.Control, rev.Item.ID}
		require.Equal(f.t, k.String(), string(r.Key))
		all[k] = append(all[k], stated{rev, r})
	}
	return all
}

func last(history []stated) stated { return history[len(history)-1] }

// keys are the items in order, so that messages come in order too.
func keys[V any](m map[itemKey]V) []itemKey {
	list := make([]itemKey, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b itemKey) int {
		return slices.Compare([]string{a.tenant, a.control, a.item}, []string{b.tenant, b.control, b.item})
	})
	return list
}
