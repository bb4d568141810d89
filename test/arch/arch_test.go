// Package arch holds the repository to its own rules: who may import what, how
// large a thing may grow, what every package must say about itself, and that
// the topology, the compose file and the code agree.
//
// golangci-lint says some of this too, file by file and while typing. Here are
// the rules that need the whole graph, and those that nobody may silence.
package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "assay.example/assay"

// root is the repository's top folder, seen from this package's.
const root = "../.."

// pkg is what `go list` says about one package.
type pkg struct {
	ImportPath   string
	Dir          string
	Standard     bool
	Imports      []string
	Deps         []string
	TestImports  []string
	XTestImports []string
}

// path is p's place in the repository: "pkg/control".
func (p *pkg) path() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages are this module's; graph has those and all they depend on.
type packages struct {
	list  []*pkg
	graph map[string]*pkg
}

// listed asks `go list` once for all tests.
var listed = sync.OnceValues(func() (*packages, error) {
	cmd := exec.Command("go", "list", "-e", "-deps",
		"-json=ImportPath,Dir,Standard,Imports,Deps,TestImports,XTestImports", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing packages: %w", err)
	}
	all := &packages{graph: map[string]*pkg{}}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &pkg{}
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading go list's answer: %w", err)
		}
		all.graph[p.ImportPath] = p
		if within(p.ImportPath, module) {
			all.list = append(all.list, p)
		}
	}
})

func ours(t *testing.T) (list []*pkg, graph map[string]*pkg) {
	t.Helper()
	all, err := listed()
	require.NoError(t, err)
	require.NotEmpty(t, all.list, "go list names no package of %s", module)
	return all.list, all.graph
}

// within says whether path is prefix or below it.
func within(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// tracked lists the files that are in git and still exist, by their path from
// the top folder. Without git (an unpacked archive) there is nothing to hold.
var tracked = sync.OnceValues(func() ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if info, statErr := os.Lstat(filepath.Join(root, name)); name != "" && statErr == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	return files, err
})

func trackedFiles(t *testing.T) []string {
	t.Helper()
	files, err := tracked()
	if err != nil {
		t.Skipf("this is no git clone: %v", err)
	}
	require.NotEmpty(t, files)
	return files
}

// source is one parsed Go file of the repository.
type source struct {
	name string // from the top folder
	fset *token.FileSet
	file *ast.File
}

func (s *source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

// sources parses every tracked Go file that a person wrote.
func sources(t *testing.T) []*source {
	t.Helper()
	fset := token.NewFileSet()
	var list []*source
	for _, name := range trackedFiles(t) {
		if filepath.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(t, err)
		if !ast.IsGenerated(file) {
			list = append(list, &source{name: name, fset: fset, file: file})
		}
	}
	return list
}
