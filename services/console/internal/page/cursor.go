package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// place says where a page of a list begins. It is no secret and no authority: what may
// be seen is checked anew with each page.
type place struct {
	AsOf  compliance.Instant `json:"a"`
	After []any              `json:"k"`
}

func writeCursor(p listing.Page) string {
	raw, err := json.Marshal(place(p))
	if err != nil { // strings and numbers can always be written
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

var errCursor = compliance.Errorf(compliance.Invalid, "the address of this page of the list is damaged: begin with its first page")

// mostCursor is as long as a cursor may be.
const mostCursor = 8192

// readCursor reads what writeCursor wrote for a list of the same order; an empty one is
// the first page.
func readCursor(text string, order []listing.Column) (listing.Page, error) {
	if text == "" {
		return listing.Page{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > mostCursor {
		return listing.Page{}, errCursor
	}
	var p place
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&p) != nil || p.AsOf <= 0 || len(p.After) != len(order) {
		return listing.Page{}, errCursor
	}
	for i, column := range order {
		switch value := p.After[i].(type) {
		case string:
			if !column.Text {
				return listing.Page{}, errCursor
			}
		case json.Number:
			n, err := value.Int64()
			if err != nil || column.Text {
				return listing.Page{}, errCursor
			}
			p.After[i] = n
		default:
			return listing.Page{}, errCursor
		}
	}
	return listing.Page(p), nil
}
