package certificate_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/output"
)

// certify makes a certificate of July 2026.
func certify(w *asktest.World, id string, changes ...func(*certificate.Params)) *certificate.Certificate {
	w.Helper()
	p, err := ask.ParsePeriod("2026-07")
	require.NoError(w, err)
	params := certificate.Params{Tenant: w.Tenant, Controls: []string{id}, Period: p, Now: asktest.At("2026-11-01")}
	for _, change := range changes {
		change(&params)
	}
	c, err := certificate.Make(w.Context(), w.Conn, w.Bundle, params)
	require.NoError(w, err)
	require.JSONEq(w, asJSON(w, c), asJSON(w, again(w, params)), "the same again is the same")
	return c
}

func again(w *asktest.World, p certificate.Params) *certificate.Certificate {
	w.Helper()
	c, err := certificate.Make(w.Context(), w.Conn, w.Bundle, p)
	require.NoError(w, err)
	return c
}

func asJSON(t testing.TB, c *certificate.Certificate) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, c.WriteJSON(&out))
	return out.String()
}

// cover says that a range of a topic was read, up to a time of the log.
func cover(w *asktest.World, topic string, partition, start, end int, until string, skipped ...int) {
	w.Helper()
	lost := 0
	for _, n := range skipped {
		lost += n
	}
	require.NoError(w, w.Conn.Exec(w.Context(), `INSERT INTO coverage (topic, topic_id, partition, start_offset, end_offset, records, rows, skipped, last_offset, leaves, log_time, clock)
		VALUES (?, toUUID('0f8fad5b-d9cb-469f-a165-70867728950e'), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		topic, int32(partition), int64(start), int64(end), uint64(end-start), uint64(end-start-lost), uint64(lost), int64(end-1), uint64(end), asktest.At(until).Time(), asktest.At(until).Time()))
}

// coverAll says it of a partition of each topic of events, without a hole.
func coverAll(w *asktest.World, until string) {
	w.Helper()
	for _, f := range compliance.Families() {
		cover(w, "assay.events."+string(f), 0, 0, 1000, "2026-07-01")
		cover(w, "assay.events."+string(f), 0, 1000, 2000, until)
	}
}

// whys are the reasons why a statement about a source isn't proven.
func whys(c *certificate.Certificate, source, what string) (list []string) {
	for _, u := range c.NotProven {
		if u.Source == source && strings.Contains(u.What, what) {
			list = append(list, u.Why)
		}
	}
	return list
}

func bys(c *certificate.Certificate, source, what string) (list []string) {
	for _, p := range c.Proven {
		if p.Source == source && strings.Contains(p.What, what) {
			list = append(list, p.By)
		}
	}
	return list
}

func sourceOf(t testing.TB, c *certificate.Certificate, name string) completeness.SourceFacts {
	t.Helper()
	for _, s := range c.Facts.Sources {
		if s.Name == name {
			return s
		}
	}
	require.Fail(t, "the certificate has no source "+name)
	return completeness.SourceFacts{}
}

// numberedDirectory is the world's bundle with a directory that numbers what it sends.
func numberedDirectory(t *testing.T) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.LoadWith(asktest.Library(), []byte(`
effective_from: 2026-06-01T00:00:00Z
boundary: {systems: [console]}
sources:
  /idp: {types: [access.*], max_gap: 24h, sequence: true}
`), types)
	require.NoError(t, err)
	return b
}

// numberedMonth is July of a directory that is heard and counts, an event a day.
func numberedMonth(w *asktest.World) {
	w.Helper()
	number := uint64(0)
	next := func(ev compliance.Event) compliance.Event {
		number++
		ev.Sequence = number
		return ev
	}
	var events []compliance.Event
	for day := asktest.At("2026-06-30"); day <= asktest.At("2026-08-02"); day = day.Add(24 * time.Hour) {
		events = append(events, next(compliance.Event{Source: "/idp", ID: fmt.Sprintf("beat-%d", day), Type: control.Heartbeat, Time: day, Data: map[string]any{}}))
		events = append(events, next(asktest.Login(fmt.Sprintf("login-%d", day), day.Add(time.Hour).String())))
	}
	w.Event(events...)
}

// All that can be proven is, each by what it rests on; nothing else is said.
func TestACertificateProvesWhatItCan(t *testing.T) {
	w := asktest.New(t)
	w.Bundle = numberedDirectory(t)
	numberedMonth(w)
	coverAll(w, "2026-09-01")
	w.Say(asktest.Said{Control: "AC-01", Item: "login", At: "2026-07-02", Outcome: compliance.Pass})
	c := certify(w, "AC-01")
	require.Empty(t, c.NotProven)
	require.Len(t, c.Proven, 7)
	idp := sourceOf(t, c, "/idp")
	require.Equal(t, []string{completeness.Population}, idp.Feeds)
	require.Equal(t, []int64{31, 31, 0, 0, 0}, []int64{idp.Records, idp.Events, idp.Repeats, idp.Conflicts, idp.Late})
	require.Len(t, idp.Days, 31)
	require.Equal(t, int64(1), c.Facts.Items.N)
	require.Contains(t, c.Command, "assay completeness --control AC-01 --from 2026-07-01T00:00:00Z --to 2026-08-01T00:00:00Z --tenant default")
	for _, m := range c.Made {
		require.Len(t, m.SHA256, 64, m.Query)
	}
	var text bytes.Buffer
	require.NoError(t, c.WriteTable(output.Writer{Out: &text}))
	require.Contains(t, text.String(), "Not proven\nnothing\n")
	require.Contains(t, text.String(), completeness.Beyond)
	var rows bytes.Buffer
	require.NoError(t, c.WriteCSV(output.Writer{Out: &rows}))
	lines, err := csv.NewReader(&rows).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+len(c.Proven))
}

// By default nothing is proven: without coverage, clock, signs of life and numbers nothing
// speaks for anything.
func TestNothingIsProvenByDefault(t *testing.T) {
	w := asktest.New(t)
	c := certify(w, "CH-01")
	require.Equal(t, []string{"nothing says which offsets were read: no partition is on record"}, whys(c, "", "in the log was read"))
	require.Equal(t, []string{"no partition of the log has a clock on record"}, whys(c, "", "the period is over"))
	require.Equal(t, []string{"late events count until the log's clock reaches 2026-08-08T00:00:00Z"}, whys(c, "", "late event"))
	require.Equal(t, []string{"no declared source sends change.approved, so nothing tells of what wasn't sent"}, whys(c, "", "everything came"))
	require.Equal(t, []string{"nothing tells of what the source did not send: it has neither sequence nor heartbeat"}, whys(c, "/cd", "sent everything"))
	require.Empty(t, bys(c, "/cd", ""))
}

// A row that is taken away, altered or slipped in behind our back shows, and where.
func TestChangedRowsShow(t *testing.T) {
	for name, c := range map[string]struct{ sql, why string }{
		"deleted": {
			"ALTER TABLE events DELETE WHERE id = 'login-5' SETTINGS mutations_sync = 2",
			"access.login of /idp on 2026-07-05, offsets 0 to 4095 of assay.events.access/0: 1 of 1 row is gone",
		},
		"altered": {
			"ALTER TABLE events UPDATE sha256 = unhex(repeat('ab', 32)) WHERE id = 'login-5' SETTINGS mutations_sync = 2",
			"access.login of /idp on 2026-07-05, offsets 0 to 4095 of assay.events.access/0: rows aren't as they were recorded",
		},
		"given to nobody": {
			"ALTER TABLE event_counts DELETE WHERE day = '2026-07-05' SETTINGS mutations_sync = 2",
			"access.login of /idp on 2026-07-05, offsets 0 to 4095 of assay.events.access/0: 1 row was never counted, for they were recorded before anything was counted, or put there by somebody else",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := asktest.New(t)
			for day := range 10 {
				w.Event(asktest.Login(fmt.Sprintf("login-%d", day+1), fmt.Sprintf("2026-07-%02d", day+1)))
			}
			require.NotEmpty(t, bys(certify(w, "AC-01"), "", "still there"))
			require.NoError(t, w.Conn.Exec(t.Context(), c.sql))
			got := certify(w, "AC-01")
			require.Empty(t, bys(got, "", "still there"))
			require.Equal(t, []string{c.why}, whys(got, "/idp", "still there"))
		})
	}
}

// Offsets that nobody read are named, where what stood there may belong to the period.
func TestUnreadOffsetsAreNamed(t *testing.T) {
	w := asktest.New(t)
	w.Event(asktest.Login("a", "2026-07-02"))
	const topic = "assay.events.access"
	cover(w, topic, 0, 0, 100, "2026-05-01")
	cover(w, topic, 0, 150, 200, "2026-06-01") // before the period
	cover(w, topic, 0, 200, 300, "2026-07-10")
	cover(w, topic, 0, 307, 400, "2026-07-20")
	cover(w, topic, 0, 400, 500, "2026-08-01", 3)
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO coverage (topic, topic_id, partition, start_offset, end_offset, records, rows, log_time, clock)
		VALUES (?, toUUID('0f8fad5b-d9cb-469f-a165-70867728950e'), 0, 500, 510, 8, 8, '2026-10-01', '2026-10-01')`, topic))
	cover(w, topic, 0, 520, 600, "2026-10-02") // after all that could count
	cover(w, topic, 1, 20, 300, "2026-10-02")  // begins in the middle
	cover(w, "assay.events.incident", 0, 5, 10, "2026-10-02")
	cover(w, "assay.verdicts", 0, 5, 10, "2026-10-02")
	c := certify(w, "AC-01")
	require.Equal(t, []string{
		topic + "/0: offsets 300 to 306 were never read; what stood there came between 2026-07-10T00:00:00Z and 2026-07-20T00:00:00Z",
		topic + "/0: at 2 of the offsets 500 to 509 no record was read: the log had lost it, or it belonged to a transaction; what stood there came between 2026-08-01T00:00:00Z and 2026-10-01T00:00:00Z",
		topic + "/0: 3 records couldn't be decoded and left no row",
		topic + "/1: the record begins at offset 20; nothing tells what was before",
	}, whys(c, "", "in the log was read"))
	require.Empty(t, bys(c, "", "in the log was read"))
	require.Equal(t, 3, c.Facts.Clock.Partitions)
	require.Equal(t, asktest.At("2026-10-02"), c.Facts.Clock.At)

	then := certify(w, "AC-01", func(p *certificate.Params) { p.AsOf = asktest.At("2026-07-15") })
	require.Empty(t, then.Facts.Partitions[0].Holes, "nobody could know of it then")
	require.Equal(t, []string{topic + "/0"}, then.Facts.Clock.Behind)
}

