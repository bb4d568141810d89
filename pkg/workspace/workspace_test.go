package workspace_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/backup"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
)

func TestARequestIsAskedAnsweredAndClosed(t *testing.T) {
	w := newWorld(t).engaged()
	id, err := w.eve().Ask(t.Context(), soc2, workspace.Request{Title: "Who approves " + hostile, Text: "Two\nlines", Control: "CH-01", Due: "2026-10-15"})
	require.NoError(t, err)
	require.Equal(t, "R-1", id)
	r := w.request(id)
	require.Equal(t, workspace.Request{
		ID: "R-1", Title: "Who approves " + hostile, Text: "Two\nlines", Control: "CH-01", Due: "2026-10-15", State: workspace.Open,
		Mark: workspace.Mark{Version: 1, By: "eve", Role: "auditor", At: w.now},
	}, *r)
	require.True(t, r.Overdue(at("2026-10-16")))
	require.False(t, r.Overdue(at("2026-10-15")))

	require.NoError(t, w.bob().Answer(t.Context(), soc2, id, &workspace.Answer{Version: 1, Answer: "Ann does"}))
	r = w.request(id)
	require.Equal(t, workspace.Answered, r.State)
	require.Equal(t, []string{"Ann does", "bob"}, []string{r.Answer, r.AnsweredBy})
	require.NoError(t, w.eve().ChangeRequest(t.Context(), soc2, id, &workspace.RequestChange{Version: 2, State: new(workspace.Closed)}))
	require.Equal(t, compliance.Conflict, code(w.bob().Answer(t.Context(), soc2, id, &workspace.Answer{Version: 3, Answer: "later"})))
	require.NoError(t, w.eve().ChangeRequest(t.Context(), soc2, id, &workspace.RequestChange{Version: 3, State: new(workspace.Open), Due: new("")}))
	r = w.request(id)
	require.Equal(t, []any{workspace.Open, "", "Ann does", uint32(4)}, []any{r.State, r.Due, r.Answer, r.Version})

	// Every version is still there, the latest first.
	var versions []uint32
	for _, c := range w.read().History() {
		if c.ID == id {
			versions = append(versions, c.Version)
			require.True(t, json.Valid(c.Body))
		}
	}
	require.ElementsMatch(t, []uint32{1, 2, 3, 4}, versions)
}

// Of many who change the same version at once one is heard, and the others are told.
func TestOneOfManyChangesOfAVersionIsKept(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	item := s.Items[0].ID
	for round := range uint32(3) {
		kept, told := race(6, func(i int) error {
			return w.desk(fmt.Sprint("eve", i), "auditor").Test(t.Context(), soc2, s.ID, item,
				&workspace.TestChange{Version: round, Result: workspace.Exception, Note: fmt.Sprint("of ", i)})
		})
		require.Len(t, kept, 1)
		for _, err := range told {
			require.Equal(t, compliance.Conflict, code(err), err)
			require.ErrorContains(t, err, fmt.Sprintf("eve%d changed it meanwhile: version %d", kept[0], round+1))
		}
		test := w.sample(s.ID).Item(item).Test
		require.Equal(t, []any{fmt.Sprint("of ", kept[0]), fmt.Sprint("eve", kept[0]), round + 1}, []any{test.Note, test.By, test.Version})
	}
	// A version that was never there, and one of long ago.
	for _, version := range []uint32{0, 1, 7} {
		err := w.eve().Test(t.Context(), soc2, s.ID, item, &workspace.TestChange{Version: version, Result: workspace.Exception})
		require.Equal(t, compliance.Conflict, code(err))
	}
	// Whoever adds something doesn't stand in the others' way.
	kept, told := race(6, func(i int) error {
		_, err := w.eve().Ask(t.Context(), soc2, workspace.Request{Title: fmt.Sprint("question ", i)})
		return err
	})
	require.Len(t, kept, 6, told)
	require.Len(t, w.read().Requests, 6)
	require.Equal(t, compliance.Conflict, code(w.eve().Engage(t.Context(), workspace.Engagement{Name: soc2, From: 1, To: 2})))
}

// race does something n times at once, and says who was heard, and what the others were told.
func race(n int, do func(i int) error) (kept []int, told []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				kept = append(kept, i)
			} else {
				told = append(told, err)
			}
		})
	}
	close(begin)
	all.Wait()
	return kept, told
}

