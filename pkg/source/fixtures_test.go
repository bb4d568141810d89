package source_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
)

// payload is one that a vendor really sent.
type payload struct {
	file    string
	headers map[string]string
	raw     []byte
}

// fixtures are real payloads of one vendor. The folder holds those of others, so
// they are read where they lie and are no part of the repository.
type fixtures struct {
	vendor string
	// files is a pattern in the folder of fixtures; read, if it is not nil, is what
	// finds the payloads instead.
	files string
	read  func(tb testing.TB) []payload
	// headers are those that the vendor sends with a file.
	headers func(file string, raw []byte) map[string]string
	// nobody are kinds ("x.y", or "x.*") whose payloads name no actor; nothing are
	// those without a target; untimed are those without a time of the fact.
	nobody, nothing, untimed []string
}

func realPayloads() []fixtures {
	return []fixtures{
		{vendor: "github", files: "github/*.json", headers: githubHeaders, untimed: githubUntimed()},
		{vendor: "github", read: octokit, untimed: githubUntimed()},
		{vendor: "gitlab", files: "gitlab/*.json", nobody: gitlabNobody(), untimed: gitlabUntimed()},
		{vendor: "pagerduty", files: "incident/pagerduty__*.json"},
		{vendor: "opsgenie", files: "incident/opsgenie__*.json"},
		// Of these the collectors of payloads have cut away the times of some, and of one who it was.
		{vendor: "okta", files: "access/okta/*.json", nobody: []string{"user.authentication.sso"}, untimed: []string{"user.*"}},
		{vendor: "gsuite", files: "access/gsuite/*.json", untimed: []string{"mobile.*"}},
		{vendor: "kubernetes", files: "access/k8s/*.json", untimed: []string{"create *"}},
		{vendor: "cloudtrail", files: "access/cloudtrail/*.json"},
		{vendor: "anthropic", files: "access/ai_vendor/Anthropic_*.json"},
	}
}

// address is an e-mail's; repository@commit is none.
const address = `[\w.+-]+@[\w-]+\.\w`

// row is what became of the payloads of one kind.
type row struct {
	vendor, kind                             string
	payloads, mapped, actors, targets, timed int
	families                                 map[string]bool
	problems                                 []string
}

// Real payloads become events of a family that say who did what to what, and when.
// Those that aren't on this machine are named, loudly.
func TestRealPayloads(t *testing.T) {
	l, _ := library(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	found := false
	for _, f := range realPayloads() {
		v, ok := l.Vendor(f.vendor)
		require.True(t, ok, f.vendor)
		payloads := f.load(t)
		if len(payloads) == 0 {
			t.Logf("NOT TESTED: no payloads of %s %s; set ASSAY_TEST_FIXTURES, run scripts/fetch-octokit.sh", f.vendor, f.files)
			continue
		}
		found = true
		rows := map[string]*row{}
		for _, p := range payloads {
			f.add(t, types, v, p, rows)
		}
		report(t, rows)
	}
	if !found {
		t.Skip("NO REAL PAYLOAD IS TESTED: there are none on this machine; set ASSAY_TEST_FIXTURES, run scripts/fetch-octokit.sh")
	}
}

func (f fixtures) load(tb testing.TB) []payload {
	tb.Helper()
	if f.read != nil {
		return f.read(tb)
	}
	folder := os.Getenv("ASSAY_TEST_FIXTURES")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "fixtures")
	}
	files, err := filepath.Glob(filepath.Join(folder, filepath.FromSlash(f.files)))
	require.NoError(tb, err)
	payloads := make([]payload, 0, len(files))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(tb, err)
		p := payload{file: filepath.Base(file), raw: raw}
		if f.headers != nil {
			p.headers = f.headers(p.file, raw)
		}
		payloads = append(payloads, p)
	}
	return payloads
}

// Two receipts, so that a time that is only the receipt's shows.
const (
	firstReceipt  = compliance.Instant(1_800_000_000_000_000)
	secondReceipt = firstReceipt + 1_000_000
)

func (f fixtures) add(tb testing.TB, types *dictionary.Dictionary, v *source.Vendor, p payload, rows map[string]*row) {
	tb.Helper()
	body, err := source.Decode(p.raw)
	if err != nil {
		rowOf(rows, f.vendor, "-").problem("%s: %v", p.file, err)
		return
	}
	mapped, again := p.mapped(v, body, firstReceipt), p.mapped(v, body, secondReceipt)
	kind := strings.Join(mapped.Kinds, " ")
	r := rowOf(rows, f.vendor, kind)
	for _, fault := range mapped.Faults {
		r.problem("%s: %s: %v", p.file, fault.Mapping, fault.Err)
	}
	if len(mapped.Events) == 0 || len(mapped.Unmapped) > 0 {
		r.problem("%s: not mapped: %v", p.file, mapped.Unmapped)
		return
	}
	r.mapped++
	actor, target, timed := false, false, true
	for i, e := range mapped.Events {
		typ, ok := types.Type(e.Type)
		require.True(tb, ok)
		r.families[string(typ.Family)] = true
		data, err := typ.Decode(e.Data)
		require.NoError(tb, err)
		actor = actor || named(data, typ.ActorField)
		target = target || named(data, typ.TargetField)
		timed = timed && e.Time == again.Events[i].Time
		require.Equal(tb, e.ID, again.Events[i].ID, "%s: an id that changes with the receipt", p.file)
		require.NotRegexp(tb, address, string(e.Data), "%s: an address in an event", p.file)
	}
	f.hold(r, p.file, kind, actor, target, timed)
}

