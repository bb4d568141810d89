// Package controls embeds the control library: one file a control, each with a
// test beside it, below soc2/<area>/. It holds no logic.
package controls

import "embed"

// FS holds soc2/<area>/<ID>.yaml, their tests, and an example boundary.yaml with
// the controls that others operate, complementary.yaml.
//
//go:embed boundary.yaml complementary.yaml soc2
var FS embed.FS