// Who isn't an auditor asks, draws, tests, shares and opens nothing; auditors don't answer.
func TestWhoMayWriteWhat(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	id, err := w.eve().Ask(t.Context(), soc2, workspace.Request{Title: "x"})
	require.NoError(t, err)
	share := workspace.ShareTests
	require.NoError(t, w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 2, Share: &share}))
	plan, err := sampling.Named("chiaro")
	require.NoError(t, err)
	for _, role := range []string{"engineer", "approver", "admin", ""} {
		d := w.desk("bob", role)
		_, asked := d.Ask(t.Context(), soc2, workspace.Request{Title: "x"})
		_, drawn := d.Draw(t.Context(), soc2, w.bundle, &workspace.Wish{Control: "CH-01", Plan: plan})
		for i, err := range []error{
			asked, drawn, d.Engage(t.Context(), workspace.Engagement{Name: "mine", From: 1, To: 2}),
			d.ChangeRequest(t.Context(), soc2, id, &workspace.RequestChange{Version: 1, Title: new("y")}),
			d.ChangeRequest(t.Context(), soc2, id, &workspace.RequestChange{Version: 1, State: new(workspace.Closed)}),
			d.ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 3, Share: &share}),
			d.Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{Result: workspace.NoException}),
		} {
			require.Equal(t, compliance.Forbidden, code(err), "%s, %d: %v", role, i, err)
		}
	}
	require.Equal(t, compliance.Forbidden, code(w.eve().Answer(t.Context(), soc2, id, &workspace.Answer{Version: 1, Answer: "y"})))
	require.Len(t, w.read().History(), 5, "nothing of it was kept")
}

// The entity sees of samples and tests what was shared, in every form; and not how they
// came about.
func TestTheEntitySeesWhatIsShared(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	_, err := w.eve().Ask(t.Context(), soc2, workspace.Request{Title: "The list of leavers"})
	require.NoError(t, err)
	const secret = "what only auditors know"
	require.NoError(t, w.eve().Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{
		Result: workspace.Exception, Attributes: map[string]workspace.Result{"A": workspace.Exception}, Note: secret,
	}))
	for version, c := range []struct {
		share        workspace.Share
		items, tests bool
	}{{workspace.ShareNothing, false, false}, {workspace.ShareItems, true, false}, {workspace.ShareTests, true, true}, {workspace.ShareNothing, false, false}} {
		require.NoError(t, w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: uint32(version) + 2, Share: &c.share}))
		seen := w.read().For(person("bob", "admin"))
		require.Len(t, seen.Requests, 1)
		everything := everyForm(t, seen)
		require.Equal(t, c.items, strings.Contains(everything, s.Items[0].ID), c.share)
		require.Equal(t, c.tests, strings.Contains(everything, secret), c.share)
		require.Equal(t, c.tests, strings.Contains(everything, "By somebody else"), c.share)
		if !c.tests {
			require.NotContains(t, everything, "exception")
		}
		for _, change := range seen.History() {
			require.Contains(t, []string{"request", "engagement"}, change.Kind)
		}
		require.Contains(t, everyForm(t, w.read().For(person("eve", "auditor"))), secret)
	}
}

// everyForm is a workspace in all its forms, and its history.
func everyForm(t *testing.T, w *workspace.Workspace) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, w.WriteJSON(&out))
	require.NoError(t, w.WriteCSV(output.Writer{Out: &out}))
	require.NoError(t, w.WriteRequestsCSV(output.Writer{Out: &out}))
	require.NoError(t, w.WriteText(output.Writer{Out: &out}))
	var book bytes.Buffer
	require.NoError(t, w.WriteXLSX(&book))
	out.WriteString(cellsOf(t, book.Bytes()))
	raw, err := json.Marshal(w.History())
	require.NoError(t, err)
	return out.String() + string(raw)
}

// What was drawn is what assay sample draws, and can be drawn again, whatever came since.
func TestADrawIsKeptAndMadeAgain(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	plan, err := sampling.Named("chiaro")
	require.NoError(t, err)
	want, err := sample.Make(t.Context(), w.conn, w.bundle, sample.Params{
		Tenant: "acme", Control: "CH-01", Engagement: soc2, Period: ask.Period{From: at("2026-07-01"), To: at("2026-10-01")}, AsOf: w.now, Now: w.now, Plan: plan,
	})
	require.NoError(t, err)
	require.Len(t, s.Items, 15)
	require.Equal(t, want.Population.SHA256, s.PopulationSHA256)
	require.Equal(t, want.Strata[0].Seed, s.Strata[0].Seed)
	for i, it := range want.Strata[0].Items {
		require.Equal(t, it.Item.ID, s.Items[i].ID)
	}
	w.say("dep-later", at("2026-08-01"), w.now.Add(time.Second))
	drawn, same, err := s.Again(t.Context(), w.conn, w.bundle, "acme", soc2, w.now.Add(time.Minute))
	require.NoError(t, err)
	require.True(t, same, "what was known since doesn't count")
	require.Equal(t, want.Population, drawn.Population)
	w.say("dep-slipped-in", at("2026-08-01"), at("2026-10-01"))
	_, same, err = s.Again(t.Context(), w.conn, w.bundle, "acme", soc2, w.now.Add(time.Minute))
	require.NoError(t, err)
	require.False(t, same, "an item that wasn't there shows")

	// A change of what is tested keeps the draw.
	share := workspace.ShareItems
	require.NoError(t, w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 2, Share: &share}))
	after := w.sample(s.ID)
	require.Equal(t, []any{s.Items, s.Strata, s.Plan, s.AsOf}, []any{after.Items, after.Strata, after.Plan, after.AsOf})
}

