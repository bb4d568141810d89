package ask

import (
	"slices"
	"strings"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// onRecord are the tables that a report reads, as they stood at {as_of}: an event was
// there once it was received, a revision once it was known. They stand in front of a
// question and take the tables' names, so that the same file answers for any time. It
// costs a pass over the tenant's revisions, since none of them says until when it held.
var onRecord = []struct{ table, then string }{
	{"rule_changes", `rule_changes AS (
    SELECT * FROM rule_changes
    WHERE (tenant = '' OR tenant = {tenant:String})
      AND greatest(at, watermark) <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
)`},
	{"events", `events AS (
    SELECT * FROM events
    WHERE tenant = {tenant:String} AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
)`},
	{"verdict_revisions", `verdict_revisions AS (
    SELECT * FROM verdict_revisions
    WHERE tenant = {tenant:String} AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
)`},
	{"verdicts", `verdicts AS (
    SELECT * FROM verdict_revisions
    WHERE tenant = {tenant:String} AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    ORDER BY control, item_id, revision DESC
    LIMIT 1 BY control, item_id
)`},
	{"observed_flows", `observed_flows AS (
    SELECT * FROM observed_flows
    WHERE tenant = {tenant:String} AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
)`},
	{"data_flows", `data_flows AS (
    SELECT tenant, day, kind, caller, name, model, region, class, min(time) AS first, max(time) AS last
    FROM observed_flows
    WHERE tenant = {tenant:String} AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY tenant, day, kind, caller, name, model, region, class
)`},
}

// asOf is a question's text with those tables in front that it reads. One that reads
// others, such as sums of the present, can't say what was known then.
func asOf(sql string) (string, error) {
	head, body := comments(sql)
	read := clickhouse.Tables(body)
	var with []string
	for _, t := range onRecord {
		if slices.Contains(read, t.table) {
			with = append(with, t.then)
			read = slices.DeleteFunc(read, func(name string) bool { return name == t.table })
		}
	}
	if len(read) > 0 || len(with) == 0 {
		return "", compliance.Errorf(compliance.Invalid, "what was known at a time can't be told from %s", strings.Join(read, ", "))
	}
	body = strings.ReplaceAll(body, "verdicts FINAL", "verdicts")
	if rest, ok := strings.CutPrefix(body, "WITH "); ok {
		with, body = append(with, rest), ""
	}
	return head + "WITH " + strings.Join(with, ", ") + "\n" + body, nil
}

// comments cuts the lines of comment off the top.
func comments(sql string) (head, body string) {
	body = sql
	for strings.HasPrefix(body, "--") {
		line, rest, _ := strings.Cut(body, "\n")
		head, body = head+line+"\n", rest
	}
	return head, body
}

// CheckAsOf refuses a time that nothing is known of yet.
func CheckAsOf(at, now compliance.Instant) error {
	if at > now {
		return compliance.Errorf(compliance.Invalid, "as of %s: that lies ahead; what will be known then is not on record", at)
	}
	return nil
}

// ParseAsOf reads a time that a report is to be as of; nothing says now.
func ParseAsOf(text string) (compliance.Instant, error) {
	if text == "" {
		return 0, nil
	}
	return ParseTime(text)
}
