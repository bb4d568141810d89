package main

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/output"
)

// version is set by the linker for a release: -X main.version=v1.2.3.
var version string

// build is what `assay version` tells.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Zones is the release of the time zone database that controls are judged by.
	Zones string `json:"zones"`
}

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Tell which build this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return output.Write(a.writer(), []build{thisBuild()}, []output.Column[build]{
				{Head: "VERSION", Cell: func(b build) string { return b.Version }},
				{Head: "REVISION", Cell: func(b build) string { return b.Revision }},
				{Head: "GO", Cell: func(b build) string { return b.Go }},
				{Head: "PLATFORM", Cell: func(b build) string { return b.Platform }},
				{Head: "ZONES", Cell: func(b build) string { return b.Zones }},
			})
		},
	}
	a.formatFlag(c)
	return c
}

func thisBuild() build {
	b := build{Version: version, Revision: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Zones: control.ZonesVersion}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = cmp.Or(version, info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			b.Revision = s.Value
		}
	}
	return b
}