// What came again, otherwise, late, and what could not be used is counted.
func TestWhatCameIsCounted(t *testing.T) {
	w := asktest.New(t)
	other := asktest.Login("b", "2026-07-03")
	other.Data = map[string]any{"mfa": false}
	w.Event(asktest.Login("a", "2026-07-02"), asktest.Login("a", "2026-07-02"), asktest.Login("a", "2026-07-02"),
		asktest.Login("b", "2026-07-03"), other, asktest.Login("c", "2026-08-01"), asktest.Login("d", "2026-06-30T23:59:59Z"),
		compliance.Event{Source: "/shadow", ID: "s", Type: "access.login", Time: asktest.At("2026-07-04"), Data: map[string]any{}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: "t", Type: "access.login", Time: asktest.At("2026-07-04"), Data: map[string]any{}},
		compliance.Event{Source: "/idp", ID: "g", Type: "access.granted", Time: asktest.At("2026-07-04"), Data: map[string]any{}})
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO events (tenant, type, source, id, time, received, sha256, topic, partition, offset)
		VALUES ('default', 'access.login', '/idp', 'late', '2026-07-09 12:00:00', '2026-07-09 14:00:00', unhex(repeat('00', 32)), 'assay.events.access', 0, 9000)`))
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO rejected (tenant, at, code, source, id, type) VALUES
		('default', '2026-07-02', 'invalid_data', '/idp', 'r1', 'access.login'), ('default', '2026-07-02', 'invalid_data', '/idp', 'r2', 'access.login'),
		('default', '2026-07-02', 'unknown_type', '/idp', 'r3', 'access.logon'), ('default', '2026-07-02', 'invalid_data', '/idp', 'r4', 'incident.opened'),
		('default', '2026-08-01', 'invalid_data', '/idp', 'r5', 'access.login'), ('default', '2026-07-02', 'malformed', '', '', ''),
		('other', '2026-07-02', 'invalid_data', '/idp', 'r6', 'access.login')`))
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO quarantined (tenant, control, source, id, time, event_topic, event_offset) VALUES
		('default', 'AC-01', '/idp', 'q', '2026-07-02', 't', 1), ('default', 'AC-01', '/idp', 'q', '2026-07-02', 't', 2), ('default', 'CH-01', '/idp', 'p', '2026-07-02', 't', 3)`))
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO received (tenant, source, kind, id, at, events, note) VALUES
		('default', '/idp', 'okta.login', 'd1', '2026-07-02', 1, ''), ('default', '/idp', 'okta.zone', 'd2', '2026-07-02', 0, 'no mapping takes okta.zone'),
		('default', '/idp', 'okta.zone', 'd2', '2026-07-03', 0, 'no mapping takes okta.zone'), ('default', '/idp', 'okta.ping', 'd3', '2026-07-03', 0, ''),
		('default', '/idp', 'okta.zone', 'd4', '2026-08-02', 0, 'no mapping takes okta.zone')`))
	c := certify(w, "AC-01")
	idp := sourceOf(t, c, "/idp")
	require.Equal(t, []int64{6, 3, 2, 1, 1, 1}, []int64{idp.Records, idp.Events, idp.Repeats, idp.Conflicts, idp.Late, idp.Quarantined})
	require.Equal(t, []completeness.Tally{{Of: "invalid_data", N: 2}, {Of: "unknown_type", N: 1}}, idp.Refused)
	require.Equal(t, int64(3), idp.Deliveries)
	require.Equal(t, []completeness.Tally{{Of: "okta.zone", N: 1}}, idp.Unmapped)
	require.Equal(t, int64(1), c.Facts.Unattributed)
	require.Equal(t, []string{"3 records were refused (invalid_data 2, unknown_type 1)"}, whys(c, "/idp", "was taken"))
	require.Equal(t, []string{"1 delivery became none (okta.zone 1)"}, whys(c, "/idp", "became events"))
	require.Equal(t, []string{"1 event came too late to count"}, whys(c, "/idp", "was used"))
	require.Equal(t, []string{"1 event came with several bodies"}, whys(c, "/idp", "what it said"))
	shadow := sourceOf(t, c, "/shadow")
	require.False(t, shadow.Declared)
	require.Equal(t, []string{"nothing tells of what the source did not send: it has neither sequence nor heartbeat, and isn't declared"}, whys(c, "/shadow", "sent everything"))

	then := sourceOf(t, certify(w, "AC-01", func(p *certificate.Params) { p.AsOf = asktest.At("2026-07-02T12:00:00Z") }), "/idp")
	require.Equal(t, []int64{3, 1, 2, 0, 0}, []int64{then.Records, then.Events, then.Repeats, then.Conflicts, then.Late})
	require.Equal(t, int64(2), then.Deliveries)
}

