package source_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/source"
)

// githubEvents are the values that X-GitHub-Event has.
func githubEvents() []string {
	return strings.Fields(`branch_protection_configuration branch_protection_rule cache_sync check_run check_suite code_scanning_alert
		commit_comment content_reference create custom_property custom_property_values delete dependabot_alert deploy_key deployment
		deployment_protection_rule deployment_review deployment_status discussion discussion_comment enterprise fork
		github_app_authorization gollum installation installation_repositories installation_target issue_comment issue_dependencies
		issues label marketplace_purchase member membership merge_group meta milestone org_block organization package page_build
		personal_access_token_request ping project project_card project_column projects_v2 projects_v2_item
		projects_v2_status_update public pull_request pull_request_review pull_request_review_comment pull_request_review_thread push
		registry_package release repository repository_advisory repository_dispatch repository_import repository_ruleset
		repository_vulnerability_alert secret_scanning_alert secret_scanning_alert_location secret_scanning_scan security_advisory
		security_and_analysis sponsorship star status sub_issues team team_add user watch workflow_dispatch workflow_job workflow_run
		something_new`)
}

// claimable are bodies that GitHub may sign, with the event that each is: those of
// the cases beside the mappings, and all real ones that are on this machine.
func claimable(t *testing.T, l *source.Library) []payload {
	t.Helper()
	_, files := library(t)
	var all []payload
	for _, c := range examples(t, l, files) {
		if c.Vendor != "github" || c.Headers["x-github-event"] == "" {
			continue
		}
		raw, err := json.Marshal(c.Payload)
		require.NoError(t, err)
		all = append(all, payload{"a case", c.Headers, raw})
	}
	for _, f := range realPayloads() {
		if f.vendor == "github" {
			all = append(all, f.load(t)...)
		}
	}
	return all
}

// alike are bodies that can't be told apart: to take a star away is told in the same
// words as to delete a repository, but for a null that counts as nothing. Both are
// activities, which no control judges.
func alike(own, claimed string, body any) bool {
	m, _ := body.(map[string]any)
	star := m["action"] == "deleted" && len(m) <= 5
	return star && slices.Contains([]string{"star", "repository"}, own) && slices.Contains([]string{"star", "repository"}, claimed)
}

// GitHub signs the body and not the header that says which event it is, so that
// whoever gets hold of a delivery may send it again as any event: that makes no event
// that the delivery itself doesn't make.
func TestABodyIsNoOtherEventThanItsOwn(t *testing.T) {
	l, _ := library(t)
	v, ok := l.Vendor("github")
	require.True(t, ok)
	tried := 0
	seen := map[string]int{}
	for _, p := range claimable(t, l) {
		body, err := source.Decode(p.raw)
		require.NoError(t, err)
		own := p.headers["x-github-event"]
		if kind := own + "." + actionOf(body); seen[kind] == few {
			continue
		} else {
			seen[kind]++
		}
		known := slices.Contains(githubEvents(), own)
		mine := ids(v, own, body, p.raw)
		for _, claimed := range githubEvents() {
			if len(mine) == 0 || claimed == own || !known || alike(own, claimed, body) {
				continue
			}
			tried++
			for _, id := range ids(v, claimed, body, p.raw) {
				require.Contains(t, mine, id, "%s: a body of %s, said to be %s", p.file, own, claimed)
			}
		}
	}
	t.Logf("%d pairs of a body and an event that it isn't", tried)
}

// few bodies of each action are enough: they differ in what they hold, hardly in what
// they have.
const few = 2

func actionOf(body any) string {
	m, _ := body.(map[string]any)
	return fmt.Sprint(m["action"])
}

func ids(v *source.Vendor, event string, body any, raw []byte) []string {
	m := v.Map(source.Delivery{
		Headers: map[string]string{"x-github-event": event}, Body: body, SHA256: sha256.Sum256(raw), Received: firstReceipt,
	})
	out := make([]string, 0, len(m.Events))
	for _, e := range m.Events {
		out = append(out, e.ID)
	}
	return append(out, faults(m)...)
}

func faults(m source.Mapped) []string {
	out := make([]string, 0, len(m.Faults))
	for _, f := range m.Faults {
		out = append(out, fmt.Sprint("a fault: ", f.Err))
	}
	return out
}
