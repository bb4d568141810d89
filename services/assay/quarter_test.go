package main

import (
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/story"
)

// quarter writes the library within a small story's boundary into a folder, and the
// story's events as `assay query events -o jsonl` does: quarter folder file.
func quarter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: quarter folder file")
	}
	s := story.New(story.Options{Size: story.Small})
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), controls.FS))
	ts.Check(os.WriteFile(filepath.Join(ts.MkAbs(args[0]), control.BoundaryFile), s.Boundary(), 0o600))
	var events []compliance.Event
	for em := range s.Events() {
		if em.Barrier == nil {
			em.Event.Received = em.Arrives
			events = append(events, em.Event)
		}
	}
	slices.SortStableFunc(events, func(a, b compliance.Event) int { return a.Compare(&b) })
	var lines strings.Builder
	for i := range events {
		ev := &events[i]
		data, err := json.Marshal(ev.Data)
		ts.Check(err)
		ts.Check(json.NewEncoder(&lines).Encode(listing.Event{
			Time: ev.Time, Type: ev.Type, Source: ev.Source, ID: ev.ID, Received: ev.Received, Sequence: ev.Sequence,
			SHA256: compliance.Hash(sha256.Sum256(data)).String(), Data: data,
		}))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(lines.String()), fs.FileMode(0o600)))
}
