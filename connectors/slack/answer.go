package slack

// What Slack's answers mean. Its words for errors, and what they say of whether a message was posted, are those of the
// methods' reference pages. A word that is not known is a refusal.

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
)

// answer is what is read of the Web API's answers.
type answer struct {
	OK      *bool   `json:"ok"`
	Error   string  `json:"error"`
	Channel channel `json:"channel"`
	TS      string  `json:"ts"`
	User    struct {
		ID string `json:"id"`
	} `json:"user"`

	status int
}

// channel is an id, or an object that has one: chat.postMessage and conversations.open differ.
type channel struct{ id string }

// UnmarshalJSON implements json.Unmarshaler.
func (c *channel) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &c.id)
	}
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(raw, &o)
	c.id = o.ID
	return err
}

// kindOf returns what an error's word means, and whether Slack may have acted all the same.
func kindOf(word string) (kind connectors.Kind, acted bool) {
	switch word {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return connectors.KindRateLimited, false
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error", "team_added_to_org":
		return connectors.KindServer, true
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission",
		"not_allowed_token_type", "access_denied", "ekm_access_denied", "enterprise_is_restricted", "org_login_required",
		"team_access_not_granted", "two_factor_setup_required", "action_prohibited", "invalid_token", "no_active_hooks":
		return connectors.KindUnauthorized, false
	case "channel_not_found", "user_not_found", "users_not_found", "message_not_found", "thread_not_found", "no_service", "no_team":
		return connectors.KindNotFound, false
	case "is_archived", "channel_is_archived", "user_disabled", "team_disabled":
		return connectors.KindGone, false
	}
	return connectors.KindRefused, false
}

// hints say how to mend what people meet most.
func hint(word string) string {
	switch word {
	case "not_in_channel":
		return ": invite the bot to the channel"
	case "missing_scope":
		return ": give the app the scope and install it again"
	case "channel_not_found":
		return ": there is none of that name, or it is private and the bot is not in it"
	}
	return ""
}

// failure is what an answer with ok = false means.
func failure(a *answer, header http.Header) *connectors.Error {
	word := known(a.Error)
	kind, acted := kindOf(word)
	e := &connectors.Error{Kind: kind, Status: a.status, Code: word, Message: "Slack refused it", NotSent: !acted}
	if word != "" {
		e.Message = "Slack refused it with " + word + hint(word)
	}
	e.RetryAfter = connectors.RetryAfter(header, moment(header))
	return e
}

// refusal is what a status means, or nil for one of success. The word, if any, only explains it.
func refusal(status int, header http.Header, word string) *connectors.Error {
	kind := connectors.StatusKind(status)
	if kind == "" {
		return nil
	}
	e := &connectors.Error{Kind: kind, Status: status, Code: word, NotSent: kind == connectors.KindRateLimited,
		Message: strings.ToLower(http.StatusText(status)), RetryAfter: connectors.RetryAfter(header, moment(header))}
	switch {
	case word != "":
		e.Message = "Slack refused it with " + word + hint(word)
	case status < 400:
		e.Message = "answered with a redirect, which is not followed"
	case e.Message == "":
		e.Message = "the status has no meaning known to us"
	}
	return e
}

// moment is Slack's own clock. Its Retry-After is in seconds, so that a date that is missing does no harm.
func moment(header http.Header) time.Time {
	at, _ := http.ParseTime(header.Get("Date"))
	return at
}

func drift(status int, what string) *connectors.Error {
	return &connectors.Error{Kind: connectors.KindDrift, Status: status, Message: "the answer is not what Slack documents: " + what}
}

var wordForm = regexp.MustCompile(`^[a-z][a-z_]{1,60}$`)

// known returns an error's word where it is one: anything else is not repeated, since it could hold anything.
func known(s string) string {
	if wordForm.MatchString(s) {
		return s
	}
	return ""
}

// word returns the word that is a webhook's whole answer.
func word(body []byte) string { return known(strings.TrimSpace(string(body))) }
