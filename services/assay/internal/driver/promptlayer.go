package driver

import "assay.example/assay/pkg/compliance"

// What PromptLayer sends: https://docs.promptlayer.com/features/prompt-registry/webhook-events.
// Its own words name a prompt, its version and its label, and an evaluation without
// its score. The rest stands in `details` where the mapping looks for it; PromptLayer
// documents none of that, so a relay of the company's has to add it and sign anew.

// promptRelease tells that a label moved to a version, which makes it run.
func promptRelease(_ *known, ev compliance.Event) (told, bool) {
	if ev.Type != "prompt.released" {
		return told{}, false
	}
	return promptLayer(ev, "prompt_template_label_moved", text(ev, "author"), fields{
		"prompt_template_id": text(ev, "prompt"), "prompt_template_name": text(ev, "prompt"),
		"prompt_template_label":          text(ev, "environment"),
		"prompt_template_version_number": number(text(ev, "version_hash"))%40 + 2,
		// What PromptLayer doesn't know:
		"release_id": text(ev, "release_id"), "change_id": text(ev, "change_id"), "app": text(ev, "app"),
		"version_hash": text(ev, "version_hash"),
	}), true
}

// promptEvaluation tells that an evaluation finished.
func promptEvaluation(_ *known, ev compliance.Event) (told, bool) {
	if ev.Type != "eval.run.completed" {
		return told{}, false
	}
	return promptLayer(ev, "report_finished", "evaluations", fields{
		"report_id": text(ev, "run_id"), "report_name": text(ev, "suite"),
		// What PromptLayer has and doesn't send:
		"version_hash": text(ev, "version_hash"), "score_permille": ev.Data["score_permille"], "cases": ev.Data["cases"],
	}), true
}

func promptLayer(ev compliance.Event, kind, user string, details fields) told {
	return told{payload: fields{
		"event_type": kind, "details": details, "user_id": user, "user_name": nil, "user_email": nil, "workspace_id": 4711,
		"timestamp": ev.Time.Time().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
	}}
}
