package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"assay.example/assay/pkg/compliance"
)

// maxPicked is the most characters that a name of something has; longer text is none.
const maxPicked = 256

// pickBinding is `pick(x, paths)`: the first of some places that has a text, a number
// or a truth value, as text. What is absent, empty, too long or of another type is
// passed over, so that a payload of an unforeseen shape fails no mapping.
func pickBinding(x, paths ref.Val) ref.Val { return first("pick", x, paths, walk, short) }

func short(s string) (string, bool) { return s, s != "" && utf8.RuneCountInString(s) <= maxPicked }

// namedBinding is `named(x, names)`: as pick(), for names that hold dots themselves.
func namedBinding(x, names ref.Val) ref.Val { return first("named", x, names, member, short) }

// namedOrBinding is `named(x, names, otherwise)`: otherwise stands for nothing.
func namedOrBinding(args ...ref.Val) ref.Val {
	if found := namedBinding(args[0], args[1]); found != types.String("") {
		return found
	}
	return args[2]
}

// member is that of a map; nil if there is none.
func member(v ref.Val, name string) ref.Val {
	m, ok := unwrap(v).(traits.Mapper)
	if !ok {
		return nil
	}
	found, _ := m.Find(types.String(name))
	return unwrap(found)
}

// momentBinding is `moment(x, paths)`: the first of some places that has a time in
// any of the ways of instant(). What is none is passed over, and so is a time outside
// of the years 2000 to 9999: vendors write 0001-01-01 for never.
func momentBinding(x, paths ref.Val) ref.Val {
	return first("moment", x, paths, walk, func(s string) (string, bool) {
		at, err := parseTime(s)
		return at.String(), err == nil && at >= earliest && at < latest
	})
}

// From 2000-01-01 to 10000-01-01.
const (
	earliest = compliance.Instant(946_684_800_000_000)
	latest   = compliance.Instant(253_402_300_800_000_000)
)

// first is what take makes of the first place where it says yes, else empty text.
func first(name string, x, paths ref.Val, find func(ref.Val, string) ref.Val, take func(string) (string, bool)) ref.Val {
	list, ok := paths.(traits.Lister)
	if !ok {
		return types.NewErr("%s() needs a list of paths, not %s", name, paths.Type().TypeName())
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		path, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("%s() needs paths as text", name)
		}
		if s, ok := take(scalar(find(x, string(path)))); ok {
			return types.String(s)
		}
	}
	return types.String("")
}

// fitBinding is `fit(s, n)`: s if it has at most n characters, else what identifies
// it in no more: the beginning of its digest.
func fitBinding(v, most ref.Val) ref.Val {
	s, ok := v.(types.String)
	n, whole := most.(types.Int)
	if !ok || !whole || n < 1 {
		return types.NewErr("fit() needs text and a number of characters")
	}
	if types.Int(utf8.RuneCountInString(string(s))) <= n {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	digest := hex.EncodeToString(sum[:])
	return types.String(digest[:min(int(n), len(digest))])
}

// walk follows keys, and places in lists; nil if one leads nowhere.
func walk(v ref.Val, path string) ref.Val {
	v = unwrap(v)
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case traits.Mapper:
			v, _ = x.Find(types.String(step))
		case traits.Lister:
			v = element(x, step)
		default:
			return nil
		}
		v = unwrap(v)
	}
	return v
}

func element(l traits.Lister, step string) ref.Val {
	n, err := strconv.ParseUint(step, 10, 31)
	if size, ok := l.Size().(types.Int); err != nil || !ok || types.Int(n) >= size {
		return nil
	}
	return l.Get(types.Int(n))
}

func unwrap(v ref.Val) ref.Val {
	o, ok := v.(*types.Optional)
	switch {
	case !ok:
		return v
	case !o.HasValue():
		return nil
	}
	return o.GetValue()
}

func scalar(v ref.Val) string {
	switch x := v.(type) {
	case types.String:
		return string(x)
	case types.Int, types.Uint, types.Bool, types.Double:
		return fmt.Sprint(x.Value())
	default:
		return ""
	}
}
