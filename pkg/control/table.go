package control

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"assay.example/assay/pkg/compliance"
)

// Table is a reference table as of some instant, as conditions see it:
// `key in refs.t`, `refs.t[key]`, `refs.t.of(prefix)`. A key of several parts is
// a list.
type Table struct {
	rows map[string]View
	// keys are sorted.
	keys []string
	// at is the join key that all its rows lie at; empty: they lie at any.
	at string
	// doubts says why a row, or with nil that there is none, can't be believed; nil: all can.
	doubts func(row View) Doubt
	// asOf is the table as of another instant; nil: it has no other.
	asOf func(compliance.Instant) *Table
}

// NewTable takes rows by their encoded key.
func NewTable(rows map[string]View) *Table {
	t := &Table{rows: rows, keys: make([]string, 0, len(rows))}
	for k := range rows {
		t.keys = append(t.keys, k)
	}
	slices.Sort(t.keys)
	return t
}

var tableType = types.NewObjectType("assay.Table", traits.ContainerType, traits.IndexerType)

// ConvertToNative implements ref.Val; tables never leave CEL.
func (t *Table) ConvertToNative(want reflect.Type) (any, error) {
	return nil, fmt.Errorf("a reference table is no %v", want)
}

// ConvertToType implements ref.Val.
func (t *Table) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("a reference table has no other type")
}

// Equal implements ref.Val: tables are not compared.
func (t *Table) Equal(o ref.Val) ref.Val { return types.Bool(t == o) }

// Type implements ref.Val.
func (t *Table) Type() ref.Type { return tableType }

// Value implements ref.Val.
func (t *Table) Value() any { return t }

// Contains implements `key in table`.
func (t *Table) Contains(key ref.Val) ref.Val {
	k := encodeVal(key)
	row, ok := t.rows[k]
	if err := t.doubt(k, row); err != nil {
		return err
	}
	return types.Bool(ok)
}

// Get implements `table[key]`.
func (t *Table) Get(key ref.Val) ref.Val {
	k := encodeVal(key)
	row, ok := t.rows[k]
	if err := t.doubt(k, row); err != nil {
		return err
	}
	if !ok {
		return types.NewErr("no such key: %v", key.Value())
	}
	return types.DefaultTypeAdapter.NativeToValue(map[string]any(row))
}

// of is every row whose key begins with prefix, in the order of keys.
func (t *Table) of(prefix ref.Val) ref.Val {
	rows := []map[string]any{}
	looked := []View{nil}
	under := encodeVal(prefix)
	start := strings.TrimSuffix(under, "]")
	for _, k := range t.keys {
		rest, ok := strings.CutPrefix(k, start)
		if ok && start != "" && (rest[0] == ',' || rest[0] == ']') {
			rows, looked = append(rows, t.rows[k]), append(looked, t.rows[k])
		}
	}
	if err := t.doubt(under, looked...); err != nil {
		return err
	}
	return types.DefaultTypeAdapter.NativeToValue(rows)
}

// all is every row, in the order of keys.
func (t *Table) all() []View {
	rows := make([]View, len(t.keys))
	for i, k := range t.keys {
		rows[i] = t.rows[k]
	}
	return rows
}

// encodeVal is the encoded key of a CEL value: a scalar, or a list of them.
func encodeVal(v ref.Val) string {
	list, ok := v.(traits.Lister)
	if !ok {
		key, _ := EncodeKey(v.Value())
		return key
	}
	var parts []any
	for it := list.Iterator(); it.HasNext() == types.True; {
		parts = append(parts, it.Next().Value())
	}
	key, _ := EncodeKey(parts...)
	return key
}

// Declared is a reference table or list that comes with the bundle; each row has
// its own validity.
type Declared struct {
	Name string
	// versions are the table between changes, in order of time.
	versions []declaredVersion
	rows     []DeclaredRow
}

// DeclaredRow is valid in [From, Until).
type DeclaredRow struct {
	Key string
	// Parts are the key's, if it has several; then Key is empty.
	Parts       []any
	Fields      View
	From, Until compliance.Instant
}

func (r *DeclaredRow) encoded() string {
	parts := r.Parts
	if len(parts) == 0 {
		parts = []any{r.Key}
	}
	key, _ := EncodeKey(parts...)
	return key
}

// plainKeys says that every row's key is one text, so that it can be a member.
func (d *Declared) plainKeys() bool {
	return !slices.ContainsFunc(d.rows, func(r DeclaredRow) bool { return len(r.Parts) > 0 })
}

type declaredVersion struct {
	from  compliance.Instant
	table *Table
	keys  []string // plain keys in scope, sorted
}

func newDeclared(name string, rows []DeclaredRow) *Declared {
	d := &Declared{Name: name, rows: rows}
	changes := []compliance.Instant{compliance.Ever}
	for _, r := range rows {
		changes = append(changes, r.From, r.Until)
	}
	slices.Sort(changes)
	for _, at := range slices.Compact(changes) {
		d.versions = append(d.versions, d.version(at))
	}
	return d
}

// Rows are all rows, as they stand in the file, those of other times included.
func (d *Declared) Rows() []DeclaredRow { return slices.Clone(d.rows) }

func (d *Declared) version(at compliance.Instant) declaredVersion {
	rows, keys := map[string]View{}, []string{}
	for _, r := range d.rows {
		if r.From <= at && at < r.Until {
			rows[r.encoded()] = r.Fields
			keys = append(keys, r.Key)
		}
	}
	slices.Sort(keys)
	return declaredVersion{from: at, table: NewTable(rows).AsOf(d.At), keys: keys}
}

func (d *Declared) at(t compliance.Instant) *declaredVersion {
	i, found := slices.BinarySearchFunc(d.versions, t, func(v declaredVersion, t compliance.Instant) int {
		return cmp.Compare(v.from, t)
	})
	if !found {
		i--
	}
	return &d.versions[i]
}

// At is the table as of t.
func (d *Declared) At(t compliance.Instant) *Table { return d.at(t).table }

// Members are the keys in scope at t, sorted.
func (d *Declared) Members(t compliance.Instant) []string { return d.at(t).keys }
