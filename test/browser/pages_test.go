//go:build browser

package browser

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

func TestSigningInAndOut(t *testing.T) {
	v := newVisitor(t)
	v.open("/sources")
	require.Equal(t, "/login?next=%2Fsources", v.address(), "a stranger signs in first")
	v.do(chromedp.SendKeys(css("#user"), "engineer"), chromedp.SendKeys(css("#password"), "not the password"))
	v.submit("#password")
	require.Contains(t, evaluated[string](v, `document.querySelector("[role=alert]").textContent`), "wrong")
	v.do(chromedp.SendKeys(css("#password"), password))
	v.submit("#password")
	require.Equal(t, "/sources", v.address(), "and is then where they wanted to be")
	v.submit(`form[action="/logout"] button`)
	v.open("/sources")
	require.Equal(t, "/login?next=%2Fsources", v.address(), "the session has ended")
}

// finding is one of axe's.
type finding struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

const askAxe = `(async () => {
	const found = await axe.run(document, {resultTypes: ["violations"]});
	return found.violations.map(v => ({id: v.id, impact: v.impact || "", help: v.help, where: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}));
})()`

// TestEveryPage looks at each kind of page that links lead to, in light and dark.
func TestEveryPage(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("ASSAY_TEST_BROWSER_AXE"))
	require.NoError(t, err, "run scripts/browser.sh, which fetches axe-core")
	v := newVisitor(t)
	v.signIn("engineer")
	paths := v.pages()
	require.GreaterOrEqual(t, len(paths), 12, "links lead to the pages")
	paths = append(paths, "/no-such-page", "/items/CH-01/no-such-item")
	violations := 0
	v.trouble()
	for _, theme := range []string{"light", "dark"} {
		v.theme(theme)
		for _, path := range paths {
			v.open(path)
			v.wellFormed(path)
			evaluated[chromedp.Void](v, string(axe))
			found := evaluated[[]finding](v, askAxe)
			violations += len(found)
			v.hold(len(found) == 0, "axe on %s, %s: %+v", path, theme, found)
			trouble := v.trouble()
			v.hold(len(trouble) == 0, "the browser complains of %s, %s: %q", path, theme, trouble)
			v.picture(path, theme)
		}
	}
	say(t, "%d pages looked at in light and dark: %d axe violations\n  %s", len(paths), violations, strings.Join(paths, "\n  "))
}

func (v *visitor) wellFormed(path string) {
	v.t.Helper()
	v.hold(evaluated[string](v, `document.title`) != "", "%s has no title", path)
	v.hold(evaluated[int](v, `document.querySelectorAll("main h1").length`) == 1, "%s has no heading, or several", path)
	v.hold(evaluated[int](v, `document.querySelectorAll("[style],style,[onclick],script").length`) == 0, "%s has style or script within", path)
}

// picture keeps a page's picture, where they are asked for.
func (v *visitor) picture(path, theme string) {
	v.t.Helper()
	folder := os.Getenv("ASSAY_TEST_BROWSER_PAGES")
	if folder == "" {
		return
	}
	png := ask(v, chromedp.FullScreenshot(100))
	require.NoError(v.t, os.MkdirAll(folder, 0o755))
	require.NoError(v.t, os.WriteFile(filepath.Join(folder, fileName(path, theme)), png, 0o600))
}

// TestPictures makes those of docs/screenshots: scripts/browser.sh -run TestPictures with
// ASSAY_TEST_BROWSER_SCREENSHOTS=$PWD/docs/screenshots makes them anew.
func TestPictures(t *testing.T) {
	folder := os.Getenv("ASSAY_TEST_BROWSER_SCREENSHOTS")
	if folder == "" {
		folder = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(folder, 0o755))
	v := newVisitor(t)
	v.signIn("engineer")
	v.open("/controls/CH-01?period=2026-Q3")
	item := evaluated[string](v, `new URL(document.querySelector("main a[href^='/items/CH-01/']").getAttribute("href"), location).pathname`)
	for _, p := range []struct{ name, path, theme string }{
		{"overview", "/?period=2026-Q3", "light"},
		{"control", "/controls/MC-11?period=2026-Q3", "dark"},
		{"item", item, "light"},
		{"sources", "/sources?period=2026-Q3", "dark"},
		{"report", "/reports/2026-Q3", "light"},
		{"boundary", "/boundary?period=2026-Q3", "light"},
		{"drift", "/drift?period=2026-09", "light"},
		{"sample", "/samples?control=CH-01&engagement=soc2-2026&plan=chiaro&period=2026-Q3", "dark"},
		{"completeness", "/controls/CH-01/completeness?period=2026-Q3", "light"},
	} {
		v.theme(p.theme)
		require.EqualValues(t, http.StatusOK, v.open(p.path), p.path)
		png := ask(v, chromedp.CaptureScreenshot())
		require.Greater(t, len(png), 20_000, p.name)
		require.NoError(t, os.WriteFile(filepath.Join(folder, p.name+".png"), png, 0o600))
	}
}

