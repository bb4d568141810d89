package control

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// Bundle is one published set of controls, boundary and reference tables.
type Bundle struct {
	// Hash is of everything that can change a verdict.
	Hash     string
	Controls []*Control // in the order of ids
	Declarations
	byID       map[string]*Control
	files      map[string]string
	dictionary *dictionary.Dictionary
}

// Declarations are what the boundary file says.
type Declarations struct {
	// EffectiveFrom: items before it don't exist; evidence before it does.
	EffectiveFrom compliance.Instant
	// HistoryFrom is where the record begins; Ever if the file doesn't say.
	HistoryFrom compliance.Instant
	Tenants     []string
	Boundary    map[string]*Declared
	Refs        map[string]*Declared
	Sources     []Source // in the order of names
	Calendars   map[string]*Calendar
}

// Source is a declared sender of events.
type Source struct {
	Name  string
	Types []string
	// MaxGap is how far apart its heartbeats may be; 0 says that it sends none.
	MaxGap time.Duration
	// Counts says that it numbers what it sends (sequence), so that a loss shows.
	Counts bool
}

// Types of the records that speak of a source as a whole.
const (
	Heartbeat     = "source.heartbeat"
	SourceRetired = "source.retired"
)

// BoundaryFile is the name of the file with the declarations.
const BoundaryFile = "boundary.yaml"

// ComplementaryFile is the name of the file that says which controls others must operate.
// No verdict hangs on it, so that it is no part of a bundle; pkg/report reads it.
const ComplementaryFile = "complementary.yaml"

// Dictionary is what the bundle's types of events are.
func (b *Bundle) Dictionary() *dictionary.Dictionary { return b.dictionary }

// Control finds a control by id; nil if there is none.
func (b *Bundle) Control(id string) *Control { return b.byID[id] }

// Only is the bundle with some of its controls, and those whose verdicts they read, for
// looking at those alone. Its hash is that of the whole.
func (b *Bundle) Only(ids []string) *Bundle {
	ids = slices.Clone(ids)
	for i := 0; i < len(ids); i++ {
		if c := b.byID[ids[i]]; c != nil {
			for _, of := range c.ReadVerdicts() {
				ids = append(ids, of.ID)
			}
		}
	}
	some := *b
	some.Controls = slices.DeleteFunc(slices.Clone(b.Controls), func(c *Control) bool { return !slices.Contains(ids, c.ID) })
	some.byID = map[string]*Control{}
	for _, c := range some.Controls {
		some.byID[c.ID] = c
	}
	return &some
}

// Stages is how many there are: one, if no control reads another's verdicts.
func (b *Bundle) Stages() int {
	n := 0
	for _, c := range b.Controls {
		n = max(n, c.Stage)
	}
	return n + 1
}

// SourcesOf are the indices of the declared sources that send one of the types.
func (d *Declarations) SourcesOf(patterns []string) []int {
	var found []int
	for i, s := range d.Sources {
		if slices.ContainsFunc(s.Types, func(p string) bool { return overlaps(p, patterns) }) {
			found = append(found, i)
		}
	}
	return found
}

// Counts tells whether a source numbers what it sends.
func (d *Declarations) Counts(source string) bool {
	return slices.ContainsFunc(d.Sources, func(s Source) bool { return s.Counts && s.Name == source })
}

func overlaps(pattern string, with []string) bool {
	return slices.ContainsFunc(with, func(o string) bool {
		a, aStar := strings.CutSuffix(pattern, "*")
		b, bStar := strings.CutSuffix(o, "*")
		switch {
		case aStar && bStar:
			return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
		case aStar:
			return strings.HasPrefix(b, a)
		case bStar:
			return strings.HasPrefix(a, b)
		}
		return a == b
	})
}

// Load reads every control below the top of fsys and the boundary file there.
// All faults come back at once, as document.Problems.
func Load(fsys fs.FS, d *dictionary.Dictionary) (*Bundle, error) {
	boundary, err := fs.ReadFile(fsys, BoundaryFile)
	if err != nil {
		return nil, fmt.Errorf("reading the boundary: %w", err)
	}
	return LoadWith(fsys, boundary, d)
}

