package page

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/chart"
)

// sheet is a page to be written.
type sheet struct {
	Template string
	Title    string
	// Body is what the template shows.
	Body any
	// File, if set, is sent instead of a page; Redirect leads to another one.
	File     *file
	Redirect string
}

// file is something to be kept.
type file struct {
	Name, Type string
	Content    []byte
}

// frame is what all pages have around their body.
type frame struct {
	Title      string
	Stylesheet string
	Icon       string
	Nav        []navItem
	// Tenants are those that the viewer may switch to, if there are several.
	Tenants []navItem
	User    string
	Role    access.Role
	Tenant  string
	Bundle  string
	Program string
	Now     string
	Help    string
	// Leave says that there is a session to end.
	Leave bool
	// Bound says what a bound viewer may see, Recorded whether it is kept what they read.
	Bound    string
	Recorded bool
	Body     any
}

// navItem is a link of a navigation; Here says that it leads to where one is.
type navItem struct {
	Text, Link string
	Here       bool
}

// parseTemplates makes a template of each page, with the layout and the parts.
func parseTemplates() (map[string]*template.Template, error) {
	base, err := template.New("layout").Funcs(functions()).ParseFS(files, "templates/layout.html.tmpl", "templates/parts.html.tmpl")
	if err != nil {
		return nil, fmt.Errorf("reading the console's templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html.tmpl")
	if err != nil {
		return nil, fmt.Errorf("listing the console's templates: %w", err)
	}
	parsed := map[string]*template.Template{}
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html.tmpl")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := template.Must(base.Clone()).ParseFS(files, file)
		if err != nil {
			return nil, fmt.Errorf("reading the console's templates: %w", err)
		}
		parsed[name] = t
	}
	return parsed, nil
}

func functions() template.FuncMap {
	return template.FuncMap{
		"n": count, "time": moment, "long": exact, "words": words, "svg": drawn, "join": strings.Join, "short": short,
		"add": func(a, b int) int { return a + b },
	}
}

// drawn puts a drawing into a page as it is. Package chart has escaped what is in it.
func drawn(s chart.SVG) template.HTML { return template.HTML(s) } //nolint:gosec // G203: see above

// write sends a page. It is made as a whole first, so that no half of one is sent.
func (v *visit) write(w http.ResponseWriter, status int, s *sheet) {
	w.Header().Set("Cache-Control", "no-store")
	if s.Redirect != "" {
		http.Redirect(w, v.request, s.Redirect, http.StatusSeeOther) //nolint:gosec // G710: visit.to gives paths on this console
		return
	}
	if s.File != nil {
		w.Header().Set("Content-Type", s.File.Type)
		w.Header().Set("Content-Disposition", `attachment; filename="`+s.File.Name+`"`)
		_, _ = w.Write(s.File.Content) //nolint:gosec // G705: an attachment, of a type that is no page where it is an event's
		return
	}
	var body bytes.Buffer
	t := v.templates[s.Template]
	if t == nil {
		v.Log.Error().Str("template", s.Template).Msg("there is no such template")
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	if err := t.ExecuteTemplate(&body, "layout.html.tmpl", v.frame(s)); err != nil {
		v.Log.Error().Err(err).Str("template", s.Template).Msg("writing a page")
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser has gone
}

func (v *visit) frame(s *sheet) frame {
	f := frame{
		Title: s.Title, Stylesheet: v.Stylesheet(), Icon: v.assets.address["icon.svg"], User: v.User, Role: v.Role,
		Tenant: v.Tenant, Bundle: v.Bundle.Hash, Program: v.Program, Now: moment(v.now), Help: v.to("/help"),
		Leave: v.User != "" && !v.Token, Body: s.Body,
	}
	if v.User == "" {
		return f
	}
	f.Nav = v.nav()
	if len(v.Tenants) > 1 {
		for _, t := range v.Tenants {
			f.Tenants = append(f.Tenants, navItem{t, "/?" + url.Values{"tenant": {t}}.Encode(), t == v.Tenant})
		}
	}
	if v.Bound() {
		f.Bound, f.Recorded = "no period", v.Role == access.Auditor
		if names := periodLabels(v.Periods); len(names) > 0 {
			f.Bound = strings.Join(names, ", ")
		}
	}
	return f
}

func periodLabels(periods []ask.Period) (labels []string) {
	for _, p := range periods {
		labels = append(labels, p.Label)
	}
	return labels
}

// nav are the sections that the viewer may read.
func (v *visit) nav() (items []navItem) {
	at := v.request.URL.Path
	for _, n := range []struct {
		text, path string
		needs      access.Action
		below      []string
	}{
		{"Overview", "/", access.ReadControls, nil},
		{"Controls", "/controls", access.ReadControls, []string{"/controls/", "/items/"}},
		{"Sources", "/sources", access.ReadSources, nil},
		{"Boundary", "/boundary", access.ReadReports, nil},
		{"Drift", "/drift", access.ReadReports, nil},
		{"Samples", "/samples", access.ReadItems, nil},
		{"Events", "/events", access.ReadEvents, []string{"/events/"}},
		{"Refused", "/rejected", access.ReadRefused, nil},
		{"Deliveries", "/deliveries", access.ReadDeliveries, nil},
		{"Workspace", "/workspace", access.ReadWorkspace, []string{"/workspace/"}},
		{"Reports", "/reports", access.ReadReports, []string{"/reports/", "/periods/"}},
		{"Queries", "/query", access.ReadSelf, []string{"/query/"}},
		{"Help", "/help", access.ReadSelf, nil},
	} {
		if v.May(n.needs) {
			here := at == n.path || slices.ContainsFunc(n.below, func(p string) bool { return strings.HasPrefix(at, p) })
			items = append(items, navItem{n.text, v.to(n.path), here})
		}
	}
	return items
}
