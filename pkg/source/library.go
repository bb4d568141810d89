package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/schemas"
)

// Library is the vendors that are known. It never changes, and is safe for
// concurrent use.
type Library struct {
	vendors map[string]*Vendor
	names   []string
}

// Vendor is one vendor's payloads and their mappings.
type Vendor struct {
	// Name is that of the folder.
	Name, Title, Documentation string
	// Signature names the scheme by which its deliveries are believed.
	Signature string
	// Headers are those that mappings look at, in lower case.
	Headers []string
	// Bytes is the most that a delivery of this vendor has, by his own word; 0 where
	// nobody says.
	Bytes int64
	// Proven says that the mappings were tried on payloads that the vendor sent, not
	// only on its documentation.
	Proven bool

	ignore         bool // records without a mapping are of no interest
	each, kind, id *program
	lets           map[string]*program
	mappings       []*mapping
	version        string
}

// sourceFile describes a vendor; every other file of its folder has mappings, or
// the cases that test them.
const (
	sourceFile = "source.yaml"
	caseSuffix = "_test.yaml"
)

// Default loads the vendors that the product ships.
func Default(types *dictionary.Dictionary) (*Library, error) {
	sub, err := fs.Sub(schemas.FS, "sources")
	if err != nil {
		return nil, fmt.Errorf("opening the embedded sources: %w", err)
	}
	return Load(sub, types)
}

// Load reads a folder of vendors. Its error is document.Problems, with every fault
// of all files.
func Load(fsys fs.FS, types *dictionary.Dictionary) (*Library, error) {
	files, err := fs.Glob(fsys, "*/"+sourceFile)
	if err != nil {
		return nil, fmt.Errorf("listing sources: %w", err)
	}
	if len(files) == 0 {
		return nil, compliance.Errorf(compliance.NotFound, "there are no sources (<vendor>/%s) in the folder", sourceFile)
	}
	l := &Library{vendors: map[string]*Vendor{}}
	var problems document.Problems
	for _, file := range files {
		v, faults, err := loadVendor(fsys, path.Dir(file), types)
		if err != nil {
			return nil, err
		}
		problems = append(problems, faults...)
		l.vendors[path.Dir(file)] = v
		l.names = append(l.names, path.Dir(file))
	}
	return l, problems.OrNil()
}

// Vendor finds a vendor by its name.
func (l *Library) Vendor(name string) (*Vendor, bool) {
	v, ok := l.vendors[name]
	return v, ok
}

// Names lists the vendors, sorted. The slice is the caller's.
func (l *Library) Names() []string { return slices.Clone(l.names) }

// Version is the vendor and a hash of its files: "github@1f3a9c02".
func (v *Vendor) Version() string { return v.Name + "@" + v.version }

// Names says whether a mapping of v names this kind, by itself or by its beginning,
// and not only as one of all kinds.
func (v *Vendor) Names(kind string) bool {
	return slices.ContainsFunc(v.mappings, func(m *mapping) bool {
		return slices.ContainsFunc(m.kinds, func(k string) bool { return k != "*" }) && m.takes(kind)
	})
}

// DeliveryID is what the vendor calls the delivery; empty if it has no name.
func (v *Vendor) DeliveryID(d Delivery) string {
	id, err := v.id.text(v.scope(&d))
	if err != nil {
		return "" // it is for people only
	}
	return id
}

func loadVendor(fsys fs.FS, name string, types *dictionary.Dictionary) (*Vendor, document.Problems, error) {
	files, err := fs.Glob(fsys, name+"/*.yaml")
	if err != nil {
		return nil, nil, fmt.Errorf("listing the files of source %s: %w", name, err)
	}
	c, err := newCompiler(name, types)
	if err != nil {
		return nil, nil, err
	}
	hash := sha256.New()
	// The vendor's own file first, for its definitions.
	slices.SortFunc(files, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	for _, file := range files {
		if strings.HasSuffix(file, caseSuffix) {
			continue
		}
		raw, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", file, err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", file, len(raw), raw)
		if !c.file(file, raw) && rank(file) == 0 {
			break // all others would complain of names that it defines
		}
	}
	v := c.finish()
	v.version = hex.EncodeToString(hash.Sum(nil))[:16]
	return v, c.problems, nil
}

func rank(file string) int {
	if path.Base(file) == sourceFile {
		return 0
	}
	return 1
}
