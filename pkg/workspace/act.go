package workspace

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/compliance"
)

// How much may be written.
const (
	mostName       = 128
	mostTitle      = 200
	mostText       = 8000
	mostAttributes = 26
)

// Engage opens the workspace of an engagement.
func (d *Desk) Engage(ctx context.Context, e Engagement) error {
	if err := d.auditor("open a workspace"); err != nil {
		return err
	}
	e.Name = strings.TrimSpace(e.Name)
	if err := line("the engagement's name", e.Name, mostName, true); err != nil {
		return err
	}
	if strings.Contains(e.Name, "/") {
		return invalid("the engagement's name has a / in it, which addresses can't have; leave it out")
	}
	if e.From >= e.To {
		return invalid("the engagement's period is empty: let it end after it begins")
	}
	e.Mark = d.mark(1)
	err := d.keep(ctx, e.Name, kindEngagement, e.Name, 1, &e)
	if compliance.CodeOf(err) == compliance.Conflict {
		return compliance.Errorf(compliance.Conflict, "the engagement %s has a workspace already", e.Name)
	}
	return err
}

// Ask adds a request and is its id.
func (d *Desk) Ask(ctx context.Context, engagement string, r Request) (id string, err error) {
	if err := d.auditor("ask for something"); err != nil {
		return "", err
	}
	r.State = Open
	if err := r.check(); err != nil {
		return "", err
	}
	w, err := d.read(ctx, engagement)
	if err != nil {
		return "", err
	}
	r.Mark = d.mark(1)
	return d.numbered(len(w.Requests), func(n int) (string, error) {
		r.ID = fmt.Sprintf("R-%d", n)
		return r.ID, d.keep(ctx, engagement, kindRequest, r.ID, 1, &r)
	})
}

// numbered keeps something under the next number that nobody has taken meanwhile.
func (d *Desk) numbered(there int, keep func(n int) (string, error)) (id string, err error) {
	const tries = 20
	for n := there + 1; n <= there+tries; n++ {
		if id, err = keep(n); compliance.CodeOf(err) != compliance.Conflict {
			return id, err
		}
	}
	return "", err
}

// RequestChange is what becomes different of a request; nil stays.
type RequestChange struct {
	Version uint32  `json:"version" minimum:"1" doc:"The version that was read; another one since is a conflict."`
	Title   *string `json:"title,omitempty" maxLength:"200"`
	Text    *string `json:"text,omitempty" maxLength:"8000"`
	Control *string `json:"control,omitempty" maxLength:"128"`
	Due     *string `json:"due,omitempty" maxLength:"10" doc:"A day, such as 2026-10-15; empty for none."`
	State   *State  `json:"state,omitempty" enum:"open,closed"`
}

// ChangeRequest makes the next version of a request, as an auditor.
func (d *Desk) ChangeRequest(ctx context.Context, engagement, id string, c *RequestChange) error {
	if err := d.auditor("change what is asked"); err != nil {
		return err
	}
	if c.Title == nil && c.Text == nil && c.Control == nil && c.Due == nil && c.State == nil {
		return errNothing
	}
	return d.request(ctx, engagement, id, c.Version, func(r *Request) error {
		if r.State == Closed && (c.State == nil || *c.State != Open) {
			return errClosed
		}
		for _, f := range []struct{ to, from *string }{{&r.Title, c.Title}, {&r.Text, c.Text}, {&r.Control, c.Control}, {&r.Due, c.Due}} {
			if f.from != nil {
				*f.to = *f.from
			}
		}
		if c.State != nil {
			r.State = *c.State
		}
		return nil
	})
}

// Answer is what the entity says to a request. An earlier answer stays in the history.
type Answer struct {
	Version uint32 `json:"version" minimum:"1" doc:"The version that was read; another one since is a conflict."`
	Answer  string `json:"answer" minLength:"1" maxLength:"8000"`
}

// Answer makes the next version of a request, as one of the entity.
func (d *Desk) Answer(ctx context.Context, engagement, id string, a *Answer) error {
	if d.Person.Auditor {
		return compliance.Errorf(compliance.Forbidden, "a request is answered by the entity, not by the role %s", d.Person.Role)
	}
	return d.request(ctx, engagement, id, a.Version, func(r *Request) error {
		if r.State == Closed {
			return errClosed
		}
		r.Answer, r.AnsweredBy, r.AnsweredAt, r.State = a.Answer, d.Person.Name, d.Now, Answered
		return nil
	})
}

var (
	errNothing = compliance.Errorf(compliance.Invalid, "nothing would change; say what becomes different")
	errClosed  = compliance.Errorf(compliance.Conflict, "the request is closed; an auditor may open it again")
)

// request changes one and keeps it as what follows a version.
func (d *Desk) request(ctx context.Context, engagement, id string, version uint32, change func(*Request) error) error {
	w, err := d.read(ctx, engagement)
	if err != nil {
		return err
	}
	r, err := w.Request(id)
	if err != nil {
		return err
	}
	if err := change(r); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	r.Mark = d.mark(version + 1)
	return d.keep(ctx, engagement, kindRequest, id, version+1, r)
}

func (r *Request) check() error {
	if err := line("the title", r.Title, mostTitle, true); err != nil {
		return err
	}
	if err := line("the control", r.Control, mostName, false); err != nil {
		return err
	}
	if err := text("what is asked", r.Text); err != nil {
		return err
	}
	if err := text("the answer", r.Answer); err != nil {
		return err
	}
	if r.State == Answered && strings.TrimSpace(r.Answer) == "" {
		return invalid("the answer is empty")
	}
	if _, err := time.Parse(time.DateOnly, cmp.Or(r.Due, time.DateOnly)); err != nil {
		return invalid("due: %q is no day; write it as 2026-10-15", r.Due)
	}
	if !slices.Contains([]State{Open, Answered, Closed}, r.State) {
		return invalid("the state %q is unknown; choose open or closed", r.State)
	}
	return nil
}

