package workspace

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Table holds every change. Nothing else can make it again.
const Table = "workspace_changes"

// The kinds of things that change.
const (
	kindEngagement = "engagement"
	kindRequest    = "request"
	kindSample     = "sample"
	kindTest       = "test"
)

// row is one change as it is stored.
type row struct {
	Engagement string    `ch:"engagement"`
	Kind       string    `ch:"kind"`
	ID         string    `ch:"id"`
	Version    uint32    `ch:"version"`
	Change     string    `ch:"change"`
	By         string    `ch:"by"`
	Role       string    `ch:"role"`
	At         time.Time `ch:"at"`
	Body       string    `ch:"body"`
}

func (r *row) mark() Mark { return Mark{r.Version, r.By, r.Role, compliance.InstantOf(r.At)} }

// Should two rows have one version, as when two databases were made one, the earlier holds.
const columns = `SELECT toString(engagement) AS engagement, toString(kind) AS kind, id, version, change, toString(by) AS by, toString(role) AS role, at, body
FROM workspace_changes WHERE tenant = {tenant:String}`

var (
	engagementsQuery = clickhouse.MustQuery(columns + ` AND kind = 'engagement'
ORDER BY engagement, version, at, change LIMIT 1 BY engagement, version`)
	changesQuery = clickhouse.MustQuery(columns + ` AND engagement = {engagement:String}
ORDER BY kind, id, version, at, change LIMIT 1 BY kind, id, version`)
	latestQuery = clickhouse.MustQuery(columns + ` AND engagement = {engagement:String} AND kind = {kind:String} AND id = {id:String}
AND version >= {version:UInt32} ORDER BY version DESC, at, change LIMIT 1`)
	keptQuery = clickhouse.MustQuery(columns + ` AND engagement = {engagement:String} AND kind = {kind:String} AND id = {id:String}
AND version = {version:UInt32} ORDER BY at, change LIMIT 1`)
)

// Engagements are those of a tenant, by name.
func Engagements(ctx context.Context, conn clickhouse.Conn, tenant string) ([]Engagement, error) {
	var rows []row
	if err := engagementsQuery.Select(ctx, conn, &rows, tenant); err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "listing the engagements: %w", err)
	}
	latest := map[string]Engagement{}
	for i := range rows {
		e := Engagement{}
		if err := rows[i].read(&e, &e.Mark); err != nil {
			return nil, err
		}
		latest[e.Name] = e
	}
	all := []Engagement{}
	for _, e := range latest {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Engagement) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// read puts a row's body into a thing.
func (r *row) read(into any, mark *Mark) error {
	if err := json.Unmarshal([]byte(r.Body), into); err != nil {
		return fmt.Errorf("reading %s %s of the workspace %s, version %d: %w", r.Kind, r.ID, r.Engagement, r.Version, err)
	}
	*mark = r.mark()
	return nil
}

// Read is the whole workspace of an engagement. What of it a person may see says For.
func Read(ctx context.Context, conn clickhouse.Conn, tenant, engagement string) (*Workspace, error) {
	var rows []row
	if err := changesQuery.Select(ctx, conn, &rows, tenant, clickhouse.Named("engagement", engagement)); err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "reading the workspace: %w", err)
	}
	w := &Workspace{Schema: Schema, Tenant: tenant, Note: Theirs, Requests: []Request{}, Samples: []Sample{}}
	return w, w.fold(rows)
}

// fold makes things of their changes, which come in the order of kind, id and version.
func (w *Workspace) fold(rows []row) error {
	tests := map[string]*Test{}
	for i := range rows {
		r := &rows[i]
		w.changes = append(w.changes, Change{r.Kind, r.ID, r.mark(), json.RawMessage(r.Body)})
		if i+1 < len(rows) && rows[i+1].Kind == r.Kind && rows[i+1].ID == r.ID {
			continue // a later version follows
		}
		if err := w.put(r, tests); err != nil {
			return err
		}
	}
	if w.Engagement.Name == "" {
		return errNoEngagement
	}
	for i := range w.Samples {
		s := &w.Samples[i]
		for j := range s.Items {
			s.Items[j].Test = tests[testID(s.ID, s.Items[j].ID)]
		}
	}
	byNumber := func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
	slices.SortFunc(w.Requests, func(a, b Request) int { return byNumber(a.ID, b.ID) })
	slices.SortFunc(w.Samples, func(a, b Sample) int { return byNumber(a.ID, b.ID) })
	slices.SortStableFunc(w.changes, func(a, b Change) int { return cmp.Compare(b.At, a.At) })
	return nil
}

