package api

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// unmarshal reads JSON, in which 3.0 is as whole a number as 3: encoding/json takes the one
// and refuses the other for a field that counts.
func unmarshal(raw []byte, into any) error {
	if !json.Valid(raw) {
		return json.Unmarshal(raw, into)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var all any
	if err := d.Decode(&all); err != nil {
		return err
	}
	whole, err := json.Marshal(wholes(all))
	if err != nil {
		return err
	}
	return json.Unmarshal(whole, into)
}

// wholes writes whole numbers without a fraction or an exponent.
func wholes(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name := range v {
			v[name] = wholes(v[name])
		}
	case []any:
		for i := range v {
			v[i] = wholes(v[i])
		}
	case json.Number:
		f, err := v.Float64()
		if err == nil && strings.ContainsAny(string(v), ".eE") && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return json.Number(strconv.FormatInt(int64(f), 10))
		}
	}
	return value
}
