package cloudevent_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/collector/internal/cloudevent"
)

const whole = `{ "specversion":"1.0", "id":"a\u0062", "source":"/s", "type":"t", "time":"2026-07-01T09:30:00.5+02:00",
  "sequence": 3, "tenant":"x", "extra": {"nested": [1]}, "subject": null, "data" : { "b":1.0,  "a":"é" } }`

func TestStructuredKeepsTheDataAsItCame(t *testing.T) {
	e := cloudevent.Structured([]byte(whole))
	require.NoError(t, e.Err)
	require.Equal(t, []string{"ab", "/s", "t", "2026-07-01T09:30:00.5+02:00", "x"}, []string{e.ID, e.Source, e.Type, e.Time, e.Tenant})
	require.EqualValues(t, 3, e.Sequence)
	require.Equal(t, `{ "b":1.0,  "a":"é" }`, string(e.Data)) //nolint:testifylint // the very bytes matter
	require.Equal(t, whole, string(e.Raw))                    //nolint:testifylint // the very bytes matter
}

func TestBatchTellsTheEventsApart(t *testing.T) {
	events, err := cloudevent.Batch([]byte("[\n"+whole+" , 7, "+whole+"]"), 3)
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.NoError(t, events[0].Err)
	require.ErrorContains(t, events[1].Err, "not a JSON object")
	require.Equal(t, "7", string(events[1].Raw))
	require.Equal(t, whole, string(events[2].Raw)) //nolint:testifylint // the very bytes matter

	_, err = cloudevent.Batch([]byte("["+whole+","+whole+"]"), 1)
	require.ErrorContains(t, err, "more than 1 events")
}

// A batch says of each event what the event says alone, though it keeps what events have
// in common only once: whatever stands before, and however it is escaped.
func TestAnEventReadsTheSameInABatch(t *testing.T) {
	var list []string
	for _, id := range []string{`ab`, `a\u0062`, `a\\u0062`, `a\u0062`, `ab`, `a\\u0062`, ``, `ab`} {
		for _, tenant := range []string{`"x"`, `null`, `7`, `"x"`} {
			list = append(list, `{"specversion":"1.0","id":"`+id+`","source":"/s","type":"t","time":"2026-07-01T09:30:00Z","tenant":`+tenant+`,"data":{}}`)
		}
	}
	events, err := cloudevent.Batch([]byte("["+strings.Join(list, ",")+"]"), len(list))
	require.NoError(t, err)
	require.Len(t, events, len(list))
	for i, alone := range list {
		require.Equal(t, cloudevent.Structured([]byte(alone)), events[i], alone)
	}
}

// What stands twice is refused wherever it may matter: in envelopes here, in data by
// the dictionary.
func TestNamesThatStandTwice(t *testing.T) {
	for member, pointer := range map[string]string{
		`"type": "t"`: "/type", `"data": {}`: "/data", `"x": 1, "x": 2`: "/x", `"x": null, "x": {}`: "/x", `"t\u0079pe": "t"`: "/type",
	} {
		twice := strings.Replace(whole, "{", "{"+member+",", 1)
		e := cloudevent.Structured([]byte(twice))
		refusal, ok := errors.AsType[*dictionary.Refusal](e.Err)
		require.True(t, ok, member)
		require.Equal(t, pointer, refusal.Faults[0].Pointer)
		require.Contains(t, refusal.Faults[0].Reason, "stands twice")
		_, err := cloudevent.Batch([]byte("["+whole+","+twice+"]"), 3)
		require.ErrorContains(t, err, "/1"+pointer+": the key stands twice")
	}
}

func TestEveryFaultOfAnEnvelopeIsTold(t *testing.T) {
	e := cloudevent.Structured([]byte(`{"id": 7, "type": "a\nb", "sequence": -1}`))
	refusal, ok := errors.AsType[*dictionary.Refusal](e.Err)
	require.True(t, ok)
	var pointers []string
	for _, f := range refusal.Faults {
		pointers = append(pointers, f.Pointer)
		require.NotEmpty(t, f.Hint)
	}
	require.Equal(t, []string{"/id", "/type", "/sequence", "/source", "/specversion", "/data"}, pointers)
	require.Empty(t, e.Type, "what nothing may print is not kept")
}