// A silent day is a silence, and a number that is missing a hole; both touch their days.
func TestSilencesAndHolesAreNamed(t *testing.T) {
	w := asktest.New(t)
	w.Bundle = numberedDirectory(t)
	numberedMonth(w)
	require.NoError(t, w.Conn.Exec(t.Context(), "ALTER TABLE events DELETE WHERE toDate(time) = '2026-07-10' OR type = 'access.login' AND toDate(time) = '2026-07-20' SETTINGS mutations_sync = 2"))
	c := certify(w, "AC-01")
	idp := sourceOf(t, c, "/idp")
	require.Equal(t, []completeness.Silence{{From: asktest.At("2026-07-09"), To: asktest.At("2026-07-11")}}, idp.Silences)
	require.Equal(t, []completeness.Lost{
		{Silence: completeness.Silence{From: asktest.At("2026-07-09"), To: asktest.At("2026-07-11")}, Missing: 2},
		{Silence: completeness.Silence{From: asktest.At("2026-07-20"), To: asktest.At("2026-07-21")}, Missing: 1},
	}, idp.Holes)
	require.Equal(t, []string{"it was silent once for longer than 24h0m0s, the longest from 2026-07-09T00:00:00Z to 2026-07-11T00:00:00Z"}, whys(c, "/idp", "all through"))
	require.Equal(t, []string{
		"2 numbers are missing between 2026-07-09T00:00:00Z and 2026-07-11T00:00:00Z",
		"1 number is missing between 2026-07-20T00:00:00Z and 2026-07-21T00:00:00Z",
	}, whys(c, "/idp", "has come"))
	var touched []string
	for _, d := range idp.Days {
		if d.Silent {
			touched = append(touched, d.Day)
		}
	}
	require.Equal(t, []string{"2026-07-09", "2026-07-10", "2026-07-20"}, touched)
}

