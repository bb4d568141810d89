// Package reads records what auditors read: each question becomes an event
// evidence.read in events.access, before it is answered. What Kafka doesn't take isn't
// answered.
//
// So a company can show who looked at what, and a control can be written about it as
// about any other event.
package reads

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"assay.example/assay/services/console/internal/access"
)

// Read is one question. Its JSON is the data of an evidence.read.
type Read struct {
	Reader  string `json:"reader"`
	Role    string `json:"role"`
	With    string `json:"with"`
	Route   string `json:"route"`
	Target  string `json:"target"`
	Control string `json:"control,omitempty"`
	Item    string `json:"item,omitempty"`
	Period  string `json:"period,omitempty"`
	Query   string `json:"query,omitempty"`
}

// The lengths that the schema of evidence.read allows.
const (
	mostName  = 64
	mostItem  = 512
	mostQuery = 1024
)

// Of is what a request asks for; pattern is the one of the router that it matches.
func Of(v access.Viewer, pattern string, r *http.Request) Read {
	route := pattern[strings.Index(pattern, "/"):]
	values := valuesOf(route, r.URL.EscapedPath())
	query := r.URL.Query()
	read := Read{
		Reader: v.User, Role: string(v.Role), With: "session", Route: route,
		Control: cut(first(values["control"], query.Get("control")), mostName),
		Item:    cut(first(values["item"], query.Get("item")), mostItem),
		Period:  cut(first(values["period"], query.Get("period")), mostName),
		Query:   cut(r.URL.RawQuery, mostQuery),
	}
	if v.Token {
		read.With = "token"
	}
	if read.Control == "" && strings.Contains(route, "/controls/{id}") {
		read.Control = cut(values["id"], mostName)
	}
	read.Target = read.target(values)
	return read
}

func (r *Read) target(values map[string]string) string {
	switch {
	case values["engagement"] != "" && r.Control == "":
		return cut(place(values), mostQuery)
	case r.Control != "" && r.Item != "":
		return r.Control + "/" + r.Item
	case values["topic"] != "":
		return cut(values["topic"]+"/"+values["partition"]+"/"+values["offset"], mostQuery)
	}
	return first(r.Control, r.Period, r.Route)
}

// place is what of a workspace was read: an engagement, and a thing in it.
func place(values map[string]string) string {
	at := []string{values["engagement"]}
	for _, name := range []string{"request", "sample", "item", "file"} {
		if values[name] != "" {
			at = append(at, values[name])
		}
	}
	return strings.Join(at, "/")
}

// valuesOf are what stands in a path for the names {…} of its route.
func valuesOf(route, path string) map[string]string {
	values := map[string]string{}
	given := strings.Split(path, "/")
	for i, name := range strings.Split(route, "/") {
		name, isName := strings.CutPrefix(name, "{")
		if end := strings.Index(name, "}"); isName && end > 0 && i < len(given) {
			if value, err := url.PathUnescape(given[i]); err == nil {
				values[name[:end]] = value
			}
		}
	}
	return values
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// cut is the beginning of a text, in UTF-8.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}
