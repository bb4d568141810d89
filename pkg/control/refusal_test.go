package control_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

const sound = `id: CH-01
title: Deployments are approved
criteria: [CC8.1]
severity: high
population:
  event: deploy.completed
  where: event.environment == "production"
  item: event.deploy_id
expect:
  push: {event: change.pushed, on: {event.change_id: item.change_id}, between: "[-30d, 0s]", pick: last}
  approval:
    event: change.approved
    on: {event.change_id: item.change_id}
    where: event.approver != item.author
    between: "(push.time, item.time]"
    unless: {event: change.approval_revoked, on: {event.change_id: item.change_id}, between: "(approval.time, item.time]"}
assert: approval.count >= 1
reasons: {no_approval: approval.count == 0}
`

const scheduled = `id: AC-04
title: Access is reviewed
criteria: [CC6.2]
population: {every: month, for_each: boundary.systems, zone: Europe/Berlin}
expect:
  review: {event: access.reviewed, on: {event.system: item.member}, between: "[0s, period + 5d)"}
assert: review.count >= 1
`

const expanded = `id: AC-03
title: A leaver's access is gone
criteria: [CC6.2]
tables:
  held: {from: [access.granted, access.revoked], key: [event.subject, event.entitlement_id], live: event.type == "access.granted"}
population: {event: person.terminated, item: event.person_id}
expand: {over: refs.held.of(item.person_id), as: part, key: part.entitlement_id, count: item}
expect:
  gone:
    event: access.revoked
    on: {event.subject: item.person_id}
    between: "(0s, 24h]"
    remedy_until: 30d
assert: gone.count >= 1
`

const declared = `effective_from: 2026-07-01T00:00:00Z
tenants: [default]
boundary: {components: [api], systems: [{id: console, from: 2026-07-01T00:00:00Z, until: 2026-10-01T00:00:00Z}]}
sources: {/vcs: {types: [change.*], max_gap: 3h}}
refs: {providers: {p1: {valid_from: 2026-01-01T00:00:00Z, classes: [public]}}, pairs: [{key: [p1, m1], valid_until: 2026-08-01T00:00:00Z}, {key: [p1, m1], valid_from: 2026-08-01T00:00:00Z}, {key: p2}]}
`

