package source

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// compiler turns a vendor's files into a Vendor and collects what is wrong.
type compiler struct {
	types    *dictionary.Dictionary
	env      *cel.Env
	vendor   *Vendor
	r        *document.Reader // of the file in hand
	problems document.Problems
}

func newCompiler(name string, types *dictionary.Dictionary) (*compiler, error) {
	env, err := language()
	if err != nil {
		return nil, fmt.Errorf("making the language of mappings: %w", err)
	}
	return &compiler{types: types, env: env, vendor: &Vendor{Name: name, lets: map[string]*program{}}}, nil
}

// finish orders the mappings: those for what is left come last.
func (c *compiler) finish() *Vendor {
	slices.SortStableFunc(c.vendor.mappings, func(a, b *mapping) int {
		switch {
		case a.otherwise == b.otherwise:
			return 0
		case b.otherwise:
			return -1
		}
		return 1
	})
	return c.vendor
}

// file says whether the file could be read.
func (c *compiler) file(file string, raw []byte) bool {
	doc, err := document.Parse(file, raw)
	if err != nil {
		c.problems = append(c.problems, document.ProblemsOf(err)...)
		return false
	}
	c.r = doc.Reader()
	if strings.HasSuffix(file, "/"+sourceFile) {
		c.source(doc.Root)
	} else {
		f := c.r.Mapping(doc.Root, "a file of mappings", "let", "mappings")
		c.let(f["let"])
		if f["mappings"] == nil {
			c.r.Problem(doc.Root, "a file of mappings needs mappings:")
		}
		c.maps(f["mappings"])
	}
	c.problems = append(c.problems, c.r.Problems...)
	return true
}

// source reads what the vendor is; it may have mappings as well.
func (c *compiler) source(n *yaml.Node) {
	f := c.r.Mapping(n, "a source", "title", "documentation", "payloads", "signature", "bytes", "headers", "delivery",
		"each", "kind", "unmapped", "let", "mappings")
	v := c.vendor
	v.Title, v.Documentation = c.needed(n, f, "title"), c.needed(n, f, "documentation")
	v.Signature = c.needed(n, f, "signature")
	v.Proven = c.choice(f["payloads"], "payloads", "real", "documented") == "real"
	v.ignore = c.choice(f["unmapped"], "unmapped", "keep", "ignore") == "ignore"
	v.Bytes = c.bytes(f["bytes"])
	for _, h := range c.r.Texts(f["headers"], "headers") {
		v.Headers = append(v.Headers, strings.ToLower(h))
	}
	c.let(f["let"])
	v.each = c.bounded(f["each"], eachLimit, cel.ListType(cel.DynType))
	if v.kind = c.program(f["kind"], cel.StringType); f["kind"] == nil {
		c.r.Problem(n, "a source needs kind:, the vendor's word for what a record tells")
	}
	v.id = c.program(f["delivery"], cel.StringType)
	c.maps(f["mappings"])
}

// maxBytes is the most that a vendor may say of his deliveries.
const maxBytes = 64 << 20

func (c *compiler) bytes(n *yaml.Node) int64 {
	if n == nil {
		return 0
	}
	size, err := strconv.ParseInt(c.r.Text(n, "bytes"), 10, 64)
	if err != nil || size < 1 || size > maxBytes {
		c.r.Problem(n, "bytes is the most that a delivery has: a whole number from 1 to %d", maxBytes)
	}
	return size
}

func (c *compiler) needed(n *yaml.Node, f map[string]*yaml.Node, name string) string {
	text := c.r.Text(f[name], name)
	if text == "" {
		c.r.Problem(n, "a source needs %s:", name)
	}
	return text
}

// choice is one of some words; absent, it is the first.
func (c *compiler) choice(n *yaml.Node, what string, words ...string) string {
	word := c.r.Text(n, what)
	if n == nil {
		return words[0]
	}
	if !slices.Contains(words, word) {
		c.r.Problem(n, "%s is %q; choose %s", what, word, strings.Join(words, " or "))
	}
	return word
}

// let defines names, each for all expressions that follow.
func (c *compiler) let(n *yaml.Node) {
	c.r.Each(n, "let", func(key, value *yaml.Node) {
		name := key.Value
		if _, taken := c.vendor.lets[name]; taken {
			c.r.Problem(key, "%s is defined already", name)
			return
		}
		p := c.program(value, cel.DynType)
		env, err := c.env.Extend(cel.Variable(name, cel.DynType))
		if err != nil {
			c.r.Problem(key, "%q can't be a name: %v", name, err)
			return
		}
		c.env, c.vendor.lets[name] = env, p
	})
}

func (c *compiler) maps(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.r.Problem(n, "mappings must be a list")
		return
	}
	for _, m := range n.Content {
		c.mapping(m)
	}
}