// TestWithoutScripts reads every page in a browser that runs none.
func TestWithoutScripts(t *testing.T) {
	v := newVisitor(t)
	v.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	v.signIn("engineer")
	for _, path := range v.pages() {
		v.open(path)
		text := evaluated[string](v, `document.querySelector("main").innerText`)
		v.hold(len(text) > 80, "%s says nothing: %s", path, text)
		v.hold(!strings.Contains(strings.ToLower(text), "javascript"), "%s asks for scripts", path)
	}
}

// TestNarrowScreens: nothing is wider than a telephone, but what scrolls by itself.
func TestNarrowScreens(t *testing.T) {
	v := newVisitor(t)
	v.signIn("engineer")
	paths := v.pages()
	v.do(chromedp.EmulateViewport(360, 740))
	for _, path := range paths {
		v.open(path)
		width := evaluated[int](v, `document.documentElement.scrollWidth`)
		v.hold(width <= 360, "%s is %d wide", path, width)
	}
}

// TestKeyboard: the first stop leads past the navigation, each stop can be seen, and
// none is a trap.
func TestKeyboard(t *testing.T) {
	v := newVisitor(t)
	v.signIn("engineer")
	v.open("/")
	const stop = `(() => { const e = document.activeElement, s = getComputedStyle(e);
		return [e.tagName, e.getAttribute("href") || e.textContent.trim(), s.outlineStyle, s.outlineWidth, s.boxShadow].join("|"); })()`
	v.do(chromedp.KeyEvent(kb.Tab))
	require.Contains(t, evaluated[string](v, stop), "A|#", "the first stop skips the navigation")
	stops := map[string]bool{}
	for range 15 {
		at := evaluated[string](v, stop)
		parts := strings.Split(at, "|")
		require.Len(t, parts, 5)
		v.hold(parts[2] != "none" || parts[4] != "none", "no focus is seen at %s", at)
		stops[parts[0]+parts[1]] = true
		v.do(chromedp.KeyEvent(kb.Tab))
	}
	require.Greater(t, len(stops), 8, "Tab goes on")
	v.open("/")
	v.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	require.Contains(t, v.address(), "#", "and Enter on it goes there")
}

// TestPaper: a report prints without the navigation.
func TestPaper(t *testing.T) {
	v := newVisitor(t)
	v.signIn("engineer")
	v.open("/reports/2026-Q3")
	v.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}))
	require.Equal(t, 0, evaluated[int](v, `Array.from(document.querySelectorAll("nav")).filter(n => n.offsetParent !== null).length`))
	pdf := ask(v, chromedp.PrintToPDF())
	require.Equal(t, "%PDF-", string(pdf[:5]))
}

// TestAuditorsSeeTheirPeriods: the page offers no other.
func TestAuditorsSeeTheirPeriods(t *testing.T) {
	v := newVisitor(t)
	v.signIn("auditor")
	require.EqualValues(t, http.StatusOK, v.open("/reports/2026-Q3"))
	require.EqualValues(t, http.StatusForbidden, v.open("/reports/2026-Q2"))
	require.EqualValues(t, http.StatusForbidden, v.open("/deliveries"))
}

// The p95 that pages aim at, and what no page may take on any machine.
const (
	aim    = 300 * time.Millisecond
	most   = 2 * time.Second
	visits = 40
)

// TestTimes says how long each kind of page takes, from the request to its last byte.
func TestTimes(t *testing.T) {
	v := newVisitor(t)
	v.signIn("engineer")
	paths := v.pages()
	client := program(t, "engineer")
	rows := []string{fmt.Sprintf("%-60s %9s %9s %9s", "PAGE", "MEDIAN", "P95", "KB")}
	over := 0
	for _, path := range paths {
		took, size := timed(t, client, path)
		median, p95 := took[len(took)/2], took[len(took)*95/100]
		mark := ""
		if p95 > aim {
			over++
			mark = "  over " + aim.String()
		}
		v.hold(p95 < most, "%s takes %s", path, p95)
		rows = append(rows, fmt.Sprintf("%-60.60s %6d ms %6d ms %9.1f%s", path, median.Milliseconds(), p95.Milliseconds(), float64(size)/1024, mark))
	}
	say(t, "%s\n%d of %d pages over %s", strings.Join(rows, "\n"), over, len(paths), aim)
}

func timed(t *testing.T, client *http.Client, path string) (took []time.Duration, size int64) {
	t.Helper()
	for range visits {
		began := time.Now()
		response, err := client.Get(suite.console + path)
		require.NoError(t, err)
		size, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, path)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, size
}
