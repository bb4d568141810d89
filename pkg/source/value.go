package source

import (
	"fmt"
	"strconv"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"assay.example/assay/pkg/compliance"
)

// plain turns what an expression gave into what JSON can hold. Nothing, an absent
// optional and null are nil.
func plain(v ref.Val) (any, error) {
	switch x := v.(type) {
	case types.Null:
		return nil, nil
	case *types.Optional:
		if !x.HasValue() {
			return nil, nil
		}
		return plain(x.GetValue())
	case types.String, types.Bool, types.Int, types.Double:
		return x.Value(), nil
	case types.Uint:
		return int64(x), nil
	case types.Timestamp:
		return compliance.InstantOf(x.Time).String(), nil
	case types.Duration:
		return int64(x.Duration / time.Microsecond), nil
	case traits.Mapper:
		return plainMap(x)
	case traits.Lister:
		return plainList(x)
	case *types.Err:
		return nil, x
	default:
		return nil, fmt.Errorf("%s can't be a part of an event", v.Type().TypeName())
	}
}

func plainMap(m traits.Mapper) (map[string]any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.Value().(string)
		if !ok {
			return nil, fmt.Errorf("a key is %s, not text", key.Type().TypeName())
		}
		v, err := plain(m.Get(key))
		if err != nil {
			return nil, err
		}
		if v != nil {
			out[name] = v
		}
	}
	return out, nil
}

func plainList(l traits.Lister) ([]any, error) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := plain(it.Next())
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// asText is how a vendor's number stands in a field of text: ids mostly.
func asText(v any) any {
	if n, ok := v.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	return v
}