func (c *compiler) mapping(n *yaml.Node) {
	f := c.r.Mapping(n, "a mapping", "kinds", "when", "otherwise", "type", "id", "time", "data")
	m := &mapping{place: fmt.Sprintf("%s:%d", c.r.File(), n.Line), kinds: c.r.Texts(f["kinds"], "kinds")}
	if len(m.kinds) == 0 {
		c.r.Problem(n, `a mapping needs kinds:, such as [push] or ["issues.*"]`)
	}
	m.otherwise = c.choice(f["otherwise"], "otherwise", "false", "true") == "true"
	m.when = c.program(f["when"], cel.BoolType)
	m.id = c.program(f["id"], cel.DynType)
	m.time = c.program(f["time"], cel.DynType)
	name := c.r.Text(f["type"], "type")
	typ, ok := c.types.Type(name)
	if !ok {
		c.r.Problem(at(f["type"], n), "there is no event type %q%s", name, document.DidYouMean(name, c.types.Names()))
		return
	}
	m.typ = typ
	c.data(m, f["data"], n)
	c.vendor.mappings = append(c.vendor.mappings, m)
}

func at(n, otherwise *yaml.Node) *yaml.Node {
	if n == nil {
		return otherwise
	}
	return n
}

// kindTypes are what an expression for a field may give, where CEL knows.
var kindTypes = map[dictionary.Kind][]*cel.Type{
	dictionary.String: {cel.StringType, cel.IntType, cel.TimestampType},
	dictionary.Int:    {cel.IntType, cel.UintType, cel.DoubleType, cel.DurationType},
	dictionary.Number: {cel.DoubleType, cel.IntType, cel.UintType},
	dictionary.Bool:   {cel.BoolType},
	dictionary.List:   {cel.ListType(cel.DynType)},
	dictionary.Map:    {cel.MapType(cel.DynType, cel.DynType)},
}

func (c *compiler) data(m *mapping, n, of *yaml.Node) {
	given := map[string]bool{}
	c.r.Each(n, "data", func(key, value *yaml.Node) {
		name := key.Value
		given[name] = true
		decl, ok := m.typ.Fields[name]
		if !ok {
			c.r.Problem(key, "%s has no field %q%s", m.typ.Name, name, document.DidYouMean(name, m.typ.FieldNames()))
			return
		}
		m.data = append(m.data, field{name, decl, c.program(value, kindTypes[decl.Kind]...)})
	})
	for _, name := range slices.Sorted(maps.Keys(m.typ.Fields)) {
		if m.typ.Fields[name].Required && !given[name] {
			c.r.Problem(at(n, of), "%s needs the field %s: %s", m.typ.Name, name, m.typ.Fields[name].Description)
		}
	}
}

// program compiles an expression, nil if it is absent. A result whose type CEL
// doesn't know is looked at when it comes.
func (c *compiler) program(n *yaml.Node, want ...*cel.Type) *program {
	return c.bounded(n, costLimit, want...)
}

func (c *compiler) bounded(n *yaml.Node, limit uint64, want ...*cel.Type) *program {
	if n == nil {
		return nil
	}
	src := c.r.Text(n, "an expression")
	checked, issues := c.env.Compile(src)
	if issues.Err() != nil {
		for _, e := range issues.Errors() {
			line, column := c.r.Place(n, e.Location.Line(), e.Location.Column())
			c.r.At(line, column, "%s", e.Message)
		}
		return nil
	}
	if !fits(checked.OutputType(), want) {
		c.r.Problem(n, "this is %s, but %s is needed", cel.FormatCELType(checked.OutputType()), cel.FormatCELType(want[0]))
		return nil
	}
	options := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if loops(checked) {
		options = append(options, cel.CostLimit(limit))
	}
	run, err := c.env.Program(checked, options...)
	if err != nil {
		c.r.Problem(n, "%v", err)
		return nil
	}
	return &program{place: fmt.Sprintf("%s:%d:%d", c.r.File(), n.Line, n.Column), run: run}
}

// loops says whether an expression goes over a list or a map. One that doesn't costs at
// most its own length times the payload's, as reading the payload did; keeping count of
// that was a third of what a mapping costs.
func loops(checked *cel.Ast) bool {
	root := ast.NavigateAST(checked.NativeRep())
	return len(ast.MatchDescendants(root, ast.KindMatcher(ast.ComprehensionKind))) > 0
}

func fits(got *cel.Type, want []*cel.Type) bool {
	if got.IsExactType(types.DynType) || len(want) == 0 {
		return true
	}
	if got.TypeName() == "optional_type" {
		got = got.Parameters()[0]
	}
	return slices.ContainsFunc(want, func(w *cel.Type) bool { return w.IsAssignableType(got) || got.IsAssignableType(w) })
}
