package driver

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/story"
)

// Door is one of the collector's doors through which a vendor tells its part of the
// story.
type Door struct {
	// Name is the last part of the URL, and unique.
	Name string
	// Vendor is the folder of its mappings in schemas/sources.
	Vendor string
	// Source is the CloudEvents source of its events, which is one of the story's.
	Source string
}

// Delivery is what a vendor sends at once. The same event is always the same
// delivery, byte for byte.
type Delivery struct {
	Door Door
	// Header holds the vendor's own, without the proof of who sent it.
	Header map[string]string
	Body   []byte
	// Events is how many events it must become.
	Events int
}

// told is what a teller makes of an event.
type told struct {
	header  map[string]string
	payload any
	// more is how many events the delivery tells of besides the story's.
	more int
}

// teller puts an event into its vendor's words; false says that the vendor doesn't
// tell of such things, or would leave out what a control reads.
type teller func(*known, compliance.Event) (told, bool)

// vendor is a door with those who speak there.
type vendor struct {
	Door
	path string // in the URL
	tell teller
	sign func(secret string, h http.Header, body []byte)
}

func vendors() []vendor {
	return []vendor{
		webhook("github", "github", "/vcs", githubChange, signGitHub),
		webhook("github-deployments", "github", "/cd", githubDeployment, signGitHub),
		webhook("okta", "okta", "/idp", okta, signBearer),
		webhook("pagerduty", "pagerduty", "/pager", pagerDuty, signPagerDuty),
		webhook("promptlayer", "promptlayer", "/prompts", promptRelease, signPromptLayer),
		webhook("promptlayer-evaluations", "promptlayer", "/evals", promptEvaluation, signPromptLayer),
		{Door{"traces", otlp, "/assistant"}, "/v1/traces", spans, signBearer},
		{Door{"logs", otlp, "/scorer"}, "/v1/logs", scores, signBearer},
	}
}

func webhook(name, of, source string, tell teller, sign func(string, http.Header, []byte)) vendor {
	return vendor{Door: Door{Name: name, Vendor: of, Source: source}, path: "/v1/sources/" + name, tell: tell, sign: sign}
}

// Doors are those that the collector must have open: all but OTLP's, which are open
// wherever it listens.
func Doors() []Door {
	var doors []Door
	for _, v := range vendors() {
		if v.Vendor != otlp {
			doors = append(doors, v.Door)
		}
	}
	return doors
}

// Doors are all of which vendors have something to tell.
func (t *Tellers) Doors() []Door {
	list := make([]Door, len(t.vendors))
	for i, v := range t.vendors {
		list[i] = v.Door
	}
	return list
}

// otlp is the vendor whose doors let keys in.
const otlp = "otlp"

// known is what vendors know beyond the event in hand.
type known struct {
	// pushes are the first ones of each change, by the change's id.
	pushes map[string]compliance.Event
	// incidents are their openings, by the incident's id.
	incidents map[string]compliance.Event
}

func knownOf(s *story.Story) *known {
	k := &known{pushes: map[string]compliance.Event{}, incidents: map[string]compliance.Event{}}
	for e := range s.Events() {
		if e.Barrier != nil || e.Duplicate {
			continue
		}
		switch e.Event.Type {
		case "change.pushed":
			keepFirst(k.pushes, text(e.Event, "change_id"), e.Event)
		case "incident.opened":
			k.incidents[text(e.Event, "incident_id")] = e.Event
		}
	}
	return k
}

func keepFirst(of map[string]compliance.Event, key string, ev compliance.Event) {
	if first, ok := of[key]; !ok || ev.Time < first.Time {
		of[key] = ev
	}
}

// Tellers tell a story in the words of vendors. They are safe for concurrent use.
type Tellers struct {
	known   *known
	vendors []vendor
}

// NewTellers reads what the vendors of a story know.
func NewTellers(s *story.Story) *Tellers { return &Tellers{knownOf(s), vendors()} }

// Tell is how a vendor tells of an emission; false says that none does. It is a
// function of the story and the emission.
func (t *Tellers) Tell(e story.Emission) (Delivery, bool, error) {
	if e.Barrier != nil {
		return Delivery{}, false, nil
	}
	i := slices.IndexFunc(t.vendors, func(v vendor) bool { return v.Source == e.Event.Source })
	if i < 0 {
		return Delivery{}, false, nil
	}
	return t.deliver(t.vendors[i], e.Event)
}

func (t *Tellers) deliver(v vendor, ev compliance.Event) (Delivery, bool, error) {
	say, ok := v.tell(t.known, ev)
	if !ok {
		return Delivery{}, false, nil
	}
	body, err := json.Marshal(say.payload)
	if err != nil {
		return Delivery{}, false, fmt.Errorf("writing what %s says of %s: %w", v.Name, ev.ID, err)
	}
	return Delivery{Door: v.Door, Header: say.header, Body: body, Events: 1 + say.more}, true, nil
}

// fields is an object of a payload.
type fields = map[string]any

// text is a field of an event that is text, else empty.
func text(ev compliance.Event, name string) string {
	s, _ := ev.Data[name].(string)
	return s
}

// number is a vendor's number for what the story names in words.
func number(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes all bytes
	return int64(h.Sum64() >> 20)
}