// SampleChange is what becomes different of a sample; nil stays. What was drawn never does.
type SampleChange struct {
	Version    uint32       `json:"version" minimum:"1" doc:"The version that was read; another one since is a conflict."`
	Attributes *[]Attribute `json:"attributes,omitempty" maxItems:"26" doc:"What is tested of each item: letters, and the firm's words for them."`
	Share      *Share       `json:"share,omitempty" enum:"nothing,items,tests" doc:"What the entity may see of it."`
}

// ChangeSample makes the next version of a sample.
func (d *Desk) ChangeSample(ctx context.Context, engagement, id string, c *SampleChange) error {
	s, err := d.sample(ctx, engagement, id)
	if err != nil {
		return err
	}
	if c.Attributes == nil && c.Share == nil {
		return errNothing
	}
	if c.Attributes != nil {
		if err := checkAttributes(*c.Attributes); err != nil {
			return err
		}
		s.Attributes = append([]Attribute{}, *c.Attributes...)
	}
	if c.Share != nil {
		if !slices.Contains(Shares(), *c.Share) {
			return invalid("what is shared: %q is unknown; choose one of %v", *c.Share, Shares())
		}
		s.Share = *c.Share
	}
	for i := range s.Items {
		s.Items[i].Test = nil // they have versions of their own
	}
	s.Mark = d.mark(c.Version + 1)
	return d.keep(ctx, engagement, kindSample, id, c.Version+1, s)
}

// sample is one that an auditor is about to change.
func (d *Desk) sample(ctx context.Context, engagement, id string) (*Sample, error) {
	if err := d.auditor("change samples and tests"); err != nil {
		return nil, err
	}
	w, err := d.read(ctx, engagement)
	if err != nil {
		return nil, err
	}
	return w.Sample(id)
}

// read is the workspace as far as the person may see it.
func (d *Desk) read(ctx context.Context, engagement string) (*Workspace, error) {
	w, err := Read(ctx, d.Conn, d.Tenant, engagement)
	if err != nil {
		return nil, err
	}
	return w.For(d.Person), nil
}

var letter = regexp.MustCompile(`^[A-Z][0-9]{0,2}$`)

func checkAttributes(all []Attribute) error {
	if len(all) > mostAttributes {
		return invalid("there are %d attributes; up to %d are allowed", len(all), mostAttributes)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if !letter.MatchString(a.Letter) || seen[a.Letter] {
			return invalid("the attribute %q: name each once, by a capital letter, such as A or B2", a.Letter)
		}
		seen[a.Letter] = true
		if err := line("attribute "+a.Letter, a.Text, mostText/10, true); err != nil {
			return err
		}
	}
	return nil
}

// TestChange is how an item was tested: the whole of it, with the version that it follows,
// 0 for the first.
type TestChange struct {
	Version    uint32            `json:"version" doc:"The version that was read, 0 if there is none; another one since is a conflict."`
	Result     Result            `json:"result" enum:"open,no_exception,exception,not_applicable"`
	Attributes map[string]Result `json:"attributes,omitempty" doc:"The result of each attribute, by its letter; left out is open."`
	Note       string            `json:"note,omitempty" maxLength:"8000"`
}

// Test makes the next version of an item's test.
func (d *Desk) Test(ctx context.Context, engagement, sample, item string, c *TestChange) error {
	s, err := d.sample(ctx, engagement, sample)
	if err != nil {
		return err
	}
	if s.Item(item) == nil {
		return errMissing
	}
	if err := c.check(s); err != nil {
		return err
	}
	t := &Test{Result: c.Result, Attributes: maps.Clone(c.Attributes), Note: c.Note, Mark: d.mark(c.Version + 1)}
	return d.keep(ctx, engagement, kindTest, testID(sample, item), c.Version+1, t)
}

func (c *TestChange) check(s *Sample) error {
	if !slices.Contains(Results(), c.Result) {
		return invalid("the result %q is unknown; choose one of %v", c.Result, Results())
	}
	for name, r := range c.Attributes {
		if !slices.ContainsFunc(s.Attributes, func(a Attribute) bool { return a.Letter == name }) {
			return invalid("the sample has no attribute %q", name)
		}
		if !slices.Contains(Results(), r) {
			return invalid("attribute %s: the result %q is unknown; choose one of %v", name, r, Results())
		}
	}
	return text("the note", c.Note)
}

// auditor refuses everybody else.
func (d *Desk) auditor(act string) error {
	if d.Person.Auditor {
		return nil
	}
	return compliance.Errorf(compliance.Forbidden, "only auditors %s; you have the role %s", act, d.Person.Role)
}

func line(what, value string, most int, needed bool) error {
	switch {
	case needed && strings.TrimSpace(value) == "":
		return invalid("%s is empty", what)
	case strings.ContainsFunc(value, unicode.IsControl):
		return invalid("%s has more than one line, or characters that nobody can read", what)
	}
	return within(what, value, most)
}

func text(what, value string) error { return within(what, value, mostText) }

func within(what, value string, most int) error {
	if !utf8.ValidString(value) || utf8.RuneCountInString(value) > most {
		return invalid("%s is no UTF-8, or longer than %d characters", what, most)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}
