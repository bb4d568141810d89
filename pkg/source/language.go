package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"assay.example/assay/pkg/compliance"
)

// costLimit bounds one expression, so that no payload can stop a door.
const costLimit = 1_000_000

// eachLimit bounds the expression that takes a delivery apart: it goes over all records
// of the largest one.
const eachLimit = 50 * costLimit

// The names that expressions may use, beside those that a file defines in `let:`.
const (
	nameBody     = "body"
	nameRecord   = "record"
	nameHeaders  = "headers"
	nameReceived = "received"
	nameSHA256   = "sha256"
	namePlace    = "place"
)

// language is the CEL of mappings: the standard one with optional values (`x.?y`),
// strings, encodings and bindings, each of one version, and functions of our own.
func language() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(5)),
		ext.Encoders(ext.EncodersVersion(1)),
		ext.Bindings(ext.BindingsVersion(1)),
		ext.Lists(ext.ListsVersion(5)),
		cel.Variable(nameBody, cel.DynType),
		cel.Variable(nameRecord, cel.DynType),
		cel.Variable(nameHeaders, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(nameReceived, cel.StringType),
		cel.Variable(nameSHA256, cel.StringType),
		cel.Variable(namePlace, cel.IntType),
		cel.Function("instant", cel.Overload("instant_dyn", []*cel.Type{cel.DynType}, cel.StringType,
			cel.UnaryBinding(instantBinding))),
		cel.Function("digest", cel.Overload("digest_string", []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(digestBinding))),
		cel.Function("hide", cel.Overload("hide_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(hideBinding))),
		cel.Function("text", cel.Overload("text_dyn", []*cel.Type{cel.DynType}, cel.StringType,
			cel.UnaryBinding(textBinding))),
		cel.Function("json", cel.Overload("json_string", []*cel.Type{cel.StringType}, cel.DynType, cel.UnaryBinding(jsonBinding))),
		cel.Function("pick", cel.Overload("pick_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}, cel.StringType,
			cel.BinaryBinding(pickBinding))),
		cel.Function("named", cel.Overload("named_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}, cel.StringType,
			cel.BinaryBinding(namedBinding)), cel.Overload("named_dyn_list_string", []*cel.Type{cel.DynType, cel.ListType(cel.StringType), cel.StringType},
			cel.StringType, cel.FunctionBinding(namedOrBinding))),
		cel.Function("moment", cel.Overload("moment_dyn_list", []*cel.Type{cel.DynType, cel.ListType(cel.StringType)}, cel.StringType,
			cel.BinaryBinding(momentBinding))),
		cel.Function("fit", cel.Overload("fit_string_int", []*cel.Type{cel.StringType, cel.IntType}, cel.StringType,
			cel.BinaryBinding(fitBinding))),
	)
}

// digestBinding is `digest(s)`: SHA-256 in hex, for what must not travel as it is.
func digestBinding(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.NewErr("digest() needs text")
	}
	sum := sha256.Sum256([]byte(s))
	return types.String(hex.EncodeToString(sum[:]))
}

// address is that of a person's mail, wherever in a name it stands.
var address = regexp.MustCompile(`[^\s/:,;<>"'()]+@[^\s/:,;<>"'()@]+\.[^\s/:,;<>"'()@]+`)

// hideBinding is `hide(s)`: a text in which addresses are replaced by their digests,
// each by the same one everywhere: "sha256:" and hex, of the address in lower case.
func hideBinding(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.NewErr("hide() needs text")
	}
	return types.String(address.ReplaceAllStringFunc(string(s), func(found string) string {
		sum := sha256.Sum256([]byte(strings.ToLower(found)))
		return "sha256:" + hex.EncodeToString(sum[:])
	}))
}

// jsonBinding is `json(s)`: what a text that is JSON says, for payloads inside of
// payloads; null if it is none.
func jsonBinding(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.NewErr("json() needs text")
	}
	said, err := Decode([]byte(s))
	if err != nil {
		return types.NullValue
	}
	return types.DefaultTypeAdapter.NativeToValue(said)
}

// textBinding is `text(x)`: a scalar as text, whole numbers without a fraction;
// an optional value as its value, none as "".
func textBinding(v ref.Val) ref.Val {
	switch x := v.(type) {
	case types.String:
		return x
	case types.Int, types.Uint, types.Bool, types.Double:
		return types.String(fmt.Sprint(x.Value()))
	case *types.Optional:
		if !x.HasValue() {
			return types.String("")
		}
		return textBinding(x.GetValue())
	default:
		return types.NewErr("text() needs text, a number or a truth value, not %s", v.Type().TypeName())
	}
}

// instantBinding is `instant(x)`: a time in any of the ways that vendors write it.
func instantBinding(v ref.Val) ref.Val {
	var at compliance.Instant
	var err error
	switch x := v.(type) {
	case types.String:
		at, err = parseTime(string(x))
	case types.Int:
		at = epoch(float64(x))
	case types.Double:
		if at = epoch(float64(x)); !(math.Abs(float64(x)) < maxEpoch) {
			err = errors.New("a number beyond all times is no time")
		}
	case types.Timestamp:
		at = compliance.InstantOf(x.Time)
	default:
		err = fmt.Errorf("%s is no time", v.Type().TypeName())
	}
	if err != nil {
		return types.NewErr("instant(): %v", err)
	}
	return types.String(at.String())
}

// layouts are those of vendors who don't write RFC 3339.
var layouts = []string{
	"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05-0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999999999Z07", "2006/01/02 15:04:05 -0700", "20060102T150405Z",
	time.RFC1123, time.RFC1123Z, "2006-01-02",
}

func parseTime(s string) (compliance.Instant, error) {
	if at, err := compliance.ParseInstant(s); err == nil {
		return at, nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return compliance.InstantOf(t), nil
		}
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(n) < maxEpoch {
		return epoch(n), nil
	}
	return 0, fmt.Errorf("%q is no time", clip(s))
}

// maxEpoch is beyond any time in nanoseconds; infinite numbers, and what is no number,
// are no times.
const maxEpoch = 1e19

// epoch takes a number since 1970 in seconds, milli-, micro- or nanoseconds: their
// ranges don't overlap between 1973 and 5138.
func epoch(n float64) compliance.Instant {
	switch {
	case n < 1e11:
		return compliance.Instant(n * 1e6)
	case n < 1e14:
		return compliance.Instant(n * 1e3)
	case n < 1e17:
		return compliance.Instant(n)
	default:
		return compliance.Instant(n / 1e3)
	}
}

func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
