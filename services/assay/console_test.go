package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// browse gets an address or, with a file, sends it as a form. It wants a status, prints
// the answer's type and body, and keeps its cookie for later: browse 303 url [form].
func browse(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: browse status url [form]")
	}
	method, form := http.MethodGet, ""
	if len(args) > 2 {
		method, form = http.MethodPost, strings.TrimSpace(ts.ReadFile(args[2]))
	}
	request, err := http.NewRequest(method, args[1], strings.NewReader(form))
	ts.Check(err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if kept, err := os.ReadFile(ts.MkAbs("cookie")); err == nil {
		request.Header.Set("Cookie", string(kept))
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	ts.Check(err)
	defer response.Body.Close()
	for _, c := range response.Cookies() {
		ts.Check(os.WriteFile(ts.MkAbs("cookie"), []byte(c.Name+"="+c.Value), 0o600))
	}
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n%s\n", response.Header.Get("Content-Type"), body)
	ts.Check(err)
	if strconv.Itoa(response.StatusCode) != args[0] {
		ts.Fatalf("status %d, not %s: %s", response.StatusCode, args[0], body)
	}
}
