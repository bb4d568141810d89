package api

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// cursorVersion changes when a cursor's content does; older ones are then refused.
const cursorVersion = 1

// cursor says where the next page begins. It is no secret, and no authority: what may
// be seen is checked anew with each page. Its sum shows damage, and that the question
// is the one that it was made for.
type cursor struct {
	Version int                `json:"v"`
	AsOf    compliance.Instant `json:"a"`
	After   []any              `json:"k"`
}

const sumBytes = 12

func sumOf(question string, raw []byte) []byte {
	sum := sha256.Sum256(append([]byte(question+"\x00"), raw...))
	return sum[:sumBytes]
}

// encodeCursor writes the cursor of a page of a question.
func encodeCursor(question string, p listing.Page) (string, error) {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(cursor{cursorVersion, p.AsOf, p.After}); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(sumOf(question, raw.Bytes()), raw.Bytes()...)), nil
}

var errCursor = compliance.Errorf(compliance.Invalid,
	"the cursor is damaged, or belongs to another question: send it as it came, with the same parameters, or begin anew without one")

// decodeCursor reads what encodeCursor wrote for the same question.
func decodeCursor(question, text string, order []listing.Column) (listing.Page, error) {
	all, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(all) <= sumBytes {
		return listing.Page{}, errCursor
	}
	raw := all[sumBytes:]
	if subtle.ConstantTimeCompare(all[:sumBytes], sumOf(question, raw)) != 1 {
		return listing.Page{}, errCursor
	}
	var c cursor
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	first, last := ask.Always()
	if d.Decode(&c) != nil || c.Version != cursorVersion || c.AsOf < first || c.AsOf == 0 || c.AsOf > last || len(c.After) != len(order) {
		return listing.Page{}, errCursor
	}
	for i, column := range order {
		if c.After[i], err = valueOf(c.After[i], column.Text); err != nil {
			return listing.Page{}, err
		}
	}
	return listing.Page{AsOf: c.AsOf, After: c.After}, nil
}

// valueOf reads a value of a cursor; numbers are times and what is smaller.
func valueOf(v any, text bool) (any, error) {
	first, last := ask.Always()
	switch v := v.(type) {
	case string:
		if text {
			return v, nil
		}
	case json.Number:
		if n, err := v.Int64(); err == nil && !text && n >= int64(first) && n <= int64(last) {
			return n, nil
		}
	}
	return nil, errCursor
}