// refusals plant one fault each: old becomes planted, in which ‸ marks the place
// that must be named; without a mark it is the file's first. The text is how the
// problem begins.
var refusals = []struct{ base, old, planted, text string }{
	{sound, "id: CH-01\n", "", "a control needs an id, such as CH-01"},
	{sound, "CH-01", "‸ch-1", `"ch-1" is no control id; ids look like CH-01 or CH-05a`},
	{sound, "title: Deployments are approved\n", "", "a control needs a title"},
	{sound, "severity: high", "severity: ‸urgent", "severity is one of critical, high, medium, low"},
	{sound, "severity: high", "effective_from: ‸soon", `effective_from: time "soon" is not RFC 3339`},
	{sound, "criteria: [CC8.1]\n", "", "a control needs criteria, such as [CC8.1]"},
	{sound, "[CC8.1]", "[CC8.1, ‸CC8.2]", `"CC8.2" is no Trust Services Criteria id`},
	{sound, "[CC8.1]", "‸CC10.1", `"CC10.1" is no Trust Services Criteria id`},
	{sound, "severity: high", "‸sevrity: high", `a control has no key "sevrity" (did you mean "severity"?); it has id, population`},
	{sound, "severity: high", "severity: high\n‸severity: low", `a control has the key "severity" twice`},
	{sound, "severity: high", "severity: ‸[high]", "severity must be text"},
	{sound, "severity: high", "lateness: {correct_until: ‸7 days}", `"7 days" is no duration; units are d, h, m, s and ms`},
	{sound, "severity: high", "lateness: {correct_until: ‸99999999999d}", `"99999999999d" is too long a duration`},
	{sound, "severity: high", "lateness: {correct_until: ‸3661d}", `"3661d" is longer than 3660 days`},
	{sound, "severity: high", "lateness: {final_after: ‸-1h}", "this duration must not be negative"},
	{sound, "severity: high", "lateness: {final_after: ‸\"\"}", "a duration is missing"},
	{sound, "severity: high", "waivable: ‸sometimes", "waivable: is true or false"},
	{sound, "  push: {", "  ‸waiver: {", ""},
	{sound, "severity: high", "params: {x: ‸!!int y}", "reading a parameter: "},

	// the population
	{sound, "population:\n  event: deploy.completed\n  where: event.environment == \"production\"\n  item: event.deploy_id\n", "", "a control needs a population"},
	{sound, "population:\n  event: deploy.completed\n  where: event.environment == \"production\"\n  item: event.deploy_id\n", "population: ‸deploy.completed\n", "population must be a mapping"},
	{sound, "  event: deploy.completed\n  where: event.environment == \"production\"\n  item: event.deploy_id\n", "  ‸item: '\"x\"'\n", "a population needs event: or every:"},
	{sound, "deploy.completed", "‸deploy.complete", `no event type matches "deploy.complete" (did you mean "deploy.completed"?)`},
	{sound, "event: deploy.completed", "event: ‸{a: b}", "event must be text or a list of texts"},
	{sound, "event.environment ==", "event‸.environmant ==", `event has no field "environmant" (did you mean "environment"?); it has author, change_id`},
	{sound, `event.environment ==`, `event[‸"environmant"] ==`, `event has no field "environmant"`},
	{sound, `event.environment ==`, `event.?‸environmant.orValue("") ==`, `event has no field "environmant"`},
	{sound, `event.environment ==`, `event[?‸"environmant"].orValue("") ==`, `event has no field "environmant"`},
	{sound, `event.environment == "production"`, `event.?environment.orValue("") ‸== 3`, "a value of type string doesn't go with one of type integer"},
	{sound, `event.environment == "production"`, `‸event.?emergency`, "this is optional_type(dyn), but bool is needed"},
	{sound, `event.environment == "production"`, `event.environment ‸== 3`, "a value of type string doesn't go with one of type integer"},
	{sound, `event.environment == "production"`, `event.environment in ["a", ‸3]`, "a value of type string doesn't go with one of type integer"},
	{sound, `event.environment == "production"`, `'"prod" in event‸.emergency.split("-")'`, "a value of type boolean doesn't go with split()"},
	{sound, `event.environment == "production"`, `event.environment.startsWith("prod") && size(event‸.emergency) > 0`, "a value of type boolean doesn't go with size()"},
	{sound, `event.environment == "production"`, `event.environment.matches(‸"prod(?=uction)")`, "invalid matches argument; patterns are those of RE2"},
	{sound, `event.environment == "production"`, `event.time - event.time < duration(‸"30d")`, "invalid duration argument; a duration of CEL has no days"},
	{sound, "assert: approval.count >= 1", `assert: ‸push.exists(a, push.exists(b, push.exists(c, push.exists(d, push.exists(e, push.exists(f, push.exists(g, push.exists(h, push.exists(k, push.exists(l, l.id == a.id))))))))))`, "this may take "},
	{sound, `event.environment == "production"`, `has(event.emergency) ‸+ 1 == 2`, "+ doesn't go with (bool, int)"},
	{sound, `event.environment == "production"`, `event.emergency && event‸.author`, "this is a value of type string, not true or false"},
	{sound, `event.environment == "production"`, `‸event.author`, "this is a value of type string, but boolean is needed"},
	{sound, `event.environment == "production"`, `‸event.author.size() + 1`, "this is int, but bool is needed"},
	{sound, "event.deploy_id", "‸event.emergency", "this is a value of type boolean, but string is needed"},
	{sound, `event.environment == "production"`, `event.environment == "production" ‸)`, "Syntax error: "},
	{sound, `event.environment == "production"`, `now‸() > event.time`, "undeclared reference to 'now'; a condition says the same whenever it is computed"},
	{sound, `event.environment == "production"`, `event.time‸.hour > 3`, "a value of type time has no fields"},
	{sound, `event.environment == "production"`, `event.?author.?‸name.orValue("") == ""`, "a value of type string has no fields"},
	{sound, `event.environment == "production"`, `event.author[‸"name"] == ""`, "a value of type string has no fields"},
	{sound, `event.environment == "production"`, `event.time ‸> "2026-07-01"`, "a value of type time doesn't go with one of type string"},
	{sound, `event.environment == "production"`, `event.time.getHours("Europe/Berlin") > 3 && event.author.lower‸() == "x"`, "undeclared reference to 'lower' (did you mean 'lowerAscii'?); write x.lowerAscii()"},
	{sound, `event.environment == "production"`, `event.emergency ‸and event.emergency`, "Syntax error: mismatched input 'and' expecting <EOF>; write &&"},
	{sound, `event.environment == "production"`, `event.environment ‸= "x"`, "Syntax error: token recognition error at: '= '; write =="},
	{sound, `event.environment == "production"`, `len‸(event.author) > 3`, "undeclared reference to 'len'; write size(x)"},
	{sound, `event.environment == "production"`, `‸approval.count == 0`, "undeclared reference to 'approval'"},
	{sound, `event.environment == "production"`, `‸""`, "an expression is missing here"},

	{sound, "item: event.deploy_id", "item: event.deploy_id + bucket(event.time, ‸'0s')", "a bucket is as wide as a duration above 0"},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  having: ‸approval.count", "this is int, but bool is needed"},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  having: approvl‸.count > 0", "undeclared reference to 'approvl.count' (did you mean"},
	{expanded, "item: event.person_id", "item: event.person_id, having: ‸gone.count > 1", "having: doesn't go with expand:"},
	{scheduled, "every: month", "every: month, having: ‸review.count > 1", "having: doesn't go with every:"},

	// schedules
	{scheduled, "every: month", "every: ‸fortnight", "every: is one of hour, day, week, month, quarter, year"},
	{scheduled, "every: month", "every: month, where: ‸\"true\"", "where: doesn't go with every:"},
	{scheduled, "zone: Europe/Berlin", "zone: ‸Europe/Berln", `"Europe/Berln" is no IANA time zone`},
	{scheduled, "zone: Europe/Berlin", "zone: ‸Local", `"Local" is no IANA time zone`},
	{scheduled, "for_each: boundary.systems", "for_each: ‸refs.pairs", "a member is one text, and keys of refs.pairs have several parts"},
	{scheduled, "population: {every: month, for_each: boundary.systems, zone: Europe/Berlin}", "population: ‸{every: month}", "a schedule needs for_each:, such as boundary.systems"},
	{scheduled, "boundary.systems", "‸boundary.servers", `"boundary.servers" is not declared`},
	{scheduled, "item.member}", "‸item.sistem}", `item has no field "sistem"; it has end, id, member, slot, time`},
	{scheduled, `"[0s, period + 5d)"`, `‸"[period, item.time]"`, `"[period, item.time]" is always empty: a period ends after its item's time`},

	// expectations
	{sound, "  approval:\n", "  ‸refs:\n", ""},
	{sound, "  push: {", "  push: {‸maximum: 5, ", `an expectation has no key "maximum"`},
	{sound, "  push: {event: change.pushed, ", "  push: ‸{", "an expectation needs event:, the type that it expects"},
	{sound, "pushed, on: {event.change_id: item.change_id}", "pushed", ""},
	{sound, `, between: "[-30d, 0s]"`, "", ""},
	{sound, `"[-30d, 0s]"`, `‸"-30d to 0s"`, `"-30d to 0s" is no interval; write [a, b]`},
	{sound, `"[-30d, 0s]"`, `‸"[-30d; 0s]"`, `"[-30d; 0s]" needs two ends with a comma between`},
	{sound, `"[-30d, 0s]"`, `‸"[-30d, )"`, `"" is no end of an interval`},
	{sound, `"[-30d, 0s]"`, `‸"[0s, -30d]"`, `"[0s, -30d]" is always empty: it ends before it starts`},
	{sound, `"[-30d, 0s]"`, `‸"(0s, 0s]"`, `"(0s, 0s]" is always empty`},
	{sound, `"[-30d, 0s]"`, `‸"[item.time - , 0s]"`, `"item.time -" needs both a sign and a duration after the anchor`},
	{sound, `"[-30d, 0s]"`, `‸"[item.time - 3x, 0s]"`, `"3x" is no duration`},
	{sound, `"[-30d, 0s]"`, `‸"[-30d, period]"`, "period is the end of a slot, and this population has no schedule (every:)"},
	{sound, `"[-30d, 0s]"`, `‸"[approval.time, 0s]"`, `"approval" is no expectation that stands before this one`},
	{sound, `"[-30d, 0s]"`, `‸"[now, 0s]"`, `"now" is no anchor; anchors are item.time, period`},
	{sound, `"[-30d, 0s]"`, `‸[-30d, 0s]`, ""},
	{sound, "pick: last", "pick: ‸any", ""},
	{sound, "pick: last", "pick: last, max: ‸0", "max: is a number from 1 to 100000"},
	{sound, "pick: last", "pick: last, latest: ‸event.branch", `event has no field "branch"`},
	{sound, "pick: last", "pick: last, latest: ‸item.author", `"item.author" must be a field, event.<name>`},
	{sound, "pick: last", "pick: last, latest: ‸event.a b", `"event.a b" must be a plain field, event.<name>`},
	{sound, "pick: last", "pick: last, fold: {n: ‸mean(event.n)}", "a fold is count(), sum(…), min(…), max(…), distinct(…) or digest(…)"},
	{sound, "pick: last", "pick: last, fold: {n: sum(event‸.cases)}", `event has no field "cases"`},
	{sound, "    where: event.approver != item.author\n", "    where: event.approver != item.author\n    fold: {n: ‸max(push.count)}\n", "a fold reads its own events only"},
	{sound, "unless: {event: change.approval_revoked, ", "unless: {event: change.approval_revoked, where: ‸push.count == 0, ", "under unless, where: reads event and item only"},
	{sound, "where: event.approver != item.author", "where: ‸later.count == 0 && event.approver != item.author", "undeclared reference to 'later'"},
	{sound, "where: event.approver != item.author", "where: ‸approval.exists(a, a.before(event))", "undeclared reference to 'approval'"},
	{sound, "pick: last", "pick: last, where: ‸approval.count == 0", "undeclared reference to 'approval'; a condition reads expectations that stand before it: move approval up"},
	{sound, "pick: last", "pick: last, links: {event.commit: ‸event.parent}", `event has no field "parent"`},
	{sound, "pick: last", "pick: last, links: {event.commit: event.author, ‸event.author: event.commit}", "links: has one pair"},
	{sound, "pick: last", "pick: last, remedy_until: ‸-3d", "this duration must not be negative"},
	{sound, `"(push.time, item.time]"`, "\"[-3d, push.time]\"\n    remedy_until: ‸3d", "remedy_until: needs an interval that ends at the item or its period"},
	{sound, "on: {event.change_id: item.change_id}\n", "on: {event.change_id: ‸item.id}\n", ""},
	{sound, "on: {event.change_id: item.change_id}\n", "on: {‸event.chng_id: item.change_id}\n", `event has no field "chng_id"`},
	{sound, "item: event.deploy_id\nexpect:\n  push: {event: change.pushed, on: {event.change_id: item.change_id}", "item: event.deploy_id\n  clock: event.time\n  within: 1d\nexpect:\n  push: {event: change.pushed, on: {event.commit: item.commit}", "the expectations share no key of the item, and clock: in the population needs one"},
	{scheduled, "expect:\n", "expect:\n  other: {event: access.reviewed, on: {event.month: item.slot}, between: \"[0s, period)\"}\n", "the expectations share no key of the item"},
	{sound, `unless: {event: change.approval_revoked, on: {event.change_id: item.change_id}, `, `unless: ‸{event: eval.run.completed, `, `event has no field "change_id"`},
	{sound, `"(approval.time, item.time]"`, `‸"(later.time, item.time]"`, `"later" is no expectation that stands before this one`},

	// alternatives
	{sound, "assert: approval.count >= 1\n", "instead: [‸{when: push.count == 0}]\nassert: approval.count >= 1\n", "an alternative needs when: and assert:"},
	{sound, "assert: approval.count >= 1\n", "instead: [{when: push.count == 0, ‸unless: x, assert: \"true\"}]\nassert: approval.count >= 1\n", `an alternative has no key "unless"`},
	{sound, "assert: approval.count >= 1\n", "instead: ‸{when: push.count == 0, assert: \"true\"}\nassert: approval.count >= 1\n", "instead must be a list"},
	{sound, "assert: approval.count >= 1\n", "instead: [{when: ‸push.count, assert: \"true\"}]\nassert: approval.count >= 1\n", "this is int, but bool is needed"},
	{sound, "assert: approval.count >= 1\n", "instead: [{when: ‸own.count == 0, assert: \"true\", expect: {own: {event: change.denied, on: {event.change_id: item.change_id}, between: \"[-1d, 0s]\"}}}]\nassert: approval.count >= 1\n", "undeclared reference to 'own'; a condition reads expectations that stand before it: move own up"},
	{sound, "assert: approval.count >= 1\n", "instead: [{when: push.count == 0, assert: \"true\", expect: {‸push: {event: change.denied, on: {event.change_id: item.change_id}, between: \"[-1d, 0s]\"}}}]\nassert: approval.count >= 1\n", `there is an expectation "push" above already`},

	// cancellation
	{sound, "assert: approval.count >= 1\n", "cancelled_by: {event: change.denied, ‸pick: last, on: {event.change_id: item.change_id}, between: \"[-1d, 0s]\"}\nassert: approval.count >= 1\n", `cancelled_by has no key "pick"; it has event, on`},
	{sound, "assert: approval.count >= 1\n", "cancelled_by: {event: change.denied, on: {event.change_id: item.change_id}, between: ‸\"[0s, -1d]\"}\nassert: approval.count >= 1\n", `"[0s, -1d]" is always empty`},
	{sound, "assert: approval.count >= 1\n", "cancelled_by: ‸change.denied\nassert: approval.count >= 1\n", "cancelled_by must be a mapping"},
	{expanded, "  gone:", "  ‸cancelled_by:", ""},

	// business days
	{sound, `"[-30d, 0s]"`, `‸"[-30d, 2bd]"`, "bd counts business days: name a calendar: in the population"},
	{sound, `"[-30d, 0s]"`, `‸"[-30d, item.time + 0bd]"`, `"0bd" is no number of business days from 1bd to 250bd`},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  calendar: ‸berlin", `"berlin" is no calendar of the boundary file`},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  zone: ‸Berlin", `"Berlin" is no IANA time zone`},

	// computed ends
	{sound, "pick: last", "pick: last, cap: ‸3d", "cap: goes with an end that is computed, such as item.due_at; this interval has none"},
	{sound, `"[-30d, 0s]", pick: last`, `"[-30d, item‸.due_at]", pick: last, cap: 3d`, `item has no field "due_at"`},
	{sound, `"[-30d, 0s]", pick: last`, `‸"[-30d, item.emergency]", pick: last, cap: 3d`, "item.emergency is a value of type boolean; the end of an interval is a time"},
	{sound, `"[-30d, 0s]", pick: last`, `"[-30d, soon‸()]", pick: last, cap: 3d`, "undeclared reference to 'soon'"},
	{sound, `"(push.time, item.time]"`, "‸\"(push.last.time, item.time]\"\n    cap: 3d", "an end that is computed reads the item, params and tables only"},
	{sound, `"[-30d, 0s]", pick: last`, `"[-30d, item.time + span(item.commit)]", pick: last, cap: ‸3 days`, `"3 days" is no duration`},
	{sound, `"[-30d, 0s]"`, `‸"[-30d, item.commit]"`, `"item.commit" is no end of an interval`},

	// what hangs on evidence
	{sound, "assert: approval.count >= 1\n", "", "a control needs assert:, the condition that must hold for every item"},
	{sound, "assert: approval.count >= 1", "assert: ‸approval.count", "this is int, but bool is needed"},
	{sound, "assert: approval.count >= 1", "assert: ‸event.approver == item.author", "event is read where events are picked out; here read item, or an expectation"},
	{sound, "assert: approval.count >= 1", "assert: ‸approval.exists(a, a.approver == part.approver)", "there is no part without expand:"},
	{sound, "assert: approval.count >= 1", "assert: approval.exists(a, a‸.revoked_by == \"x\")", `a has no field "revoked_by"`},
	{sound, "assert: approval.count >= 1", "assert: push.last‸.reviewer == \"x\"", `push.last has no field "reviewer"`},
	{sound, "assert: approval.count >= 1", "assert: approval.count ‸>= \"1\"", ">= doesn't go with (int, string)"},
	{sound, "assert: approval.count >= 1", "assert: approvl‸.count >= 1", "undeclared reference to 'approvl.count' (did you mean 'approval.count'?)"},
	{sound, "assert: approval.count >= 1", "assert: approval‸.time > item.time", "type 'list(map(string, dyn))' does not support field selection"},
	{sound, "{no_approval: ", "{‸No-Approval: ", "a reason code is lower case with underscores, such as no_approval"},
	{sound, "{no_approval: ", "{no_approval: \"true\", ‸no_approval: ", `reasons has the key "no_approval" twice`},

	// clocks
	{sound, ", pick: last}", ", pick: last, clock: ‸event.commit}", "clock: needs within:, how far that time may lie from the event's own, such as 1d"},
	{sound, ", pick: last}", ", pick: last, within: ‸1d}", "within: goes with clock:, the time that an event counts at"},
	{sound, ", pick: last}", ", pick: last, clock: ‸event.sequence, within: 1d}", "event.sequence is a value of type integer; a clock is a time, or a text that has one"},
	{sound, ", pick: last}", ", pick: last, clock: ‸item.commit, within: 1d}", "a clock reads its own event only"},
	{sound, ", pick: last}", ", pick: last, clock: event‸.comit, within: 1d}", `event has no field "comit" (did you mean "commit"?)`},

	{sound, "item: event.deploy_id", "same_for: ‸30d", "same_for: needs item:, the id that is remembered"},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  same_for: ‸0s", "same_for: is how long an id is remembered, such as 30d"},
	{sound, "item: event.deploy_id", "item: event.deploy_id\n  having: push.count >= 1\n  same_for: ‸30d", "same_for: doesn't go with having:"},
	{scheduled, "every: month", "same_for: ‸30d, every: month", "same_for: doesn't go with every:"},

	// tables and parts
	{expanded, "{from: [access.granted, access.revoked], ", "‸{", ""},
	{expanded, "[event.subject, event.entitlement_id]", "‸[event.subject, event.ent_id]", `event has no field "ent_id"`},
	{expanded, "  held: {", "  ‸providers: {", ""},
	{expanded, "as: part", "as: ‸entitlement", "parts are called part; as: has no other value"},
	{expanded, "count: item", "count: ‸parts", "count: is item, if the parts count together"},
	{expanded, "gone.count >= 1", "'!(\"a\" in refs.held.at(timestamp‸(item.person_id)))'", "a table is told as of the item, or of an event that is evidence"},
	{expanded, "gone.count >= 1", "'!(\"a\" in refs.held.at(part‸.time))'", "a table is told as of the item, or of an event that is evidence"},
	{expanded, "gone.count >= 1", "gone.exists(g, \"a\" in refs.held.at(g.time)) || \"a\" in refs.held.at(item‸.id)", "a table is told as of the item, or of an event that is evidence"},
	{expanded, `"access.granted"}`, `"access.granted", restated: ‸0s}`, "restated: is how often all live rows are told again, such as 24h"},
	{expanded, "expand: {over: refs.held.of(item.person_id), ", "expand: ‸{", "expand needs over: and key:"},
	{expanded, "refs.held.of(item.person_id)", "refs.held.of(item.kind)", "over: must read its table with .of(item.person_id) or .of([item.person_id, …]), the key that the expectations join by"},
	{expanded, "{event.subject: item.person_id}", "{event.subject: item.person_id, event.system: item.kind}", "refs.held: a control with a derived table joins by exactly one field of the item"},
	{expanded, "expect:\n  gone:\n    event: access.revoked\n    on: {event.subject: item.person_id}\n    between: \"(0s, 24h]\"\n    remedy_until: 30d\nassert: gone.count >= 1\n", "assert: \"true\"\n", "refs.held: a control with a derived table needs an expectation"},
}

