package page_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// The page says of each flow that was seen whether it is declared, and never that one is
// where nothing is declared.
func TestBoundaryPage(t *testing.T) {
	w := newWorld(t)
	call := func(id, when, provider string) compliance.Event {
		return compliance.Event{Source: "/assistant", ID: id, Type: "model.call.completed", Time: asktest.At(when), Data: map[string]any{
			"actor": "assist", "provider": provider, "model": "large", "region": "eu", "data_class": "pii",
		}}
	}
	w.Event(call("1", "2026-07-02", "acme"), call("2", "2026-07-03", hostile), call("3", "2026-10-02", "later"))
	const address = "/boundary?period=2026-Q3"
	body := w.body(engineer(), address)
	checkPage(t, address, body)
	require.Contains(t, body, "Nothing is declared in <code>refs.data_flows</code>")
	require.NotContains(t, body, "<td>declared</td>")
	require.NotContains(t, body, hostile)
	require.NotContains(t, body, "later")

	files := library()
	text := string(files["boundary.yaml"].Data) + "refs: {data_flows: [{key: [assist, provider, acme], classes: [pii]}, {key: [assist, tool, refund], classes: [pii]}]}\n"
	files["boundary.yaml"] = &fstest.MapFile{Data: []byte(text)}
	var err error
	w.Bundle, err = control.Load(files, w.types)
	require.NoError(t, err)
	w.serve(w.Conn)
	body = w.body(auditor(t), address)
	checkPage(t, address, body)
	require.Contains(t, body, "<td>declared</td>")
	require.Contains(t, body, "not declared</span>")
	require.Contains(t, body, "2026-07-03")
	require.Contains(t, body, "Declared and not seen")
	require.Contains(t, body, "assay boundary --period 2026-Q3 --tenant default")
	require.Contains(t, body, "/query/data_flows")
}
