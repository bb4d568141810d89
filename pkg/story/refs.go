package story

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// provider is a row of the boundary's table of approved model providers.
type provider struct {
	id, model, region string
	from              compliance.Instant
	classes           []string
}

// inHouse runs models of the company's own: no third party, so no row.
const inHouse = "inhouse-gpu"

// ownModel is what runs there.
func ownModel() provider {
	return provider{inHouse, "chat-own", "eu-central", compliance.Ever, dataClasses()}
}

// unapproved is a provider that nobody approved.
const unapproved = "fastmodels-beta"

// providers are the approved ones. The last is approved within the period.
func providers() []provider {
	return []provider{
		{"anthropic-eu", "chat-large", "eu-central", date(time.January, 1), []string{"public", "internal", "pii"}},
		{"openai-eu", "chat-medium", "eu-west", date(time.January, 1), []string{"public", "internal", "pii"}},
		{"bedrock-us", "chat-large", "us-east", date(time.March, 15), []string{"public", "internal"}},
		{"mistral-eu", "chat-small", "eu-west", date(time.August, 12).Add(9 * time.Hour), []string{"public", "internal"}},
	}
}

// providersAt are those approved for some hours at a time.
func providersAt(at compliance.Instant) []provider {
	return slices.DeleteFunc(providers(), func(p provider) bool { return at < p.from.Add(5*time.Hour) })
}

// providerFor draws one that may take a class of data at a time.
func (s *scene) providerFor(class string, at compliance.Instant) provider {
	return pick(s, slices.DeleteFunc(providersAt(at), func(p provider) bool { return !slices.Contains(p.classes, class) }))
}

// agent is a row of the boundary's table of agents and their tools.
type agent struct {
	id    string
	tools []string
}

// forbidden is a tool that some agents have and support-agent has not.
const forbidden = "billing.refund"

// stores are what answers draw on.
func stores() []string { return []string{"kb-public", "kb-customer"} }

// dataClasses are those of the customers' data, the least sensitive first.
func dataClasses() []string { return []string{"public", "internal", "pii"} }

func agents() []agent {
	return []agent{
		{"support-agent", []string{"kb.search", "crm.read", "order.lookup", "crm.note"}},
		{"triage-agent", []string{"crm.read", "ticket.tag"}},
		{"billing-agent", []string{"crm.read", "invoice.lookup", forbidden}},
	}
}