// more are the places and texts of those whose fault has more than one, or a
// position that a mark can't show.
var more = map[string][]string{
	"pushed": {"C.yaml:10:9: an expectation needs on:, the key that joins its events to the item, such as {event.change_id: item.change_id}"},
	"":       {"C.yaml:10:9: an expectation needs between:, an interval; without one it could never be closed"},
	"  ‸waiver: {": {
		"C.yaml:10:3: \"waiver\" can't name an expectation; use a lower-case word that isn't taken",
		"C.yaml:15:", // an interval hangs on its old name
	},
	"  ‸refs:\n": {
		"C.yaml:11:3: \"refs\" can't name an expectation; use a lower-case word that isn't taken",
		"C.yaml:17:", "C.yaml:18:", // conditions read it by its old name
	},
	"‸{": {"C.yaml:5:9: a table needs from: and key:", "C.yaml:7:16: undeclared reference to 'refs'"},
	"‸[-30d, 0s]": {
		"C.yaml:10:80: between must be text",
		"C.yaml:10:80: \"\" is no interval; write [a, b], with ( or ) where the end itself doesn't count, such as \"[-14d, 0s]\"",
	},
	"pick: ‸any": { // push then has no .time
		"C.yaml:10:100: pick: is first or last",
		"C.yaml:15:14: \"push\" is no expectation that stands before this one",
	},
	"on: {event.change_id: ‸item.id}\n": {"C.yaml:13:27: item.id is no key; join by the field that makes it"},
	"  ‸cancelled_by:": {
		"C.yaml:1:1: refs.held: a control with a derived table needs an expectation that joins by the table's key",
		"C.yaml:9:3: \"cancelled_by\" can't name an expectation; use a lower-case word that isn't taken", "C.yaml:14:",
	},
	"  ‸providers: {": {"C.yaml:5:3: the bundle declares a table \"providers\" already", "C.yaml:7:"},
}

