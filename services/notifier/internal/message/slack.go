package message

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/record"
)

// Slack's limits, and our own below them: a message of more than 50 blocks or with
// a text above 3,000 characters is refused whole.
const (
	slackHeader  = 150
	slackSection = 3000
	slackListed  = 10
	slackField   = 200
)

// Slack is an incoming webhook of Slack.
type Slack struct {
	Address Address
	Link    string
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackBlock struct {
	Type     string      `json:"type"`
	Text     *slackText  `json:"text,omitempty"`
	Elements []slackText `json:"elements,omitempty"`
}

type slackMessage struct {
	// Text is what notifications show; the blocks are the message.
	Text   string       `json:"text"`
	Blocks []slackBlock `json:"blocks"`
}

// Request writes the message.
func (s *Slack) Request(m *Message, _ time.Time) (*Request, error) {
	to, secrets, err := s.Address.read("")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(s.message(m))
	if err != nil {
		return nil, fmt.Errorf("encoding a Slack message: %w", err)
	}
	return &Request{URL: to, Header: jsonHeader(), Body: body, Secrets: secrets}, nil
}

func (s *Slack) message(m *Message) slackMessage {
	head := headline(m)
	out := slackMessage{Text: escape(head, slackSection), Blocks: []slackBlock{
		// plain_text shows &, < and > as they are.
		{Type: "header", Text: &slackText{"plain_text", cut(oneLine(head), slackHeader)}},
	}}
	for _, e := range m.Entries[:min(len(m.Entries), slackListed)] {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", s.item(e.Violation)}})
	}
	if more := len(m.Entries) - slackListed; more > 0 {
		out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", fmt.Sprintf("and *%d more*", more)}})
	}
	last := m.Entries[len(m.Entries)-1].Violation
	out.Blocks = append(out.Blocks, slackBlock{Type: "context", Elements: []slackText{{
		"mrkdwn", escape(fmt.Sprintf("severity %s · criteria %s · tenant %s · route %s", last.Severity, strings.Join(last.Criteria, ", "), m.Tenant, m.Route), slackSection),
	}}})
	return out
}

// headline says what happened, for one violation or many.
func headline(m *Message) string {
	last := m.Entries[len(m.Entries)-1].Violation
	about := m.Control + " " + last.Title
	if m.Test {
		return "Test message: " + about
	}
	if len(m.Entries) == 1 {
		return told(last) + ": " + about
	}
	open := 0
	for _, e := range m.Entries {
		if Open(e.Violation) {
			open++
		}
	}
	switch open {
	case len(m.Entries):
		return fmt.Sprintf("%d violations: %s", open, about)
	case 0:
		return fmt.Sprintf("%d no longer open: %s", len(m.Entries), about)
	}
	return fmt.Sprintf("%d violations, %d no longer open: %s", open, len(m.Entries)-open, about)
}

func (s *Slack) item(v *record.Violation) string {
	name := escape(v.Verdict.Item.ID, slackField)
	if link := Link(s.Link, v); link != "" {
		if target := escape(link, slackSection); len(target) < slackSection/2 { // a link that was cut leads nowhere
			name = "<" + strings.ReplaceAll(target, "|", "%7C") + "|" + strings.ReplaceAll(name, "|", "¦") + ">"
		}
	}
	line := fmt.Sprintf("*%s* %s", told(v), name)
	if v.Verdict.Reason != "" {
		line += "\nreason: " + escape(v.Verdict.Reason, slackField)
	}
	return line + "\nitem of " + v.Verdict.Item.Time.String() + ", known " + v.Verdict.KnownAt.String()
}

// oneLine replaces what would break a line or hide text.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// escape makes text harmless in mrkdwn and at most n characters long, entities
// included. It escapes the three characters that Slack names; the others of
// mrkdwn change only how text looks, and can't make a link or a mention.
func escape(text string, n int) string {
	var b strings.Builder
	used := 0
	for _, r := range oneLine(text) {
		piece := string(r)
		switch r {
		case '&':
			piece = "&amp;"
		case '<':
			piece = "&lt;"
		case '>':
			piece = "&gt;"
		}
		if used += len([]rune(piece)); used >= n {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
	}
	return b.String()
}