func TestModeOf(t *testing.T) {
	for _, c := range []struct {
		contentType, version string
		mode                 cloudevent.Mode
	}{
		{"application/cloudevents+json", "", cloudevent.ModeStructured},
		{"Application/CloudEvents+JSON; charset=utf-8", "1.0", cloudevent.ModeStructured},
		{"application/cloudevents-batch+json", "", cloudevent.ModeBatch},
		{"application/json", "1.0", cloudevent.ModeBinary},
		{"application/vnd.x+json", "1.0", cloudevent.ModeBinary},
		{"", "1.0", cloudevent.ModeBinary},
		{"", "", ""},
		{"application/json", "", ""},
		{"application/json; charset=utf-16", "1.0", ""},
		{"text/plain", "1.0", ""},
		{"application/cloudevents+xml", "", ""},
		{"application/cloudevents+avro", "1.0", ""},
		{";", "1.0", ""},
	} {
		h := http.Header{}
		if c.contentType != "" {
			h.Set("Content-Type", c.contentType)
		}
		if c.version != "" {
			h.Set("Ce-Specversion", c.version)
		}
		mode, err := cloudevent.ModeOf(h)
		require.Equal(t, c.mode, mode, "%+v", c)
		require.Equal(t, c.mode == "", err != nil)
	}
	_, err := cloudevent.ModeOf(http.Header{"Content-Type": {"application/json", "text/xml"}})
	require.Error(t, err)
}

func TestBinaryUndoesTheEncodingOfHeaders(t *testing.T) {
	h := http.Header{}
	for name, value := range map[string]string{
		"ce-specversion": "1.0", "ce-id": "100%25%20caf%C3%A9", "ce-source": "/s", "ce-type": "t",
		"ce-time": "2026-07-01T00:00:00Z", "ce-datacontenttype": "text/xml", "Ce-Sequence": "9",
	} {
		h.Set(name, value)
	}
	e := cloudevent.Binary(h, []byte("{}"))
	require.NoError(t, e.Err)
	require.Equal(t, "100% café", e.ID)
	require.EqualValues(t, 9, e.Sequence)

	h.Add("ce-id", "another")
	require.ErrorContains(t, cloudevent.Binary(h, []byte("{}")).Err, "more than once")
	h.Set("ce-id", "%ff")
	require.ErrorContains(t, cloudevent.Binary(h, []byte("{}")).Err, "isn't UTF-8")
}

// FuzzStructured: nothing panics; the data is a part of the body; and what is
// accepted means the same to the CloudEvents SDK, where the SDK accepts it.
func FuzzStructured(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-07-01T00:00:00Z","data_base64":"e30="}`))
	f.Add([]byte(`{"specversion":"1.0","id":"1","id":"2"}`))
	f.Add([]byte(`[{},{}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, err := cloudevent.Batch(raw, 10)
		if err != nil {
			require.NotEqual(t, compliance.Internal, compliance.CodeOf(err))
		}
		e := cloudevent.Structured(raw)
		if e.Err != nil {
			require.NotEqual(t, compliance.Internal, compliance.CodeOf(e.Err))
			return
		}
		var sdk ce.Event
		if sdk.UnmarshalJSON(raw) != nil {
			return
		}
		require.Equal(t, sdk.ID(), e.ID)
		require.Equal(t, sdk.Source(), e.Source)
		require.Equal(t, sdk.Type(), e.Type)
		if !sdk.DataBase64 && len(sdk.Data()) > 0 { // the SDK loses data behind a null that has no name
			require.True(t, bytes.Contains(raw, e.Data))
			require.JSONEq(t, string(sdk.Data()), string(e.Data))
		}
	})
}
