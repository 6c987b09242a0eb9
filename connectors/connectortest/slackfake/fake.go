// Package slackfake is Slack in memory: the three methods that slack_message uses, and an incoming webhook. It knows two
// people and every channel; what was posted can be looked at.
package slackfake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// WebhookPath is where the incoming webhook is.
const WebhookPath = "/services/T0/B0/webhook"

// Message is one that was posted.
type Message struct {
	Channel  string // empty through the webhook
	Text     string `json:"text"`
	ThreadTS string `json:"thread_ts"`
	TS       string
}

// Fake is an http.Handler.
type Fake struct {
	// OnCall is told of each call and may be nil.
	OnCall func(method, path, body string, status int)

	// Refuse, where it returns a word, has a method refuse with it.
	Refuse func(method string) string

	mu       sync.Mutex
	messages []Message
}

// Messages returns what was posted.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Message(nil), f.messages...)
}

// ServeHTTP implements http.Handler.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	status, answer := f.answer(r, raw)
	if f.OnCall != nil {
		f.OnCall(r.Method, r.URL.Path, string(raw), status)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (f *Fake) answer(r *http.Request, raw []byte) (int, string) {
	if r.URL.Path == WebhookPath {
		var m Message
		if err := json.Unmarshal(raw, &m); err != nil || m.Text == "" {
			return http.StatusBadRequest, "invalid_payload"
		}
		f.post(m)
		return http.StatusOK, "ok"
	}
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	switch {
	case r.Header.Get("Authorization") == "":
		return no("not_authed")
	case f.Refuse != nil && f.Refuse(method) != "":
		return no(f.Refuse(method))
	}
	switch method {
	case "auth.test":
		return http.StatusOK, `{"ok":true,"team":"fake","user":"flowrun","user_id":"U0BOT"}`
	case "users.lookupByEmail":
		form, err := url.ParseQuery(string(raw))
		if err != nil || !strings.HasSuffix(form.Get("email"), "@example.com") {
			return no("users_not_found")
		}
		return http.StatusOK, `{"ok":true,"user":{"id":"U012AB3CD"}}`
	case "conversations.open":
		var in struct {
			Users string `json:"users"`
		}
		if err := json.Unmarshal(raw, &in); err != nil || !strings.HasPrefix(in.Users, "U") {
			return no("user_not_found")
		}
		return http.StatusOK, fmt.Sprintf(`{"ok":true,"channel":{"id":"D%s"}}`, in.Users[1:])
	case "chat.postMessage":
		var m struct {
			Message
			Channel string `json:"channel"`
		}
		if err := json.Unmarshal(raw, &m); err != nil || m.Channel == "" || m.Text == "" {
			return no("invalid_arguments")
		}
		m.Message.Channel = m.Channel
		return http.StatusOK, fmt.Sprintf(`{"ok":true,"channel":%q,"ts":%q}`, m.Channel, f.post(m.Message))
	}
	return no("unknown_method")
}

func (f *Fake) post(m Message) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	m.TS = fmt.Sprintf("1750000000.%06d", len(f.messages)+1)
	f.messages = append(f.messages, m)
	return m.TS
}

func no(word string) (int, string) {
	return http.StatusOK, fmt.Sprintf(`{"ok":false,"error":%q}`, word)
}