// Verdicts that are taken away show by their numbers or by the sums beside them.
func TestMissingVerdictsShow(t *testing.T) {
	for name, c := range map[string]struct{ sql, why string }{
		"a revision": {"DELETE FROM verdict_revisions WHERE item_id = 'a' AND revision = 1", "1 revision is missing between others of their item"},
		"an item":    {"DELETE FROM verdicts WHERE item_id = 'b'", "on 1 day the verdicts aren't those that were counted, or counts had to be put right"},
		"an item that is no longer counted": {
			"INSERT INTO count_repairs (tenant, control, day, outcome, counted, recounted) VALUES ('default', 'AC-01', '2026-07-05', 'pass', 1, 0)",
			"on 1 day the verdicts aren't those that were counted, or counts had to be put right",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := asktest.New(t)
			first := asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-02", Outcome: compliance.Pending}
			second := asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-02", Outcome: compliance.Pass, Revision: 2, Before: &first, Known: asktest.At("2026-07-03")}
			w.Say(first, second, asktest.Said{Control: "AC-01", Item: "b", At: "2026-07-05", Outcome: compliance.Pass})
			require.NotEmpty(t, bys(certify(w, "AC-01"), "", "every verdict"))
			require.NoError(t, w.Conn.Exec(t.Context(), c.sql))
			require.Equal(t, []string{c.why}, whys(certify(w, "AC-01"), "", "every verdict"))
			require.NotEmpty(t, bys(certify(w, "CH-01"), "", "every verdict"), "of another control all are there")
		})
	}
}

// The calendar says how many items there have to be.
func TestScheduledItemsAreCounted(t *testing.T) {
	w := asktest.New(t)
	require.Equal(t, []string{"the calendar makes 1 in the period, and 0 are"}, whys(certify(w, "AC-04"), "", "calendar"))
	w.Say(asktest.Said{Control: "AC-04", Item: "console@2026-07", At: "2026-07-01", Outcome: compliance.Pass})
	c := certify(w, "AC-04")
	require.Equal(t, []string{"the calendar makes 1 in the period, and as many are"}, bys(c, "", "calendar"))
	require.Equal(t, []string{completeness.Evidence}, sourceOf(t, c, "/idp").Feeds)
}
