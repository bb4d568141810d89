package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// quarter has a control for each result.
func quarter(t *testing.T) *report.Report {
	t.Helper()
	w := asktest.New(t)
	w.Beats("/idp", "2026-06-30T20:00:00Z", "2026-10-01T02:00:00Z", time.Hour)
	w.Beats("/pager", "2026-06-30T20:00:00Z", "2026-08-03T02:00:00Z", time.Hour)
	w.Beats("/pager", "2026-08-03T09:00:00Z", "2026-09-30T02:00:00Z", time.Hour)
	w.Say(
		asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-02T10:00:00Z", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "b", At: "2026-08-02T10:00:00Z", Outcome: compliance.Deviation, Reason: "no_mfa"},
		asktest.Said{Control: "AC-01", Item: "c", At: "2026-09-02T10:00:00Z", Outcome: compliance.Deviation, Reason: "=cmd|' /C calc'!A0"},
		asktest.Said{Control: "AC-01", Item: "d", At: "2026-09-03T10:00:00Z", Outcome: compliance.Deviation, Reason: "<img src=x onerror=alert(1)>", Remediated: "2026-09-04"},
		asktest.Said{Control: "AC-04", Item: "console@2026-07", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "CH-01", Item: "e", At: "2026-07-02T10:00:00Z", Outcome: compliance.Pass},
		asktest.Said{Control: "CH-01", Item: "f", At: "2026-09-30T10:00:00Z", Outcome: compliance.Pending, Reason: "awaiting_evidence"},
		asktest.Said{Control: "AC-01", Item: "h", At: "2026-09-05T10:00:00Z", Outcome: compliance.Waived, Reason: "no_mfa"},
		asktest.Said{Control: "ZZ-01", Item: "g", At: "2026-09-30T10:00:00Z", Outcome: compliance.Pass},
	)
	return reported(w, "2026-Q3")
}

// hashes of rules change with every edit of pkg/control, so golden files don't hold them.
func stable(text string, r *report.Report) string {
	text = strings.ReplaceAll(text, r.Bundle, "BUNDLE")
	for _, c := range r.Controls {
		text = strings.ReplaceAll(text, c.RuleHash, "RULE-"+c.ID)
	}
	return regexp.MustCompile(` +(\n|$)`).ReplaceAllString(text, "$1")
}

// golden compares with a file of testdata; UPDATE_GOLDEN writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "%s: if the new text is right, run again with UPDATE_GOLDEN=1", file)
}

func TestWrite(t *testing.T) {
	r := quarter(t)
	// SHA-256s of questions change with their text, which Git shows as well.
	for i := range r.Made {
		require.Len(t, r.Made[i].SHA256, 64)
		r.Made[i].SHA256 = strings.Repeat("0", 64)
	}
	t.Run("table", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, r.WriteTable(output.Writer{Out: &out}))
		golden(t, "report.txt", stable(out.String(), r))
	})
	t.Run("json", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, r.WriteJSON(&out))
		golden(t, "report.json", stable(out.String(), r))
		var back report.Report
		require.NoError(t, json.Unmarshal(out.Bytes(), &back))
		require.Equal(t, r.Controls[0].Counts, back.Controls[0].Counts)
	})
	t.Run("csv", func(t *testing.T) {
		var out bytes.Buffer
		require.NoError(t, r.WriteCSV(output.Writer{Out: &out}))
		golden(t, "report.csv", stable(out.String(), r))
		rows, err := csv.NewReader(&out).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 1+len(r.Controls))
	})
	t.Run("html", func(t *testing.T) { writesHTML(t, r) })
}

func writesHTML(t *testing.T, r *report.Report) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.WriteHTML(&out))
	text := out.String()
	if file := os.Getenv("KEEP_HTML"); file != "" {
		require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
	}
	require.NotContains(t, strings.ToLower(text), "<script")
	require.NotContains(t, text, "<img")
	require.Contains(t, text, "Deployments &lt;script&gt;alert(1)&lt;/script&gt; &amp; are &#34;approved&#34;")
	require.Contains(t, text, "&lt;img src=x onerror=alert(1)&gt;")
	require.NotRegexp(t, `(src|href)="?(https?:)?//`, text, "it stands alone")
	require.NotContains(t, text, "ZgotmplZ")
	require.Contains(t, html.UnescapeString(text), `default-src 'none'; style-src 'sha256-`)
	require.NotContains(t, text, "style=", "the policy of a strict page lets none pass")
	for _, c := range r.Controls {
		require.Contains(t, text, `id="`+c.ID+`"`)
	}
	require.Equal(t, strings.Count(text, "<table data-table=")+strings.Count(text, "<p>None"), strings.Count(text, `<p class="made">`), "each table says how it was made")
	golden(t, "report.html", stable(text, r))
}

// What strangers sent can't drive a terminal or a spreadsheet.
func TestWriteGuards(t *testing.T) {
	r := &report.Report{Tenant: "\x1b[2Jevil", Controls: []report.Control{{ID: "=1+1", Title: "@SUM(A1)", Why: []string{"-1+cmd"}}}}
	var out bytes.Buffer
	require.NoError(t, r.WriteTable(output.Writer{Out: &out}))
	require.NotContains(t, out.String(), "\x1b")
	out.Reset()
	require.NoError(t, r.WriteCSV(output.Writer{Out: &out}))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	cells := map[string]string{}
	for i, head := range rows[0] {
		cells[head] = rows[1][i]
	}
	require.Equal(t, "'=1+1", cells["control"])
	require.Equal(t, "'@SUM(A1)", cells["title"])
	require.Equal(t, "'-1+cmd", cells["why"])
}
