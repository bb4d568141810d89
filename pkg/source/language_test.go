package source_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/source"
)

const speaking = `
title: A vendor
documentation: https://example.test
signature: none
kind: '"any"'
mappings:
  - kinds: [any]
    type: incident.resolved
    id: '"x"'
    data:
      incident_id: 'instant(body.at) + "/" + moment(body, ["at"])'
      responder: hide(pick(body, ["who"]))
`

// said is what a payload's time and name become.
func said(t *testing.T, payload string) source.Mapped {
	t.Helper()
	body, err := source.Decode([]byte(payload))
	require.NoError(t, err)
	return made(t, speaking).Map(source.Delivery{Body: body})
}

// However vendors write a time, it is the same one.
func TestWaysToWriteATime(t *testing.T) {
	for _, at := range []string{
		`"2026-07-01T10:00:00Z"`, `"2026-07-01T10:00:00.000Z"`, `"2026-07-01T12:00:00+02:00"`, `"2026-07-01T12:00:00.000+0200"`,
		`"2026-07-01T10:00:00"`, `"2026-07-01 10:00:00"`, `"2026-07-01 10:00:00 UTC"`, `"2026-07-01 12:00:00 +0200"`,
		`"2026-07-01 10:00:00.000Z"`, `"2026-07-01T10:00Z"`, `"2026-07-01T12:00:00+02"`, `"2026/07/01 12:00:00 +0200"`,
		`"20260701T100000Z"`, `"Wed, 01 Jul 2026 10:00:00 UTC"`, `"Wed, 01 Jul 2026 12:00:00 +0200"`,
		`1782900000`, `1782900000.0`, `1782900000000`, `1782900000000000`, `1782900000000000000`,
		`"1782900000"`, `"1782900000.000"`, `"1782900000000"`, `"1782900000000000000"`,
	} {
		m := said(t, `{"at": `+at+`}`)
		require.Empty(t, m.Faults, at)
		require.JSONEq(t, `{"incident_id":"2026-07-01T10:00:00Z/2026-07-01T10:00:00Z"}`, string(m.Events[0].Data), at)
	}
	require.JSONEq(t, `{"incident_id":"2026-07-01T10:00:00.123456Z/2026-07-01T10:00:00.123456Z"}`,
		string(said(t, `{"at": "1782900000123456789"}`).Events[0].Data), "what is below a microsecond is cut")
	for _, at := range []string{`"NaN"`, `"Inf"`, `"-infinity"`, `1e300`, `-1e300`, `"1e300"`, `"soon"`, `true`, `[]`} {
		require.Len(t, said(t, `{"at": `+at+`}`).Faults, 1, at)
	}
}

// Addresses inside of names become their digests, the same everywhere; all else stays.
func TestHide(t *testing.T) {
	for who, want := range map[string]string{
		"u-alice":                             "u-alice",
		"arn:aws:sts::1:assumed-role/app/i-1": "arn:aws:sts::1:assumed-role/app/i-1",
		"web@9fceb02d":                        "web@9fceb02d",
		"arn:aws:iam::1:user/a@example.com/x": "arn:aws:iam::1:user/" + hidden + "/x",
		"AROA:A@EXAMPLE.COM":                  "AROA:" + hidden,
		"a@example.com":                       hidden,
		"a@example.com,a@example.com":         hidden + "," + hidden,
	} {
		m := said(t, `{"at": 1782900000, "who": "`+who+`"}`)
		require.Empty(t, m.Faults)
		require.Contains(t, string(m.Events[0].Data), `"responder":"`+want+`"`)
	}
}

// hidden is the digest of a@example.com.
const hidden = "sha256:08168cd80dfd534ab0f10af10f1303fe00af2d43ab5c1432360d137f8197e17a"
