// Package page is the console's pages: what is on record, for people. It answers from
// the same questions as the API and the commands (pkg/ask), and writes HTML that
// needs no script.
//
// It guarantees:
//   - Each page is about one tenant, and that is one of the viewer's.
//   - A role that may not do something gets a 403 before anything is asked.
//   - What lies outside a viewer's periods is on no page, and what may not be seen
//     looks like what isn't there.
//   - What isn't known is never shown as a pass.
//   - Each table says which question it answers, and leads to how it is asked.
//   - What is posted are words in a workspace, by whoever may write them there. Nothing that
//     Assay says can be changed.
//   - No page needs a script, an inline style, or anything from elsewhere.
package page

import (
	"html/template"
	"net/http"
	"time"

	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/report"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/basis"
)

// Pages answers with pages. Each request's context needs a viewer (package access).
type Pages struct {
	basis.Basis

	// flows are where data may go; nil if nothing is declared.
	flows *boundary.Declaration

	assets    assets
	templates map[string]*template.Template
	words     map[string]explain.Words
	inquiries map[string]inquiry
	// others are the controls that others must operate.
	others report.Complementary
}

// answerWithin bounds the work for one page.
const answerWithin = 20 * time.Second

// New makes the pages.
func New(b basis.Basis) (*Pages, error) {
	p := &Pages{Basis: b, words: explain.WordsOfAll(b.Bundle, b.Files), inquiries: inquiries()}
	var err error
	if p.others, err = report.ReadComplementary(b.Files); err != nil {
		return nil, err
	}
	if p.flows, err = boundary.Declared(b.Bundle.Declarations); err != nil {
		return nil, err
	}
	if p.assets, err = newAssets(); err != nil {
		return nil, err
	}
	p.templates, err = parseTemplates()
	return p, err
}

// Stylesheet is the address of the stylesheet. It is no secret: whoever signs in needs
// it before.
func (p *Pages) Stylesheet() string { return p.assets.address["style.css"] }

// AssetsPrefix begins the addresses that need no viewer.
const AssetsPrefix = "/assets/"

// Register adds every page, and what answers where there is none. Patterns other than
// "/" name what a page shows, for the record of what auditors read.
func (p *Pages) Register(mux *http.ServeMux) {
	mux.HandleFunc("/", p.missing)
	mux.HandleFunc("GET "+AssetsPrefix+"{name}", p.assets.serve)
	for _, r := range p.routes() {
		mux.HandleFunc("GET "+r.path, p.handler(r))
	}
	for _, f := range p.forms() {
		mux.HandleFunc("POST "+f.path, p.poster(f))
	}
}

// Routes are the paths of the pages, as patterns.
func (p *Pages) Routes() (paths []string) {
	for _, r := range p.routes() {
		paths = append(paths, r.path)
	}
	return paths
}

// route is a page, and what it needs.
type route struct {
	path  string
	needs access.Action
	show  func(*visit) (*sheet, error)
}

func (p *Pages) routes() []route {
	return []route{
		{"/{$}", access.ReadControls, overview},
		{"/controls", access.ReadControls, controlList},
		{"/controls/{id}", access.ReadItems, controlPage},
		{"/controls/{id}/completeness", access.ReadReports, completenessPage},
		{"/items/{control}/{item}", access.ReadItems, itemPage},
		{"/events", access.ReadEvents, eventList},
		{"/events/{topic}/{partition}/{offset}", access.ReadEvents, eventPage},
		{"/events/{topic}/{partition}/{offset}/raw", access.ReadEvents, rawEvent},
		{"/sources", access.ReadSources, sourcesPage},
		{"/boundary", access.ReadReports, boundaryPage},
		{"/drift", access.ReadReports, driftPage},
		{"/samples", access.ReadItems, samplesPage},
		{"/samples/{file}", access.ReadItems, sampleFile},
		{"/rejected", access.ReadRefused, rejectedPage},
		{"/reports", access.ReadReports, reportList},
		{"/reports/{period}", access.ReadReports, reportPage},
		{"/reports/{period}/{file}", access.ReadReports, reportFile},
		{"/periods/{examination}", access.ReadReports, examinationPage},
		{"/workspace", access.ReadWorkspace, workspaceList},
		{"/workspace/{engagement}", access.ReadWorkspace, workspacePage},
		{"/workspace/{engagement}/history", access.ReadWorkspace, historyPage},
		{"/workspace/{engagement}/files/{file}", access.ReadWorkspace, workspaceFile},
		{"/workspace/{engagement}/requests/{request}", access.ReadWorkspace, requestPage},
		{"/workspace/{engagement}/samples/{sample}", access.ReadWorkspace, keptSamplePage},
		{"/workspace/{engagement}/samples/{sample}/items/{item}", access.ReadWorkspace, testPage},
		{"/deliveries", access.ReadDeliveries, deliveriesPage},
		{"/query", access.ReadSelf, queryList},
		{"/query/{name}", access.ReadSelf, queryPage},
		{"/help", access.ReadSelf, helpPage},
	}
}