// TestRefusals plants each fault, and looks for texts that none brings about.
func TestRefusals(t *testing.T) {
	var all strings.Builder
	for _, r := range refusals {
		t.Run(r.planted+r.text, func(t *testing.T) {
			require.Contains(t, r.base, r.old)
			text := strings.Replace(r.base, r.old, r.planted, 1)
			line, column := 1, 1
			if before, after, marked := strings.Cut(text, "‸"); marked {
				line = 1 + strings.Count(before, "\n")
				column = 1 + len([]rune(before[strings.LastIndex(before, "\n")+1:]))
				text = before + after
			}
			got := problemsOf(t, text)
			want := []string{"C.yaml:" + strconv.Itoa(line) + ":" + strconv.Itoa(column) + ": " + r.text}
			if r.text == "" {
				want = more[r.planted]
			}
			require.Len(t, got, len(want), "%v", got)
			all.WriteString(strings.Join(got, "\n") + "\n")
			for i := range want {
				require.True(t, strings.HasPrefix(got[i], want[i]), "%s\nnot\n%s", got[i], want[i])
			}
		})
	}
	for _, r := range boundaryRefusals {
		all.WriteString(plantInBoundary(t, r.old, r.planted, r.text) + "\n")
	}
	t.Run("every refusal is planted", func(t *testing.T) { everyRefusalIsPlanted(t, all.String()) })
}

