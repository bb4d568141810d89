package door

import (
	"encoding/json"
	"fmt"
	"net/http"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// typeEntry is one type in the answer to GET /v1/types.
type typeEntry struct {
	Type        string            `json:"type"`
	Title       string            `json:"title"`
	Description string            `json:"description"`
	Family      compliance.Family `json:"family"`
	// Key is the field that is the Kafka key, or "source".
	Key    string          `json:"key"`
	Schema json.RawMessage `json:"schema"`
}

func listTypes(d *dictionary.Dictionary) ([]byte, error) {
	list := struct {
		Types []typeEntry `json:"types"`
	}{}
	for _, name := range d.Names() {
		t, _ := d.Type(name)
		list.Types = append(list.Types, typeEntry{t.Name, t.Title, t.Description, t.Family, t.KeyField, t.Schema})
	}
	out, err := json.Marshal(list)
	if err != nil {
		return nil, fmt.Errorf("listing the event types: %w", err)
	}
	return out, nil
}

// getTypes needs no key: the dictionary is part of the product, not of a tenant.
func (d *Door) getTypes(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(d.types) // the reader has hung up
}
