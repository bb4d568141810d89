package console

import (
	"net/http"

	"assay.example/assay/services/console/internal/page"
)

// pages are those for people, and the address of their stylesheet.
type pages struct {
	mux        *http.ServeMux
	stylesheet string
}

func newPages(cfg Config, deps Deps, conn conns) (*pages, error) {
	all, err := page.New(page.Options{
		Conn: conn.reads, Writer: conn.writes, Bundle: deps.Bundle, Files: deps.Files, Types: deps.Types, Log: deps.Log, Now: deps.Now,
		Program: deps.Program, Arguments: deps.Arguments, PublicURL: cfg.PublicURL,
	})
	if err != nil {
		return nil, err
	}
	p := &pages{mux: http.NewServeMux(), stylesheet: all.Stylesheet()}
	all.Register(p.mux)
	return p, nil
}