// boundaryRefusals are the same for the boundary file.
var boundaryRefusals = []struct{ old, planted, text string }{
	{"tenants:", "‸tenant:", `the boundary file has no key "tenant" (did you mean "tenants"?)`},
	{"2026-07-01T00:00:00Z\ntenants", "‸yesterday\ntenants", `time "yesterday" is not RFC 3339`},
	{"{components: [api], ", "{‸My-Parts: [api], ", `"My-Parts" can't be named in a condition`},
	{"[api]", "‸api", "boundary.components must be a list"},
	{"effective_from: 2026-07-01T00:00:00Z\n", "effective_from: 2026-07-01T00:00:00Z\nhistory_from: ‸2026-07-02T00:00:00Z\n", "history_from: is after effective_from:, so nobody knows all items from there on; let effective_from be 2026-07-02T00:00:00Z or later"},
	{"until: 2026-10-01T00:00:00Z", "until: ‸2026-07-01T00:00:00Z", "this is never valid: it ends before it begins"},
	{"{id: console, ", "{‸name: console, ", `an entry has no key "name"`},
	{"{types: [change.*], max_gap: 3h}", "‸{max_gap: 3h}", "a source needs types:, the event types that it sends"},
	{"[change.*]", "‸[chnge.*]", `no event type matches "chnge.*"`},
	{"max_gap: 3h", "max_gap: ‸0s", "max_gap: is a duration above 0, such as 15m"},
	{"max_gap: 3h", "sequence: ‸true", "a source that counts needs max_gap: as well"},
	{"max_gap: 3h", "max_gap: 3h, sequence: ‸maybe", "sequence: is true or false"},
	{"max_gap: 3h", "‸maxgap: 3h", `a source has no key "maxgap" (did you mean "max_gap"?)`},
	{"{p1: {valid_from: 2026-01-01T00:00:00Z, ", "{p1: {valid_from: ‸never, ", `time "never" is not RFC 3339`},
	{"[public]", "‸!!int x", "reading a value: "},
	{"pairs: [", "pairs: [‸{classes: [public]}, ", "a row of a list needs key:, a text or a list of texts"},
	{"pairs: [", "pairs: [‸{key: [p, ''], x: 1}, ", "a row of a list needs key:, a text or a list of texts"},
	{"{key: [p1, m1], valid_from: 2026-08-01T00:00:00Z}", "{key: ‸[p1, m1], valid_from: 2026-07-31T00:00:00Z}", "a row above has this key at the same time; end it with valid_until"},
	{"tenants:", "calendars: {de: {weekend: [‸funday]}}\ntenants:", `"funday" is no day of the week`},
	{"tenants:", "calendars: {de: {holidays: [2026-12-25, ‸christmas]}}\ntenants:", `"christmas" is no date, such as 2026-12-25`},
	{"tenants:", "calendars: {de: {weekend: ‸[monday, tuesday, wednesday, thursday, friday, saturday, sunday]}}\ntenants:", "no day of the week is left to work on"},
	{"tenants:", "calendars: {de: {‸hollidays: []}}\ntenants:", `a calendar has no key "hollidays"`},
}

