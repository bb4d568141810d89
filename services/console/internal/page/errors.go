package page

import (
	"net/http"

	"assay.example/assay/pkg/compliance"
)

// refusal is the page of an error.
type refusal struct {
	Status int
	// Title says what happened, Detail what of it, and Do what to do now.
	Title, Detail, Do string
	Home              string
}

// missing answers what no route takes.
func (p *Pages) missing(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		p.Refuse(w, r, http.StatusMethodNotAllowed, "Nothing can be sent to this address.")
		return
	}
	p.Refuse(w, r, http.StatusNotFound, "There is no page at this address.")
}

// Refuse answers with the page of an error. Whoever asks need not be signed in.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) {
	p.visit(r).refuse(w, status, detail)
}

// fail answers with the page of an error. What nobody foresaw is logged, and its text
// not shown.
func (v *visit) fail(w http.ResponseWriter, page string, err error) {
	if v.timedOut() {
		v.refuse(w, http.StatusGatewayTimeout, "The answer was not there within "+answerWithin.String()+".")
		return
	}
	status := http.StatusInternalServerError
	switch compliance.CodeOf(err) {
	case compliance.Invalid:
		status = http.StatusBadRequest
	case compliance.NotFound:
		status = http.StatusNotFound
	case compliance.Forbidden:
		status = http.StatusForbidden
	case compliance.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case compliance.Conflict:
		status = http.StatusConflict
	case compliance.Unavailable:
		v.Log.Warn().Err(err).Str("page", page).Msg("a question was not answered")
		v.refuse(w, http.StatusServiceUnavailable, "ClickHouse, which holds what is on record, did not answer.")
		return
	case compliance.Internal:
	}
	if status == http.StatusInternalServerError {
		v.Log.Error().Err(err).Str("page", page).Msg("making a page")
		v.refuse(w, status, "It is in the log of the console.")
		return
	}
	v.refuse(w, status, sentence(err.Error()))
}

func (v *visit) refuse(w http.ResponseWriter, status int, detail string) {
	title, do := wordsOfStatus(status)
	v.write(w, status, &sheet{
		Template: "error", Title: title, Body: refusal{Status: status, Title: title, Detail: detail, Do: do, Home: v.to("/")},
	})
}

func wordsOfStatus(status int) (title, do string) {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return "This can’t be answered as it was asked", "Change the address or the form, and ask again."
	case http.StatusUnauthorized:
		return "You are not signed in", "Sign in, and come back."
	case http.StatusForbidden:
		return "You may not see this", "If you need it, ask whoever runs Assay for another role or period."
	case http.StatusNotFound:
		return "There is nothing here", "It was never on record, or you may not see it. Look for it from the overview."
	case http.StatusConflict:
		return "Somebody was there before you", "Nothing of yours was kept. Go back to copy what you wrote, open the page anew, and make your change to what is there now."
	case http.StatusMethodNotAllowed:
		return "This can’t be done here", "Nothing that Assay says can be changed here."
	case http.StatusTooManyRequests:
		return "Too many requests", "Wait a little, and try again."
	case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "The record can’t be read just now", "Try again in a moment, or ask for a shorter time. Nothing is lost: events wait in Kafka."
	}
	return "Something went wrong", "Try again; if it stays, tell whoever runs Assay."
}