// LoadWith is Load with another boundary file.
func LoadWith(fsys fs.FS, boundary []byte, d *dictionary.Dictionary) (*Bundle, error) {
	declared, err := document.Parse(BoundaryFile, boundary)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{BoundaryFile: string(boundary)}
	var files []*document.Document
	var problems document.Problems
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !IsControlFile(name) {
			return err
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		texts[name] = string(text)
		doc, err := document.Parse(name, text)
		if err == nil {
			files = append(files, doc)
		}
		problems = append(problems, document.ProblemsOf(err)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading controls: %w", err)
	}
	b, err := Compile(declared, files, d)
	if problems = append(problems, document.ProblemsOf(err)...); len(problems) > 0 {
		return nil, problems.OrNil()
	}
	if b != nil {
		b.files = texts
	}
	return b, err
}

// Compile makes a bundle of a boundary and of control files. All faults come
// back at once, as document.Problems.
func Compile(boundary *document.Document, files []*document.Document, d *dictionary.Dictionary) (*Bundle, error) {
	b := &Bundle{byID: map[string]*Control{}, dictionary: d}
	r := &boundaryReader{boundary.Reader(), d}
	b.Declarations = r.declarations(boundary.Root)
	if err := r.Problems.OrNil(); err != nil {
		return nil, err
	}
	var problems document.Problems
	var all []versioned
	files, problems = inOrder(files)
	judged := map[string][]*Control{}
	for _, doc := range files {
		v := b.compile(doc, judged)
		problems = append(problems, v.reader.Problems...)
		v.reader.Problems = nil
		all = append(all, v)
		judged[v.ID] = append(judged[v.ID], v.Control)
	}
	problems = append(problems, b.join(all)...)
	if err := problems.OrNil(); err != nil {
		return nil, err
	}
	b.seal(generic(boundary.Root))
	return b, nil
}

// IsControlFile tells control files from tests and from what stands beside them.
func IsControlFile(name string) bool {
	base := path.Base(name)
	return path.Ext(base) == ".yaml" && !strings.HasSuffix(base, "_test.yaml") && base != BoundaryFile && base != ComplementaryFile
}

func (b *Bundle) compile(doc *document.Document, judged map[string][]*Control) versioned {
	r := doc.Reader()
	env, err := language()
	if err != nil {
		r.At(1, 1, "making the language: %v", err)
		return versioned{&Control{}, r}
	}
	c := (&compiler{r: r, dictionary: b.dictionary, declared: b.Declarations, judged: judged, env: env}).run(doc.Root)
	return versioned{c, r}
}

// seal orders the controls and computes the bundle's hash.
func (b *Bundle) seal(boundary any) {
	slices.SortFunc(b.Controls, func(x, y *Control) int { return strings.Compare(x.ID, y.ID) })
	parts := []any{boundary}
	for i, c := range b.Controls {
		c.Index = i
		parts = append(parts, c.ID, c.RouteHash())
	}
	b.Hash = hashOf(parts)
}

// boundaryReader reads the boundary file.
type boundaryReader struct {
	*document.Reader
	dictionary *dictionary.Dictionary
}

func (r *boundaryReader) declarations(n *yaml.Node) Declarations {
	d := Declarations{EffectiveFrom: compliance.Ever, HistoryFrom: compliance.Ever, Boundary: map[string]*Declared{}, Refs: map[string]*Declared{}, Calendars: map[string]*Calendar{}}
	f := r.Mapping(n, "the boundary file", "effective_from", "history_from", "tenants", "boundary", "sources", "refs", "calendars")
	if n := f["effective_from"]; n != nil {
		d.EffectiveFrom = r.instant(n)
	}
	if n := f["history_from"]; n != nil {
		if d.HistoryFrom = r.instant(n); d.HistoryFrom > d.EffectiveFrom {
			r.Problem(n, "history_from: is after effective_from:, so nobody knows all items from there on; let effective_from be %s or later", d.HistoryFrom)
		}
	}
	d.Tenants = r.Texts(f["tenants"], "tenants")
	if len(d.Tenants) == 0 {
		d.Tenants = []string{"default"}
	}
	r.named(f["boundary"], "boundary", func(name string, node *yaml.Node) { d.Boundary[name] = r.declaredList(name, node) })
	r.named(f["refs"], "refs", func(name string, node *yaml.Node) { d.Refs[name] = r.declaredTable(name, node) })
	r.named(f["calendars"], "calendars", func(name string, node *yaml.Node) { d.Calendars[name] = r.calendar(node) })
	r.Each(f["sources"], "sources", func(key, node *yaml.Node) { d.Sources = append(d.Sources, r.source(key.Value, node)) })
	slices.SortFunc(d.Sources, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	return d
}

// named is each over what conditions call by name.
func (r *boundaryReader) named(n *yaml.Node, what string, visit func(string, *yaml.Node)) {
	r.Each(n, what, func(key, node *yaml.Node) {
		if !namePattern.MatchString(key.Value) {
			r.Problem(key, "%q can't be named in a condition; use lower case and underscores", key.Value)
			return
		}
		visit(key.Value, node)
	})
}

func (r *boundaryReader) instant(n *yaml.Node) compliance.Instant {
	t, err := compliance.ParseInstant(r.Text(n, "a time"))
	if err != nil {
		r.Problem(n, "%v", err)
	}
	return t
}

func (r *boundaryReader) source(name string, n *yaml.Node) Source {
	f := r.Mapping(n, "a source", "types", "max_gap", "sequence")
	s := Source{Name: name, Types: r.Texts(f["types"], "types")}
	if len(s.Types) == 0 {
		r.Problem(n, "a source needs types:, the event types that it sends")
	}
	for _, pattern := range s.Types {
		if len(matchingTypes(r.dictionary, pattern)) == 0 {
			r.Problem(f["types"], "no event type matches %q%s", pattern, document.DidYouMean(pattern, r.dictionary.Names()))
		}
	}
	if gap := f["max_gap"]; gap != nil {
		d, err := ParseDuration(r.Text(gap, "max_gap"))
		if err != nil || d <= 0 {
			r.Problem(gap, "max_gap: is a duration above 0, such as 15m")
		}
		s.MaxGap = d
	}
	if n := f["sequence"]; n != nil {
		if err := n.Decode(&s.Counts); err != nil {
			r.Problem(n, "sequence: is true or false")
		}
		if s.Counts && f["max_gap"] == nil {
			r.Problem(n, "a source that counts needs max_gap: as well; what is missing lies between two of its heartbeats")
		}
	}
	return s
}

// declaredList reads entries that are names, or {id, from, until}.
func (r *boundaryReader) declaredList(name string, n *yaml.Node) *Declared {
	var rows []DeclaredRow
	for _, entry := range r.List(n, "boundary."+name) {
		if entry.Kind == yaml.ScalarNode {
			rows = append(rows, DeclaredRow{Key: entry.Value, Fields: View{"id": entry.Value}, From: compliance.Ever, Until: compliance.Never})
			continue
		}
		f := r.Mapping(entry, "an entry", "id", "from", "until")
		row := r.validity(f["from"], f["until"])
		row.Key = r.Text(f["id"], "id")
		row.Fields = View{"id": row.Key}
		rows = append(rows, row)
	}
	return newDeclared(name, rows)
}

// declaredTable reads rows by key, or a list of rows that say their key themselves;
// valid_from and valid_until bound a row.
func (r *boundaryReader) declaredTable(name string, n *yaml.Node) *Declared {
	var rows []DeclaredRow
	if n.Kind == yaml.SequenceNode {
		for _, entry := range n.Content {
			rows = append(rows, r.keyedRow(entry, rows))
		}
		return newDeclared(name, rows)
	}
	r.Each(n, "refs."+name, func(key, node *yaml.Node) {
		row, _ := r.row(node, "")
		row.Key = key.Value
		rows = append(rows, row)
	})
	return newDeclared(name, rows)
}

// keyedRow reads a row whose key: is a text, or a list of them. A key may have several
// rows, one after the other in time.
func (r *boundaryReader) keyedRow(n *yaml.Node, before []DeclaredRow) DeclaredRow {
	row, key := r.row(n, "key")
	texts := r.Texts(key, "key")
	if len(texts) == 1 {
		row.Key = texts[0]
	}
	for _, text := range texts {
		if len(texts) > 1 {
			row.Parts = append(row.Parts, text)
		}
	}
	if len(texts) == 0 || slices.Contains(texts, "") {
		r.Problem(n, "a row of a list needs key:, a text or a list of texts")
		return row
	}
	for _, other := range before {
		if other.encoded() == row.encoded() && other.From < row.Until && row.From < other.Until {
			r.Problem(key, "a row above has this key at the same time; end it with valid_until")
		}
	}
	return row
}

// row reads a row's validity and fields; the one called special is given back as it is.
func (r *boundaryReader) row(n *yaml.Node, special string) (row DeclaredRow, key *yaml.Node) {
	var from, until *yaml.Node
	fields := View{}
	r.Each(n, "a row", func(k, v *yaml.Node) {
		switch k.Value {
		case "valid_from":
			from = v
		case "valid_until":
			until = v
		case special:
			key = v
		default:
			fields[k.Value] = r.anyValue(v)
		}
	})
	row = r.validity(from, until)
	row.Fields = fields
	return row, key
}

func (r *boundaryReader) validity(from, until *yaml.Node) DeclaredRow {
	row := DeclaredRow{From: compliance.Ever, Until: compliance.Never}
	if from != nil {
		row.From = r.instant(from)
	}
	if until != nil {
		row.Until = r.instant(until)
		if row.Until <= row.From {
			r.Problem(until, "this is never valid: it ends before it begins")
		}
	}
	return row
}

func (r *boundaryReader) anyValue(n *yaml.Node) any {
	var v any
	if err := n.Decode(&v); err != nil {
		r.Problem(n, "reading a value: %v", err)
	}
	return normalize(v)
}

// normalize gives YAML's values the types that events have.
func normalize(v any) any {
	switch x := v.(type) {
	case int:
		return int64(x)
	case []any:
		for i := range x {
			x[i] = normalize(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = normalize(x[k])
		}
	}
	return v
}
