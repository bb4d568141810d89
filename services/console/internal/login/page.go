package login

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
)

//go:embed login.html.tmpl
var files embed.FS

// Pages are what a browser needs to sign in and out.
type Pages struct {
	gate     *Gate
	template *template.Template
	// Style is the address of the stylesheet.
	style string
}

// NewPages makes the pages of a gate; style is the address of the stylesheet.
func NewPages(g *Gate, style string) (*Pages, error) {
	t, err := template.ParseFS(files, "login.html.tmpl")
	return &Pages{g, t, style}, err
}

// mostForm is as much as a form may hold.
const mostForm = 8 << 10

type form struct{ Style, Message, User, Next string }

// Ask shows the form.
func (p *Pages) Ask(w http.ResponseWriter, r *http.Request) {
	p.write(w, http.StatusOK, form{Next: local(r.URL.Query().Get("next"))})
}

// Enter takes the form.
func (p *Pages) Enter(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			status = http.StatusRequestEntityTooLarge
		}
		p.write(w, status, form{Message: "the form could not be read"})
		return
	}
	f := form{User: r.PostForm.Get("user"), Next: local(r.PostForm.Get("next"))}
	u, err := p.gate.check(r.Context(), p.gate.client(r), f.User, r.PostForm.Get("password"))
	if err != nil {
		f.Message = err.Error()
		status := http.StatusUnauthorized
		if often, ok := errors.AsType[*TooOften](err); ok {
			status = http.StatusTooManyRequests
			w.Header().Set("Retry-After", strconv.Itoa(int(often.Wait.Seconds())))
		} else if compliance.CodeOf(err) == compliance.Unavailable {
			status = http.StatusServiceUnavailable
		}
		p.write(w, status, f)
		return
	}
	cookie, err := newSession(p.gate.Key, u, p.gate.Now()).sealed(p.gate.Key)
	if err != nil {
		p.gate.Log.Error().Err(err).Msg("making a session")
		p.write(w, http.StatusInternalServerError, form{Message: "something went wrong; it is in the log of the console"})
		return
	}
	http.SetCookie(w, p.gate.cookie(cookie, Lifetime))
	p.gate.Log.Info().Str("user", u.Name).Str("role", string(u.Role)).Msg("somebody signed in")
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

// Leave ends the session.
func (p *Pages) Leave(w http.ResponseWriter, r *http.Request) {
	if s, _, ok := p.gate.session(r); ok {
		p.gate.ended.add(s, p.gate.Now())
	}
	http.SetCookie(w, p.gate.cookie("", 0))
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

func (p *Pages) write(w http.ResponseWriter, status int, f form) {
	f.Style = p.style
	var body bytes.Buffer
	if err := p.template.Execute(&body, f); err != nil {
		p.gate.Log.Error().Err(err).Msg("writing the login page")
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser has gone
}

// local is an address that stays on this server, else the overview's. Browsers take
// some that begin with a slash for another host's.
func local(address string) string {
	if !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.ContainsAny(address, "\\\t\r\n") {
		return "/"
	}
	return address
}