// put adds a thing as its latest version says.
func (w *Workspace) put(r *row, tests map[string]*Test) error {
	switch r.Kind {
	case kindEngagement:
		return r.read(&w.Engagement, &w.Engagement.Mark)
	case kindRequest:
		w.Requests = append(w.Requests, Request{})
		q := &w.Requests[len(w.Requests)-1]
		return r.read(q, &q.Mark)
	case kindSample:
		w.Samples = append(w.Samples, Sample{})
		s := &w.Samples[len(w.Samples)-1]
		return r.read(s, &s.Mark)
	case kindTest:
		t := &Test{}
		tests[r.ID] = t
		return r.read(t, &t.Mark)
	}
	return nil // of a later release
}

var errNoEngagement = compliance.Errorf(compliance.NotFound, "there is no such engagement, or you may not see it")

func testID(sample, item string) string { return sample + "/" + item }

// Desk is where a person writes.
type Desk struct {
	// Conn may insert into workspace_changes, and reads them.
	Conn   clickhouse.Conn
	Tenant string
	Person Person
	Now    compliance.Instant
}

// mark is that of a version that the person makes.
func (d *Desk) mark(version uint32) Mark {
	return Mark{version, d.Person.Name, d.Person.Role, d.Now}
}

// keep adds a version of a thing, if it is the next one. Two keepers of one version bear
// the same token, so that ClickHouse keeps one row; which one it was its maker reads back.
func (d *Desk) keep(ctx context.Context, engagement, kind, id string, version uint32, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("writing %s %s: %w", kind, id, err)
	}
	if err := d.follows(ctx, engagement, kind, id, version); err != nil {
		return err
	}
	change := rand.Text()
	if err := d.insert(ctx, &row{engagement, kind, id, version, change, d.Person.Name, d.Person.Role, d.Now.Time(), string(raw)}); err != nil {
		return err
	}
	kept, err := d.kept(ctx, engagement, kind, id, version)
	if err == nil && kept.Change != change {
		err = conflict(kept)
	}
	return err
}

// How long a replica may take to show what another one took, and how often it is asked.
const (
	showsWithin = 5 * time.Second
	askEvery    = 20 * time.Millisecond
)

// kept is a version that was just inserted, by this desk or another.
func (d *Desk) kept(ctx context.Context, engagement, kind, id string, version uint32) (*row, error) {
	ctx, cancel := context.WithTimeout(ctx, showsWithin)
	defer cancel()
	for {
		kept, err := d.ask(ctx, keptQuery, engagement, kind, id, version)
		if err != nil || kept != nil {
			return kept, err
		}
		select {
		case <-ctx.Done():
			return nil, compliance.Errorf(compliance.Unavailable, "what was written doesn't show within %s; read it again to see whether it was kept", showsWithin)
		case <-time.After(askEvery):
		}
	}
}

// follows refuses a version that isn't the next one.
func (d *Desk) follows(ctx context.Context, engagement, kind, id string, version uint32) error {
	last, err := d.ask(ctx, latestQuery, engagement, kind, id, 0)
	switch {
	case err != nil:
		return err
	case last == nil && version == 1, last != nil && last.Version+1 == version:
		return nil
	}
	return conflict(last)
}

func conflict(last *row) error {
	if last == nil {
		return compliance.Errorf(compliance.Conflict, "there is no version of it to change yet; read it again")
	}
	return compliance.Errorf(compliance.Conflict, "%s changed it meanwhile: version %d of %s; read that, and then make your change again", last.By, last.Version, compliance.InstantOf(last.At))
}

// ask reads one version of a thing; nil if there is none.
func (d *Desk) ask(ctx context.Context, q clickhouse.Query, engagement, kind, id string, version uint32) (*row, error) {
	var rows []row
	err := q.Select(ctx, d.Conn, &rows, d.Tenant, clickhouse.Named("engagement", engagement), clickhouse.Named("kind", kind),
		clickhouse.Named("id", id), clickhouse.Named("version", version))
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "reading the workspace: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // nothing is kept yet, which is no fault
	}
	return &rows[0], nil
}

func (d *Desk) insert(ctx context.Context, r *row) (err error) {
	defer func() {
		if err != nil {
			err = compliance.Errorf(compliance.Unavailable, "writing to the workspace; does the user of ClickHouse have INSERT on workspace_changes?: %w", err)
		}
	}()
	batch, err := d.Conn.PrepareBatch(clickhouse.Once(ctx, token(d.Tenant, r)),
		"INSERT INTO workspace_changes (tenant, engagement, kind, id, version, change, by, role, at, body)")
	if err != nil {
		return err
	}
	defer batch.Close()
	if err := batch.Append(d.Tenant, r.Engagement, r.Kind, r.ID, r.Version, r.Change, r.By, r.Role, r.At, r.Body); err != nil {
		return err
	}
	return batch.Send()
}

// token names a version of a thing, whatever is in its names.
func token(tenant string, r *row) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", tenant, r.Engagement, r.Kind, r.ID, r.Version))
	return "workspace-" + hex.EncodeToString(sum[:])
}
