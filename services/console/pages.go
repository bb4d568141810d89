package console

import (
	"net/http"

	"assay.example/assay/pkg/clickhouse"
)

// pages are those for people, and the address of their stylesheet.
type pages struct {
	mux        *http.ServeMux
	stylesheet string
}

// newPages has none yet.
func newPages(_ Config, _ Deps, _ clickhouse.Conn) (*pages, error) {
	return &pages{mux: http.NewServeMux(), stylesheet: "/assets/assay.css"}, nil
}
