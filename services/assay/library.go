package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/document"
)

// library is a folder of controls, and the boundary that they are judged in.
type library struct {
	files    fs.FS
	prefix   string // put before the files' names, where people read them
	boundary *document.Document
}

// openLibrary opens a folder, or what is built in if none is named.
func openLibrary(dir string) (*library, error) {
	if dir == "" {
		boundary, err := builtInBoundary()
		return &library{controls.FS, "controls", boundary}, err
	}
	if info, err := os.Stat(dir); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "opening controls: %w", err)
	} else if !info.IsDir() {
		return nil, compliance.Errorf(compliance.Invalid, "%s is no folder", dir)
	}
	boundary, err := nearestBoundary(dir)
	return &library{os.DirFS(dir), dir, boundary}, err
}

func builtInBoundary() (*document.Document, error) {
	text, err := controls.FS.ReadFile(control.BoundaryFile)
	if err != nil {
		return nil, err
	}
	return document.Parse("controls/"+control.BoundaryFile, text)
}

// nearestBoundary is the boundary file in a folder or the nearest above it, else
// the one that is built in.
func nearestBoundary(dir string) (*document.Document, error) {
	top, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	for name := dir; ; name = filepath.Join(name, "..") {
		file := filepath.Join(name, control.BoundaryFile)
		text, err := os.ReadFile(file)
		switch {
		case err == nil:
			return document.Parse(file, text)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, compliance.Errorf(compliance.Invalid, "reading the boundary: %w", err)
		case filepath.Dir(top) == top:
			return builtInBoundary()
		}
		top = filepath.Dir(top)
	}
}

// documents reads every control file of the library.
func (l *library) documents() ([]*document.Document, error) {
	var docs []*document.Document
	var problems document.Problems
	err := fs.WalkDir(l.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !control.IsControlFile(name) {
			return err
		}
		text, err := fs.ReadFile(l.files, name)
		if err != nil {
			return err
		}
		doc, err := document.Parse(filepath.Join(l.prefix, name), text)
		if err == nil {
			docs = append(docs, doc)
		}
		problems = append(problems, document.ProblemsOf(err)...)
		return nil
	})
	switch {
	case err != nil:
		return nil, compliance.Errorf(compliance.Invalid, "reading controls: %w", err)
	case len(problems) > 0:
		return docs, problems
	case len(docs) == 0:
		return nil, compliance.Errorf(compliance.Invalid, "there is no control file (*.yaml) below %s", l.prefix)
	}
	return docs, nil
}
