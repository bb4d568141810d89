package driver_test

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/pkg/story"
	"assay.example/assay/services/assay/internal/driver"
)

// theTypes and theVendors are read once; nothing changes them.
var theTypes = sync.OnceValues(dictionary.Default)

var theVendors = sync.OnceValues(func() (*source.Library, error) {
	types, err := theTypes()
	if err != nil {
		return nil, err
	}
	return source.Default(types)
})

// precision is how exactly a vendor says when something happened.
func precision(vendor string) time.Duration {
	return map[string]time.Duration{
		"github": time.Second, "okta": time.Millisecond, "pagerduty": time.Millisecond,
		"promptlayer": time.Microsecond, "otlp": time.Microsecond,
	}[vendor]
}

// unspoken are the fields that a vendor's words have no room for, by type. No control
// reads them, which TestUnspokenFieldsDecideNothing holds.
func unspoken() map[string][]string {
	return map[string][]string{"person.terminated": {"kind"}, "incident.opened": {"title"}}
}

// understood are the fields of an event that say nothing more than their absence.
func understood(ev compliance.Event) map[string]bool {
	names := map[string]bool{
		"privileged":      ev.Data["privileged"] == false,
		"requested_model": ev.Data["requested_model"] == ev.Data["model"],
	}
	for name, v := range ev.Data {
		names[name] = names[name] || v == "" // such as the parent of a first span
	}
	return names
}

// besides are types of which a vendor tells more than the story.
func besides() []string { return []string{"change.proposed"} }

func deliveryOf(t *testing.T, d driver.Delivery) source.Delivery {
	t.Helper()
	headers := map[string]string{}
	for name, value := range d.Header {
		headers[strings.ToLower(name)] = value
	}
	raw := d.Body
	if d.Door.Vendor == "otlp" {
		raw = flat(t, raw)
	}
	body, err := source.Decode(raw)
	require.NoError(t, err)
	return source.Delivery{Headers: headers, Body: body, SHA256: sha256.Sum256(d.Body), Received: compliance.InstantOf(time.Now())}
}

// mapped runs the mappings that the collector runs.
func mapped(t *testing.T, d driver.Delivery) []source.Event {
	t.Helper()
	library, err := theVendors()
	require.NoError(t, err)
	vendor, ok := library.Vendor(d.Door.Vendor)
	require.True(t, ok, d.Door.Vendor)
	m := vendor.Map(deliveryOf(t, d))
	require.Empty(t, m.Faults, "%s", d.Body)
	require.Empty(t, m.Unmapped, "%s", d.Body)
	require.Len(t, m.Events, d.Events, "%s", d.Body)
	return m.Events
}

// theOne is the event of a delivery that the story tells of.
func theOne(t *testing.T, events []source.Event, kind string) source.Event {
	t.Helper()
	var found []source.Event
	for _, ev := range events {
		if ev.Type == kind {
			found = append(found, ev)
			continue
		}
		require.Contains(t, besides(), ev.Type)
	}
	require.Len(t, found, 1, "%v", events)
	return found[0]
}

// spoken is what of an event's data a vendor can say.
func spoken(ev compliance.Event) map[string]any {
	data, empty := maps.Clone(ev.Data), understood(ev)
	maps.DeleteFunc(data, func(name string, _ any) bool {
		return empty[name] || slices.Contains(unspoken()[ev.Type], name)
	})
	return data
}

// What vendors say becomes what the story says: type, time, source and every field
// that their words have room for, whatever they say besides. Nothing that happened becomes two events, and no
// two things become one.
func TestVendorsTellTheStory(t *testing.T) {
	t.Parallel()
	types, err := theTypes()
	require.NoError(t, err)
	s := story.New(story.Options{Seed: 1, Size: story.Small})
	tellers := driver.NewTellers(s)
	ids := map[string]string{}
	counts := map[string]int{}
	for e := range s.Events() {
		d, ok, err := tellers.Tell(e)
		require.NoError(t, err)
		if !ok {
			continue
		}
		require.Equal(t, e.Event.Source, d.Door.Source)
		got := theOne(t, mapped(t, d), e.Event.Type)
		require.Equal(t, e.Event.Time.Time().Truncate(precision(d.Door.Vendor)), got.Time.Time(), "%s", d.Body)
		typ, _ := types.Type(got.Type)
		data, err := typ.Decode(got.Data)
		require.NoError(t, err)
		for name, value := range spoken(e.Event) { // a vendor may say more
			require.Equal(t, value, data[name], "%s of %s", name, d.Body)
		}
		if first, known := ids[got.ID]; known {
			require.Equal(t, e.Event.ID, first, "%s is two events", got.ID)
			require.True(t, e.Duplicate)
		}
		require.False(t, e.Duplicate && ids[got.ID] == "", "a repeated event has another id")
		ids[got.ID] = e.Event.ID
		counts[d.Door.Name]++
	}
	for _, door := range driver.NewTellers(s).Doors() {
		require.Positive(t, counts[door.Name], door.Name)
	}
	t.Logf("%v", counts)
}

// A delivery that is sent again is the same, byte for byte, whoever makes it.
func TestRepeatedDeliveriesAreEqual(t *testing.T) {
	t.Parallel()
	s := story.New(story.Options{Seed: 1, Size: story.Small})
	first := map[string]driver.Delivery{}
	one, other := driver.NewTellers(s), driver.NewTellers(s)
	repeated := 0
	for e := range s.Events() {
		tellers := one
		if e.Duplicate {
			tellers = other
		}
		d, ok, err := tellers.Tell(e)
		require.NoError(t, err)
		if !ok {
			continue
		}
		require.True(t, json.Valid(d.Body))
		if e.Duplicate {
			require.Equal(t, first[e.Event.ID], d)
			repeated++
		}
		first[e.Event.ID] = d
	}
	require.Positive(t, repeated)
}

func TestUnspokenFieldsDecideNothing(t *testing.T) {
	t.Parallel()
	for kind, names := range unspoken() {
		for _, name := range names {
			reads := regexp.MustCompile(`[a-z]\.` + name + `\b`)
			require.NoError(t, fs.WalkDir(controls.FS, "soc2", func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.yaml") {
					return err
				}
				text, err := fs.ReadFile(controls.FS, path)
				require.NotRegexp(t, reads, string(text), "%s reads %s, which nobody tells of %s", path, name, kind)
				return err
			}))
		}
	}
}

// The page for readers names every type that stays a CloudEvent, or does now and then.
func TestThePageSaysWhatStaysACloudEvent(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/story.md")
	require.NoError(t, err)
	s := story.New(story.Options{Seed: 1, Size: story.Small})
	tellers := driver.NewTellers(s)
	for e := range s.Events() {
		_, told, err := tellers.Tell(e)
		require.NoError(t, err)
		if e.Barrier == nil && !told {
			require.Contains(t, string(page), "`"+e.Event.Type+"`", "docs/story.md")
		}
	}
	for _, door := range tellers.Doors() {
		require.Contains(t, string(page), "| "+door.Name+" |", "docs/story.md")
	}
}
