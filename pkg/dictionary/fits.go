package dictionary

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// limits are the plain keywords of a field, for fits. Pointers tell 0 from absent.
type limits struct {
	MinLength *int     `json:"minLength"`
	MaxLength *int     `json:"maxLength"`
	MaxItems  *int     `json:"maxItems"`
	Minimum   *float64 `json:"minimum"`
	Maximum   *float64 `json:"maximum"`
}

// plainKeywords are those that fits understands, and those without effect.
func plainKeywords() []string {
	return []string{
		"type", "required", "properties", "items", "enum", "minLength", "maxLength", "maxItems", "minimum", "maximum",
		"$schema", "$id", "title", "description", "examples", "additionalProperties",
	}
}

// plain says whether raw and all schemas inside it use plain keywords only.
func plain(raw json.RawMessage) bool {
	var n map[string]json.RawMessage
	if json.Unmarshal(raw, &n) != nil {
		return false
	}
	for keyword := range n {
		if !strings.HasPrefix(keyword, "x-") && !slices.Contains(plainKeywords(), keyword) {
			return false
		}
	}
	if items, ok := n["items"]; ok && !plain(items) {
		return false
	}
	var properties map[string]json.RawMessage
	_ = json.Unmarshal(n["properties"], &properties) // absent: none; other faults are compile's to tell
	for _, p := range properties {
		if !plain(p) {
			return false
		}
	}
	return true
}

// fits says whether v surely satisfies a plain f. It is the ingest path's way
// around the validator, which takes four times as long for big.Rat and its
// bookkeeping; where fits is false the validator has the word, and the fuzz test
// holds the two together.
func (f *Field) fits(v any) bool {
	switch v := v.(type) {
	case string:
		return f.Kind == String && f.fitsString(v)
	case int64:
		return (f.Kind == Int || f.Kind == Number) && f.fitsNumber(float64(v))
	case float64:
		return f.Kind == Number && f.fitsNumber(v)
	case bool:
		return f.Kind == Bool
	case []any:
		return f.Kind == List && f.fitsList(v)
	case map[string]any:
		return f.Kind == Map && f.fitsMap(v)
	default:
		return false
	}
}

func (f *Field) fitsString(v string) bool {
	if f.anyEnum {
		return slices.Contains(f.Enum, v)
	}
	return f.fitsLength(utf8.RuneCountInString(v))
}

func (f *Field) fitsLength(runes int) bool {
	return (f.MinLength == nil || runes >= *f.MinLength) && (f.MaxLength == nil || runes <= *f.MaxLength)
}

// fitsNumber is exact: limits and whole numbers beyond 2⁵³ are left to the validator.
func (f *Field) fitsNumber(v float64) bool {
	const exact = 1 << 53
	return v > -exact && v < exact && !f.anyEnum &&
		(f.Minimum == nil || v >= *f.Minimum) && (f.Maximum == nil || v <= *f.Maximum)
}

func (f *Field) fitsList(v []any) bool {
	if f.MaxItems != nil && len(v) > *f.MaxItems {
		return false
	}
	for _, e := range v {
		if f.Elem != nil && !f.Elem.fits(e) {
			return false
		}
	}
	return true
}

func (f *Field) fitsMap(v map[string]any) bool {
	for _, name := range f.required {
		if _, ok := v[name]; !ok {
			return false
		}
	}
	for name, e := range v {
		if member, declared := f.Fields[name]; declared && !member.fits(e) {
			return false
		}
	}
	return true
}
