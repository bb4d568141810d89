package source

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxPicked is the most characters that a name of something has; longer text is none.
const maxPicked = 256

// pickBinding is `pick(x, paths)`: the first of some places that has a text, a number
// or a truth value, as text. What is absent, empty, too long or of another type is
// passed over, so that a payload of an unforeseen shape fails no mapping.
func pickBinding(x, paths ref.Val) ref.Val {
	list, ok := paths.(traits.Lister)
	if !ok {
		return types.NewErr("pick() needs a list of paths, not %s", paths.Type().TypeName())
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		path, ok := it.Next().(types.String)
		if !ok {
			return types.NewErr("pick() needs paths as text")
		}
		if s := scalar(walk(x, strings.Split(string(path), "."))); s != "" && utf8.RuneCountInString(s) <= maxPicked {
			return types.String(s)
		}
	}
	return types.String("")
}

// walk follows keys, and places in lists; nil if one leads nowhere.
func walk(v ref.Val, steps []string) ref.Val {
	v = unwrap(v)
	for _, step := range steps {
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
