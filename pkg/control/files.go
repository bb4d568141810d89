package control

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// maxUnpacked bounds what a packed bundle may unfold to.
const maxUnpacked = 64 << 20

// Text is that of a file of a bundle that was loaded, nothing if it has no such file.
func (b *Bundle) Text(file string) string { return b.files[file] }

// Pack is the text of all files of a bundle that was loaded, in one piece: the same
// bytes for the same files.
func (b *Bundle) Pack() ([]byte, error) {
	text, err := json.Marshal(b.files)
	if err != nil {
		return nil, fmt.Errorf("packing a bundle: %w", err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err = w.Write(text); err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing a bundle: %w", err)
	}
	return packed.Bytes(), nil
}

// Unpack loads a bundle that was packed.
func Unpack(packed []byte, d *dictionary.Dictionary) (*Bundle, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "unpacking a bundle: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnpacked))
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "unpacking a bundle: %w", err)
	}
	var files map[string]string
	if err := json.Unmarshal(text, &files); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "unpacking a bundle: %w", err)
	}
	return compileTexts(files, d)
}

func compileTexts(files map[string]string, d *dictionary.Dictionary) (*Bundle, error) {
	boundary, err := document.Parse(BoundaryFile, []byte(files[BoundaryFile]))
	if err != nil {
		return nil, err
	}
	var docs []*document.Document
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name == BoundaryFile {
			continue
		}
		doc, err := document.Parse(name, []byte(files[name]))
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
	b, err := Compile(boundary, docs, d)
	if err != nil {
		return nil, err
	}
	b.files = files
	return b, nil
}
