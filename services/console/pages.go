package console

import (
	"net/http"

	"assay.example/assay/services/console/internal/basis"
	"assay.example/assay/services/console/internal/page"
)

// pages are those for people, and the address of their stylesheet.
type pages struct {
	mux        *http.ServeMux
	stylesheet string
}

func newPages(from basis.Basis) (*pages, error) {
	all, err := page.New(from)
	if err != nil {
		return nil, err
	}
	p := &pages{mux: http.NewServeMux(), stylesheet: all.Stylesheet()}
	all.Register(p.mux)
	return p, nil
}
