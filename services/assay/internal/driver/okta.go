package driver

import (
	"strings"

	"assay.example/assay/pkg/compliance"
)

// What Okta sends: https://developer.okta.com/docs/concepts/event-hooks/, with events
// of its System Log. Its times have milliseconds.

// oktaOrganization is whose hook it is.
const oktaOrganization = "https://northwind.example/api/v1/eventHooks/who1story"

// okta tells who signed in with a second factor, who left, and who came into a group
// or an application and out of it.
//
// It doesn't say in a sign-in who is an administrator, and tells of a sign-in without
// a second factor nothing that could be mapped. What somebody may do inside of an
// application only the application knows.
func okta(_ *known, ev compliance.Event) (told, bool) {
	switch ev.Type {
	case "access.login":
		return oktaLogin(ev)
	case "person.terminated":
		// Who deactivates is the system of people's records.
		return oktaTold(ev, "user.lifecycle.deactivate", "hr-import", nil, oktaTarget("User", text(ev, "person_id")))
	case "access.granted":
		return oktaMembership(ev, "add", text(ev, "granted_by"))
	case "access.revoked":
		return oktaMembership(ev, "remove", text(ev, "revoked_by"))
	}
	return told{}, false
}

func oktaLogin(ev compliance.Event) (told, bool) {
	if ev.Data["mfa"] != true || ev.Data["privileged"] == true {
		return told{}, false
	}
	return oktaTold(ev, "user.authentication.auth_via_mfa", text(ev, "user_id"), fields{"factor": text(ev, "factor")},
		oktaTarget("User", text(ev, "user_id")), oktaTarget("AppInstance", text(ev, "system")))
}

// oktaMembership is of a group, whose system is the directory itself, or of an
// application, which is a system by its own name.
func oktaMembership(ev compliance.Event, verb, by string) (told, bool) {
	user := text(ev, "subject")
	name := strings.TrimSuffix(text(ev, "entitlement_id"), "/"+user)
	switch text(ev, "system") {
	case "okta":
		return oktaTold(ev, "group.user_membership."+verb, by, nil, oktaTarget("User", user), oktaTarget("UserGroup", name))
	case name:
		return oktaTold(ev, "application.user_membership."+verb, by, nil,
			oktaTarget("AppUser", user+"@"+name), oktaTarget("AppInstance", name), oktaTarget("User", user))
	}
	return told{}, false
}

func oktaTarget(kind, id string) fields {
	return fields{"id": id, "type": kind, "alternateId": id, "displayName": id, "detailEntry": nil}
}

// oktaTold is a hook's request with one event of the log.
func oktaTold(ev compliance.Event, kind, actor string, debug fields, targets ...fields) (told, bool) {
	at := milliseconds(ev.Time)
	id := ev.ID
	if grant := text(ev, "grant_id"); grant != "" {
		id = grant
	}
	return told{payload: fields{
		"eventType": "com.okta.event_hook", "eventTypeVersion": "1.0", "cloudEventsVersion": "0.1",
		"source": oktaOrganization, "eventId": "hook-" + id, "eventTime": at, "contentType": "application/json",
		"data": fields{"events": []any{fields{
			"uuid": id, "published": at, "eventType": kind, "version": "0", "severity": "INFO", "legacyEventType": nil,
			"displayMessage": kind, "actor": fields{"id": actor, "type": "User", "alternateId": actor, "displayName": actor},
			"outcome": fields{"result": "SUCCESS", "reason": nil}, "target": targets,
			"transaction":  fields{"type": "WEB", "id": "txn-" + id, "detail": fields{}},
			"debugContext": fields{"debugData": debug},
			"authenticationContext": fields{
				"authenticationProvider": nil, "credentialProvider": nil, "credentialType": nil, "authenticationStep": 0,
			},
		}}},
	}}, true
}
