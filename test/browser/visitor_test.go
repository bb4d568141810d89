//go:build browser

package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// visitor is a browser with one tab.
type visitor struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	status   int64
	document string
	troubles []string
}

// css selects elements of a page.
type css = chromedp.CSS

const visitWithin = 30 * time.Second

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(os.Getenv("ASSAY_TEST_BROWSER_CHROMIUM")), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", false), chromedp.WindowSize(1280, 900))
	allocated, free := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(free)
	ctx, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(closeTab)
	v := &visitor{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, v.hear))
	require.NoError(t, chromedp.Do(ctx, command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{})))
	return v
}

// hear keeps the status of pages, and what the browser complains of: scripts and styles
// that the policy refuses, errors, what isn't found.
func (v *visitor) hear(event any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e := event.(type) {
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			v.status, v.document = e.Response.Status, e.Response.URL
		}
	case *log.EventEntryAdded:
		if e.Entry.URL != v.document || !strings.HasPrefix(e.Entry.Text, "Failed to load resource") {
			v.troubles = append(v.troubles, string(e.Entry.Level)+": "+e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		v.troubles = append(v.troubles, "exception: "+e.ExceptionDetails.Text)
	}
}

// command is one of the protocol that answers nothing of use.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// do runs actions.
func (v *visitor) do(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ask(v, chromedp.Steps(actions...))
}

// ask runs an action that answers something.
func ask[T any](v *visitor, action chromedp.Action[T]) T {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, visitWithin)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	require.NoError(v.t, err)
	return result
}

// open goes to a page of the console and returns its status.
func (v *visitor) open(path string) int64 {
	v.t.Helper()
	v.do(chromedp.Navigate(suite.console+path), chromedp.WaitReady(css("body")))
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.status
}

// trouble is what the browser complained of since it was asked last.
func (v *visitor) trouble() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	troubles := v.troubles
	v.troubles = nil
	return troubles
}

// signIn fills in the form, as a person does.
func (v *visitor) signIn(user string) {
	v.t.Helper()
	v.open("/login")
	v.do(chromedp.SendKeys(css("#user"), user), chromedp.SendKeys(css("#password"), password))
	v.submit("#password")
	require.NotContains(v.t, v.address(), "/login", "signed in")
}

// submit sends the form of an element and waits for the page that answers.
func (v *visitor) submit(element css) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, visitWithin)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Submit(element))
	require.NoError(v.t, err)
}

func (v *visitor) address() string {
	v.t.Helper()
	return strings.TrimPrefix(ask(v, chromedp.Location()), suite.console)
}

// hold notes what doesn't hold and goes on, so that one run finds all of it.
func (v *visitor) hold(ok bool, format string, args ...any) {
	v.t.Helper()
	if !ok {
		v.t.Errorf(format, args...)
	}
}

// evaluated is what an expression of JavaScript gives, asked from outside of the page.
func evaluated[T any](v *visitor, expression string) T {
	v.t.Helper()
	return ask(v, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// theme makes pages light or dark.
func (v *visitor) theme(name string) {
	v.t.Helper()
	v.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

// program is an HTTP client with a session.
func program(t *testing.T, user string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	client := &http.Client{Jar: jar, Timeout: visitWithin}
	response, err := client.PostForm(suite.console+"/login", url.Values{"user": {user}, "password": {password}})
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	return client
}

// shape is what kind of page a path leads to: its names of things left out.
func shape(path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i := range parts[1:] {
		parts[i+1] = "*"
	}
	return "/" + strings.Join(parts, "/")
}

// mostOfAShape bounds the pages of each kind that are looked at.
const mostOfAShape = 2

// pages follows links from the overview until no new kind of page turns up.
func (v *visitor) pages() []string {
	v.t.Helper()
	if suite.pages == nil {
		suite.pages = v.walk()
	}
	return suite.pages
}

func (v *visitor) walk() []string {
	v.t.Helper()
	found, queue, counts := []string{}, []string{"/"}, map[string]int{"/": 1}
	seen, client := map[string]bool{"/": true}, program(v.t, "engineer")
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		if !isPage(v.t, client, path) { // a file
			continue
		}
		require.EqualValues(v.t, http.StatusOK, v.open(path), path)
		found = append(found, path)
		for _, link := range evaluated[[]string](v, `Array.from(document.querySelectorAll("a[href]"), a => new URL(a.getAttribute("href"), location).href)`) {
			next, ours := strings.CutPrefix(link, suite.console)
			next, _, _ = strings.Cut(next, "#")
			if !ours || next == "" || seen[next] || strings.HasPrefix(next, "/api/") || strings.HasPrefix(next, "/openapi") || strings.HasPrefix(next, "/assets/") {
				continue
			}
			if counts[shape(next)] < mostOfAShape {
				seen[next], counts[shape(next)] = true, counts[shape(next)]+1
				queue = append(queue, next)
			}
		}
	}
	return found
}

// isPage says whether a path answers with a page; it answers in any case.
func isPage(t *testing.T, client *http.Client, path string) bool {
	t.Helper()
	response, err := client.Get(suite.console + path)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, path)
	return strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") && response.Header.Get("Content-Disposition") == ""
}

func fileName(path, theme string) string {
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, path), "-")
	if name == "" {
		name = "overview"
	}
	return fmt.Sprintf("%.80s-%s.png", name, theme)
}
