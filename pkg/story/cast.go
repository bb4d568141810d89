package story

import "fmt"

// Who is in the story, by handle. Leads and engineers stay all through it.

func leads() []string { return []string{"alice", "bram", "chioma", "dmitri", "elif", "farid"} }

func engineers() []string {
	return []string{
		"gita", "hugo", "ines", "jonas", "kaya", "liam", "mona", "nils", "olga", "pavel", "quinn", "rosa",
	}
}

// staffHandle is a support agent of the day on which the sources began.
func staffHandle(n int) string { return fmt.Sprintf("agent-%03d", 100+n) }

// joinerHandle is somebody who joined in the period.
func joinerHandle(n int) string { return fmt.Sprintf("agent-%03d", 300+n) }

// entitlement is something that a person can be granted. Of a group of the directory
// and of an application as a whole nobody says more than its name; rights inside of
// an application have scopes that only the application knows.
type entitlement struct {
	name, system string
	scopes       []string
}

// directory is the system that groups belong to.
const directory = "okta"

func catalog() []entitlement {
	return []entitlement{
		{"console:agent", "console", []string{"tickets.read", "tickets.write"}},
		{"console:analyst", "console", []string{"tickets.read", "reports.read"}},
		{"console:admin", "console", []string{"settings.write", "tickets.read", "users.write"}},
		{"helpdesk:agent", "helpdesk", []string{"mail.read", "mail.reply"}},
		{"helpdesk:admin", "helpdesk", []string{"mail.read", "queues.write"}},
		{"warehouse-readers", directory, []string{"warehouse-readers"}},
		{"warehouse:writer", "warehouse", []string{"tables.read", "tables.write"}},
		{"vcs:developer", "vcs", []string{"code.push", "code.read"}},
		{"vcs:maintainer", "vcs", []string{"code.push", "code.read", "settings.write"}},
		{"cloud-portal", "cloud-portal", []string{"cloud-portal"}},
		{"cloud:operator", "cloud", []string{"resources.read", "resources.write"}},
	}
}

// list is v as an event's data holds lists.
func list(v ...string) []any {
	out := make([]any, len(v))
	for i, s := range v {
		out[i] = s
	}
	return out
}