// No other tenant sees or changes anything, whatever the names are.
func TestTenantsAreApart(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	_, err := workspace.Read(t.Context(), w.conn, "other", soc2)
	require.Equal(t, compliance.NotFound, code(err))
	all, err := workspace.Engagements(t.Context(), w.conn, "other")
	require.NoError(t, err)
	require.Empty(t, all)
	other := w.eve()
	other.Tenant = "other"
	require.Equal(t, compliance.NotFound, code(other.Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{Result: workspace.Exception})))
	require.NoError(t, other.Engage(t.Context(), workspace.Engagement{Name: soc2, From: at("2026-07-01"), To: at("2026-10-01")}), "a name of their own")
	require.Empty(t, w.read().For(person("eve", "auditor")).Requests)
	require.Len(t, w.read().Samples, 1)
}

func TestWhatCannotBeKept(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	ask := func(r workspace.Request) error {
		_, err := w.eve().Ask(t.Context(), soc2, r)
		return err
	}
	test := func(c workspace.TestChange) error {
		return w.eve().Test(t.Context(), soc2, s.ID, s.Items[0].ID, &c)
	}
	attributes := func(all ...workspace.Attribute) error {
		return w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 2, Attributes: &all})
	}
	share := workspace.Share("everything")
	asked, err := w.eve().Ask(t.Context(), soc2, workspace.Request{Title: "x"})
	require.NoError(t, err)
	for i, err := range []error{
		w.bob().Answer(t.Context(), soc2, asked, &workspace.Answer{Version: 1, Answer: " "}), w.eve().ChangeRequest(t.Context(), soc2, asked, &workspace.RequestChange{Version: 1}),
		w.eve().ChangeRequest(t.Context(), soc2, asked, &workspace.RequestChange{Version: 1, State: new(workspace.Answered)}),
		ask(workspace.Request{}), ask(workspace.Request{Title: "two\nlines"}), ask(workspace.Request{Title: strings.Repeat("ä", 201)}),
		ask(workspace.Request{Title: "x", Due: "soon"}), ask(workspace.Request{Title: "x", Text: "\xff"}), ask(workspace.Request{Title: "x", Text: strings.Repeat("x", 8001)}),
		test(workspace.TestChange{}), test(workspace.TestChange{Result: "fine"}), test(workspace.TestChange{Result: workspace.Exception, Attributes: map[string]workspace.Result{"Z": workspace.Exception}}),
		test(workspace.TestChange{Result: workspace.Exception, Attributes: map[string]workspace.Result{"A": "fine"}}),
		attributes(workspace.Attribute{Letter: "a", Text: "x"}), attributes(workspace.Attribute{Letter: "A"}),
		attributes(workspace.Attribute{Letter: "A", Text: "x"}, workspace.Attribute{Letter: "A", Text: "y"}), attributes(make([]workspace.Attribute, 27)...),
		w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 2}), w.eve().ChangeSample(t.Context(), soc2, s.ID, &workspace.SampleChange{Version: 2, Share: &share}),
		w.eve().Engage(t.Context(), workspace.Engagement{Name: "x", From: 2, To: 2}), w.eve().Engage(t.Context(), workspace.Engagement{Name: "a/b", From: 1, To: 2}),
		w.eve().Engage(t.Context(), workspace.Engagement{Name: " ", From: 1, To: 2}),
	} {
		require.Equal(t, compliance.Invalid, code(err), "%d: %v", i, err)
	}
	require.Equal(t, compliance.NotFound, code(w.eve().Test(t.Context(), soc2, s.ID, "dep-none", &workspace.TestChange{Result: workspace.Exception})))
	require.Equal(t, compliance.NotFound, code(w.eve().Test(t.Context(), soc2, "S-9", s.Items[0].ID, &workspace.TestChange{Result: workspace.Exception})))
	require.Len(t, w.read().History(), 4, "nothing of it was kept")
}

// A backup brings every change back, and work goes on from there.
func TestBackupsHaveTheWorkspace(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	require.NoError(t, w.eve().Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{Result: workspace.NoException, Note: hostile}))
	before := everyForm(t, w.read())
	place := backup.Place{To: backup.DefaultTo, Name: w.config.Database}
	require.NoError(t, backup.Make(t.Context(), w.conn, w.config.Database, place))
	require.NoError(t, w.conn.Exec(t.Context(), "DROP DATABASE "+clickhouse.Quoted(w.config.Database)+" SYNC"))
	none := w.config
	none.Database = "default"
	server, err := clickhouse.Open(t.Context(), none)
	require.NoError(t, err)
	defer server.Close()
	_, err = backup.Restore(t.Context(), server, w.config.Database, place)
	require.NoError(t, err)
	require.Equal(t, before, everyForm(t, w.read()))
	require.Equal(t, compliance.Conflict, code(w.eve().Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{Result: workspace.Exception})))
	require.NoError(t, w.eve().Test(t.Context(), soc2, s.ID, s.Items[0].ID, &workspace.TestChange{Version: 1, Result: workspace.Exception}))
}
