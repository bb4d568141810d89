package dictionary

import (
	"encoding/json"
	"fmt"
)

// Example is the data of a typical event, the first that the schema shows.
func (t *Type) Example() (map[string]any, error) {
	var shown struct {
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(t.Schema, &shown); err != nil || len(shown.Examples) == 0 {
		return nil, fmt.Errorf("the schema of %s shows no example", t.Name)
	}
	return t.Decode(shown.Examples[0])
}