// hold counts what a payload has, and complains where it lacks what it could have.
func (f fixtures) hold(r *row, file, kind string, actor, target, timed bool) {
	for _, of := range []struct {
		has    bool
		count  *int
		what   string
		except []string
	}{
		{actor, &r.actors, "actor", f.nobody},
		{target, &r.targets, "target", f.nothing},
		{timed, &r.timed, "time of its own", f.untimed},
	} {
		if of.has {
			*of.count++
		} else if !lists(of.except, kind) {
			r.problem("%s: no %s", file, of.what)
		}
	}
}

func lists(kinds []string, kind string) bool {
	return slices.ContainsFunc(kinds, func(k string) bool {
		prefix, open := strings.CutSuffix(k, "*")
		return k == kind || open && strings.HasPrefix(kind, prefix)
	})
}

func rowOf(rows map[string]*row, vendor, kind string) *row {
	if rows[kind] == nil {
		rows[kind] = &row{vendor: vendor, kind: kind, families: map[string]bool{}}
	}
	rows[kind].payloads++
	return rows[kind]
}

func (p payload) mapped(v *source.Vendor, body any, received compliance.Instant) source.Mapped {
	return v.Map(source.Delivery{Headers: p.headers, Body: body, SHA256: sha256.Sum256(p.raw), Received: received})
}

// named says whether a field says something; unclassified is nothing.
func named(data map[string]any, field string) bool {
	s, _ := data[field].(string)
	return s != "" && s != "unclassified"
}

func (r *row) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func report(t *testing.T, rows map[string]*row) {
	t.Helper()
	total := row{kind: "all", families: map[string]bool{}}
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s %-48s %8s %6s %5s %6s %4s %8s  %s\n", "VENDOR", "KIND", "PAYLOADS", "MAPPED", "ACTOR", "TARGET", "TIME", "PROBLEMS", "FAMILIES")
	for _, kind := range slices.Sorted(maps.Keys(rows)) {
		r := rows[kind]
		r.line(&b)
		total.vendor, total.payloads, total.mapped = r.vendor, total.payloads+r.payloads, total.mapped+r.mapped
		total.actors, total.targets, total.timed = total.actors+r.actors, total.targets+r.targets, total.timed+r.timed
		total.problems = append(total.problems, r.problems...)
		maps.Copy(total.families, r.families)
	}
	total.line(&b)
	t.Logf("\n%s", b.String())
	for _, problem := range total.problems {
		t.Errorf("%s: %s", total.vendor, problem)
	}
}

func (r *row) line(b *strings.Builder) {
	fmt.Fprintf(b, "%-10s %-48.48s %8d %6d %5d %6d %4d %8d  %s\n", r.vendor, r.kind, r.payloads, r.mapped,
		r.actors, r.targets, r.timed, len(r.problems), strings.Join(slices.Sorted(maps.Keys(r.families)), " "))
}

// githubHeaders takes the event from names such as octokit__push__payload.json, or
// deployment-status.json.
func githubHeaders(file string, _ []byte) map[string]string {
	event := strings.TrimSuffix(file, ".json")
	if parts := strings.Split(event, "__"); len(parts) > 1 {
		event = parts[1]
	}
	return map[string]string{"x-github-event": strings.ReplaceAll(event, "-", "_"), "x-github-delivery": "d-1"}
}

// githubUntimed are facts whose payloads say no time, or only when the thing was
// last touched before it was deleted.
func githubUntimed() []string {
	return []string{
		"branch_protection_rule.deleted", "cache_sync", "code_scanning_alert.fixed", "code_scanning_alert.reopened",
		"content_reference.*", "enterprise.*", "github_app_authorization.*", "gollum", "installation.deleted", "issues.deleted",
		"label.*", "marketplace_purchase.*", "member.*", "membership.*", "meta.deleted", "milestone.deleted", "org_block.*", "organization.member_added",
		"organization.member_removed", "organization.renamed", "project_card.deleted", "release.deleted", "release.edited",
		"repository.deleted", "repository_dispatch.*", "repository_import", "secret_scanning_alert.reopened",
		"sponsorship.pending_tier_change", "star.deleted", "team.*", "team_add", "user.*", "watch.*", "workflow_dispatch",
	}
}

// octokit is GitHub's own collection, which scripts/fetch-octokit.sh puts into the
// cache: that of github.com, and those of five versions of its server.
func octokit(tb testing.TB) []payload {
	tb.Helper()
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		home, err := os.UserHomeDir()
		require.NoError(tb, err)
		cache = filepath.Join(home, ".cache", "assay")
	}
	files, err := filepath.Glob(filepath.Join(cache, "octokit-webhooks-examples-*", "*", "index.json"))
	require.NoError(tb, err)
	var payloads []payload
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(tb, err)
		var events []struct {
			Name     string            `json:"name"`
			Examples []json.RawMessage `json:"examples"`
		}
		require.NoError(tb, json.Unmarshal(raw, &events))
		for _, e := range events {
			for i, example := range e.Examples {
				name := fmt.Sprintf("%s/%s/%d", filepath.Base(filepath.Dir(file)), e.Name, i)
				payloads = append(payloads, payload{name, githubHeaders(e.Name, nil), example})
			}
		}
	}
	return payloads
}

// gitlabNobody are hooks that don't say who did what they tell of.
func gitlabNobody() []string {
	return []string{"user_*", "group_*", "project_*", "release.*"}
}

func gitlabUntimed() []string {
	return []string{
		"feature_flag", "access_token.*", "user_remove_from*", "*_destroy", "user_destroy", "group_destroy", "project_destroy",
		"key_destroy", "user_failed_login", "tag_push", "wiki_page.*",
	}
}
