package driver

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// What GitHub sends: https://docs.github.com/en/webhooks/webhook-events-and-payloads.
// Its times are whole seconds.

func githubTime(at compliance.Instant) string { return at.Time().UTC().Format(time.RFC3339) }

// githubHeader names the delivery after the event, so that a repeated one has the
// same name, as GitHub's Redeliver gives it.
func githubHeader(kind string, ev compliance.Event) map[string]string {
	n := uint64(number(ev.ID))
	return map[string]string{
		"X-GitHub-Event":    kind,
		"X-GitHub-Delivery": fmt.Sprintf("%08x-%04x-4000-8000-%012x", uint32(n>>12), uint16(n), n),
		"User-Agent":        "GitHub-Hookshot/story",
	}
}

// githubChange tells of pull requests: pushes and reviews. Approvals of prompts and
// of routes are no pull requests.
func githubChange(k *known, ev compliance.Event) (told, bool) {
	change := text(ev, "change_id")
	first, ok := k.pushes[change]
	if !ok {
		return told{}, false
	}
	switch ev.Type {
	case "change.pushed":
		if ev.ID == first.ID { // GitHub says of a new one that it is proposed, too
			return told{githubHeader("pull_request", ev), githubPull("opened", first, ev), 1}, true
		}
		return told{githubHeader("pull_request", ev), githubPull("synchronize", first, ev), 0}, true
	case "change.approved":
		return told{githubHeader("pull_request_review", ev), githubReview("submitted", "approved", first, ev, text(ev, "approver")), 0}, true
	case "change.approval_revoked":
		return told{githubHeader("pull_request_review", ev), githubReview("dismissed", "dismissed", first, ev, text(ev, "revoked_by")), 0}, true
	}
	return told{}, false
}

func githubPull(action string, first, ev compliance.Event) fields {
	payload := githubPayload(action, text(ev, "author"))
	pull := githubPullRequest(first, ev)
	pull["head"] = fields{"ref": fmt.Sprintf("change-%d", pull["number"]), "sha": text(ev, "commit")}
	payload["number"], payload["pull_request"] = pull["number"], pull
	return payload
}

func githubReview(action, state string, first, ev compliance.Event, sender string) fields {
	payload := githubPayload(action, sender)
	review := fields{
		"id": number(ev.ID), "user": githubUser(text(ev, "approver")), "state": state, "body": nil,
		"submitted_at": githubTime(ev.Time),
	}
	if commit := text(ev, "commit"); commit != "" {
		review["commit_id"] = commit
	}
	payload["review"], payload["pull_request"] = review, githubPullRequest(first, ev)
	return payload
}

func githubPullRequest(first, ev compliance.Event) fields {
	var n int64
	if _, err := fmt.Sscanf(text(ev, "change_id"), githubRepository+"#%d", &n); err != nil {
		n = 0 // the mapping then finds no change, which the play reports
	}
	return fields{
		"id": 1_900_000_000 + n, "number": n, "state": "open", "draft": false, "merged": false, "merged_at": nil, "closed_at": nil,
		"title": "Change of " + githubRepository, "user": githubUser(text(first, "author")),
		"base":       fields{"ref": "main"},
		"created_at": githubTime(first.Time), "updated_at": githubTime(ev.Time),
	}
}

// The repository of the story.
const (
	githubOwner      = "northwind"
	githubRepository = "assist"
)

func githubPayload(action, sender string) fields {
	owner := fields{"login": githubOwner, "id": 61_000_001, "type": "Organization"}
	return fields{
		"action": action,
		"repository": fields{
			"id": 62_000_001, "name": githubRepository, "full_name": githubOwner + "/" + githubRepository, "private": true, "owner": owner,
		},
		"organization": fields{"login": githubOwner, "id": 61_000_001},
		"sender":       githubUser(sender),
	}
}

func githubUser(login string) fields {
	return fields{"login": login, "id": 60_000_000 + number(login)%1_000_000, "type": "User", "site_admin": false}
}

// deployer is the account of the pipeline that deploys.
const deployer = "northwind-deploy[bot]"

// githubDeployment tells that a deployment succeeded. What the pipeline knows and
// GitHub doesn't is in the deployment's payload, which GitHub hands on.
func githubDeployment(_ *known, ev compliance.Event) (told, bool) {
	if ev.Type != "deploy.completed" {
		return told{}, false
	}
	at, environment := githubTime(ev.Time), text(ev, "environment")
	bot := fields{"login": deployer, "id": 63_000_001, "type": "Bot", "site_admin": false}
	payload := githubPayload("created", deployer)
	payload["deployment_status"] = fields{
		"id": number(ev.ID), "state": "success", "environment": environment, "creator": bot, "description": "",
		"created_at": at, "updated_at": at,
	}
	payload["deployment"] = fields{
		"id": number(ev.ID) + 1, "sha": text(ev, "commit"), "ref": "main", "task": "deploy", "creator": bot,
		"environment": environment, "original_environment": environment, "production_environment": environment == "production",
		"created_at": at, "updated_at": at,
		"payload": fields{
			"deploy_id": text(ev, "deploy_id"), "change_id": text(ev, "change_id"), "author": text(ev, "author"),
			"component": text(ev, "component"), "emergency": ev.Data["emergency"],
		},
	}
	return told{header: githubHeader("deployment_status", ev), payload: payload}, true
}
