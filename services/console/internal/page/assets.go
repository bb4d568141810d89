package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path/filepath"
	"strings"
)

//go:embed assets templates
var files embed.FS

// assets are files under names that hold their hash, so that browsers keep them.
type assets struct {
	content map[string][]byte // by the name with the hash
	address map[string]string // by the plain name
}

func newAssets() (assets, error) {
	a := assets{map[string][]byte{}, map[string]string{}}
	entries, err := files.ReadDir("assets")
	if err != nil {
		return a, fmt.Errorf("reading the console's assets: %w", err)
	}
	for _, e := range entries {
		raw, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			return a, fmt.Errorf("reading the console's assets: %w", err)
		}
		sum := sha256.Sum256(raw)
		kind := filepath.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), kind) + "-" + hex.EncodeToString(sum[:8]) + kind
		a.content[name], a.address[e.Name()] = raw, AssetsPrefix+name
	}
	return a, nil
}

func (a assets) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, ok := a.content[name]
	if !ok {
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(filepath.Ext(name)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(content) // the browser has gone
}
