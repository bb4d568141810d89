package control

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed" // the zones
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// ZonesVersion is the release of the IANA time zone database that every zone comes from,
// wherever this runs, and ZonesHash the SHA-256 of its archive. A newer one is put here
// with both, from lib/time/zoneinfo.zip of a Go release; lib/time/update.bash beside it
// names its release.
const (
	ZonesVersion = "2025c"
	ZonesHash    = "8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8"
)

//go:embed zoneinfo.zip
var zoneArchive []byte

// zoneFiles are the archive's, by the names of zones.
var zoneFiles = sync.OnceValues(func() (map[string]*zip.File, error) {
	archive, err := zip.NewReader(bytes.NewReader(zoneArchive), int64(len(zoneArchive)))
	if err != nil {
		return nil, fmt.Errorf("reading the time zones: %w", err)
	}
	files := map[string]*zip.File{}
	for _, f := range archive.File {
		files[f.Name] = f
	}
	return files, nil
})

// zoneData is what the database says of a zone.
func zoneData(name string) ([]byte, error) {
	files, err := zoneFiles()
	if err != nil {
		return nil, err
	}
	file := files[name]
	if file == nil {
		return nil, fmt.Errorf("%q is no IANA time zone", name)
	}
	r, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("reading the time zone %s: %w", name, err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading the time zone %s: %w", name, err)
	}
	return data, nil
}

// Zone is a time zone by its IANA name, as of ZonesVersion.
func Zone(name string) (*time.Location, error) {
	if name == time.UTC.String() {
		return time.UTC, nil
	}
	data, err := zoneData(name)
	if err != nil {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

// zoneMeaning is what the rule hash holds of a zone: what the database says of it. Other
// rules for the zone make another rule; a release that doesn't touch it doesn't.
func zoneMeaning(zone *time.Location) string {
	data, err := zoneData(zone.String())
	if err != nil {
		return zone.String() // UTC
	}
	sum := sha256.Sum256(data)
	return zone.String() + " " + hex.EncodeToString(sum[:16])
}

// zone reads an IANA time zone; nil if it is none.
func (c *compiler) zone(n *yaml.Node) *time.Location {
	loc, err := Zone(n.Value)
	if err != nil {
		c.r.Problem(n, "%q is no IANA time zone, such as Europe/Berlin", n.Value)
		return nil
	}
	return loc
}
