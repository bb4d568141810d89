package control_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

// TestZonesArePinned: zones are those of one release, whatever the machine has, and the
// rule hash holds what that says of a zone, where a control is judged in one.
func TestZonesArePinned(t *testing.T) {
	archive, err := os.ReadFile("zoneinfo.zip")
	require.NoError(t, err)
	sum := sha256.Sum256(archive)
	require.Equal(t, control.ZonesHash, hex.EncodeToString(sum[:]), "ZonesVersion and ZonesHash go with the archive")

	t.Setenv("ZONEINFO", "/nowhere")
	berlin, err := control.Zone("Europe/Berlin")
	require.NoError(t, err)
	require.Equal(t, "2026-07-01 02:00:00 +0200 CEST", time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC).In(berlin).String())
	for _, name := range []string{"", "Local", "Berlin", "../Europe/Berlin", "Europe/"} {
		_, err := control.Zone(name)
		require.Error(t, err, name)
	}

	hash := func(zone string) string {
		b, err := load(t, map[string]string{"AC-04.yaml": strings.Replace(scheduled, "zone: Europe/Berlin", zone, 1)})
		require.NoError(t, err)
		return b.Controls[0].Hash
	}
	require.Equal(t, "8406fc4b114007c4d1df99f270d44cd6", hash("zone: Europe/Berlin"), "it hangs on the pinned zone, and on nothing else")
	require.NotEqual(t, hash("zone: Europe/Berlin"), hash("zone: Europe/Rome"))
	require.Equal(t, "90ea3e9dc96b7dccf48ce179d538c830", hash("zone: UTC"), "no zone is in the hash of what is judged in UTC")
}