func plantInBoundary(t *testing.T, old, planted, text string) string {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	require.Contains(t, declared, old)
	before, after, _ := strings.Cut(strings.Replace(declared, old, planted, 1), "‸")
	line := 1 + strings.Count(before, "\n")
	column := len(before) - strings.LastIndex(before, "\n")
	_, err = control.LoadWith(fstest.MapFS{}, []byte(before+after), d)
	var problems document.Problems
	require.ErrorAs(t, err, &problems, planted)
	want := "boundary.yaml:" + strconv.Itoa(line) + ":" + strconv.Itoa(column) + ": " + text
	require.True(t, strings.HasPrefix(problems[0].String(), want), "%s\nnot\n%s", problems[0], want)
	return problems.Error()
}

// unplanted are texts that no file can bring about, or that tests of their own show.
var unplanted = []string{
	"making the language", "declaring names", "versions of a control differ", "another correct_until", "another clock", "makes its items otherwise",
	"whose verdicts could be read", "reads its own verdicts", "judged by events alone", "go with verdicts:",
}

// everyRefusalIsPlanted reads the package's own source: each text of a problem
// stands among those that were brought about.
func everyRefusalIsPlanted(t *testing.T, found string) {
	t.Helper()
	texts := problemTexts(t)
	require.Greater(t, len(texts), 49, "refusals that no test plants would go unseen")
	for _, text := range texts {
		planted := strings.Contains(found, text)
		for _, u := range unplanted {
			planted = planted || strings.Contains(text, u)
		}
		require.True(t, planted, "no test plants %q", text)
	}
}

// problemTexts are the longest constant parts of what r.Problem and r.At are given.
func problemTexts(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var texts []string
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if text := problemText(call); text != "" {
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	return texts
}

func problemText(call *ast.CallExpr) string {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Problem" && s.Sel.Name != "At" {
		return ""
	}
	longest := ""
	for _, arg := range call.Args {
		lit, ok := arg.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			continue
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			continue
		}
		for i, part := range strings.Split(text, "%") {
			part = part[min(i, 1, len(part)):] // without the verb
			if len(part) > len(longest) {
				longest = part
			}
		}
	}
	return longest
}

func TestSoundOnesLoad(t *testing.T) {
	for _, text := range []string{sound, scheduled, expanded} {
		require.Empty(t, problemsOf(t, text))
	}
	_, err := load(t, map[string]string{"CH-01_test.yaml": "no control", "readme.md": "nor this"})
	require.NoError(t, err)
}
