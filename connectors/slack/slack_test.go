package slack_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/connectortest/slackfake"
	"github.com/flowrun/flowrun/connectors/slack"
)

func TestContract(t *testing.T) { connectortest.Contract(t, slack.Spec()) }

type world struct {
	t    *testing.T
	fake *slackfake.Fake
	conn *connectors.Conn
}

func newWorld(t *testing.T, h http.Handler) *world {
	w := &world{t: t, fake: &slackfake.Fake{}}
	if h == nil {
		h = w.fake
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	w.conn = &connectors.Conn{Name: "slack", Service: "slack", Client: srv.Client(), Settings: map[string][]string{
		"webhook_url": {srv.URL + slackfake.WebhookPath}, "bot_token": {"xoxb-1"}, "base_url": {srv.URL + "/api/"}}}
	return w
}

func (w *world) post(input string) (connectors.Result, error) {
	w.t.Helper()
	a := slack.Spec().Actions[0]
	in, err := a.In.DecodeJSON([]byte(input))
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Call.Call(w.t.Context(), &connectors.Call{Action: a, Conn: w.conn, Input: in, Key: strings.Repeat("ab", 32)})
}

func TestWhereMessagesGo(t *testing.T) {
	for _, tt := range []struct{ name, input, channel, thread string }{
		{"webhook", `{"text":"hi"}`, "", ""},
		{"channel", `{"text":"hi","channel":"#ops"}`, "#ops", ""},
		{"user", `{"text":"hi","user":"U7"}`, "D7", ""},
		{"e-mail", `{"text":"hi","email":"jo@example.com"}`, "D012AB3CD", ""},
		{"thread", `{"text":"hi","channel":"C1","thread_ts":"1.2"}`, "C1", "1.2"},
		{"thread in the connection's channel", `{"text":"hi","thread_ts":"1.2"}`, "#all", "1.2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.conn.Settings["channel"] = []string{"#all"}
			res, err := w.post(tt.input)
			if err != nil {
				t.Fatal(err)
			}
			got := w.fake.Messages()
			if len(got) != 1 || got[0].Channel != tt.channel || got[0].ThreadTS != tt.thread {
				t.Fatalf("posted %+v", got)
			}
			if ts := res.Output.GetAttr("ts"); ts.IsNull() != (tt.name == "webhook") {
				t.Errorf("ts is %#v", ts)
			}
		})
	}
}

func TestTextIsNoMarkup(t *testing.T) {
	w := newWorld(t, nil)
	const hostile = `<!channel> a & b <https://evil.example|click>`
	for _, input := range []string{`{"text":"` + hostile + `"}`, `{"text":"` + hostile + `","allow_markup":true}`} {
		if _, err := w.post(input); err != nil {
			t.Fatal(err)
		}
	}
	got := w.fake.Messages()
	if got[0].Text != "&lt;!channel&gt; a &amp; b &lt;https://evil.example|click&gt;" {
		t.Errorf("text %q", got[0].Text)
	}
	if got[1].Text != hostile {
		t.Errorf("with allow_markup: %q", got[1].Text)
	}
}

func TestRefusals(t *testing.T) {
	for word, want := range map[string]connectors.Kind{
		"ratelimited": connectors.KindRateLimited, "invalid_auth": connectors.KindUnauthorized, "missing_scope": connectors.KindUnauthorized,
		"channel_not_found": connectors.KindNotFound, "is_archived": connectors.KindGone, "fatal_error": connectors.KindServer,
		"not_in_channel": connectors.KindRefused, "a_new_word": connectors.KindRefused,
	} {
		w := newWorld(t, nil)
		w.fake.Refuse = func(string) string { return word }
		_, err := w.post(`{"text":"hi","channel":"C1"}`)
		if err == nil {
			t.Errorf("%s: no failure", word)
			continue
		}
		if e := connectors.AsError(err); e.Kind != want || e.Code != word || e.NotSent != (word != "fatal_error") {
			t.Errorf("%s: kind %s, code %q, not sent %v", word, e.Kind, e.Code, e.NotSent)
		}
	}
}

// TestLookUpsPostNothing tests that a failure before the message is proof that none was posted, whatever it was.
func TestLookUpsPostNothing(t *testing.T) {
	for _, method := range []string{"users.lookupByEmail", "conversations.open"} {
		w := newWorld(t, nil)
		w.fake.Refuse = func(m string) string {
			if m == method {
				return "fatal_error"
			}
			return ""
		}
		_, err := w.post(`{"text":"hi","email":"jo@example.com"}`)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindServer || !e.NotSent {
			t.Errorf("%s: %+v", method, err)
		}
	}
}

func TestWebhookRefusals(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		kind   connectors.Kind
		code   string
	}{
		{400, "invalid_payload", connectors.KindRefused, "invalid_payload"},
		{403, "action_prohibited", connectors.KindUnauthorized, "action_prohibited"},
		{404, "channel_not_found", connectors.KindNotFound, "channel_not_found"},
		{410, "channel_is_archived", connectors.KindGone, "channel_is_archived"},
		{500, "rollup_error", connectors.KindServer, "rollup_error"},
		{200, "<html>", connectors.KindDrift, ""},
		{429, `{"x":"secret words"}`, connectors.KindRateLimited, ""},
	} {
		w := newWorld(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.status)
			_, _ = io.WriteString(w, tt.body)
		}))
		_, err := w.post(`{"text":"hi"}`)
		if e := connectors.AsError(err); err == nil || e.Kind != tt.kind || e.Code != tt.code || strings.Contains(e.Message, "secret") {
			t.Errorf("%d %s: %+v", tt.status, tt.body, err)
		}
	}
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	blocks := strings.TrimSuffix(strings.Repeat(`{"type":"divider"},`, 51), ",")
	for _, tt := range []struct{ input, without, want string }{
		{`{"text":" "}`, "", "text is empty"},
		{`{"text":"hi","user":"U1","channel":"C1"}`, "", "one of channel, user and email"},
		{`{"text":"hi"}`, "webhook_url", "no channel"},
		{`{"text":"hi","channel":"C1"}`, "bot_token", "SLACK_BOT_TOKEN"},
		{fmt.Sprintf(`{"text":"hi","blocks":[%s]}`, blocks), "", "51 blocks"},
		{fmt.Sprintf(`{"text":"%s"}`, strings.Repeat("é", 40_001)), "", "40000 characters"},
	} {
		w := newWorld(t, nil)
		delete(w.conn.Settings, tt.without)
		_, err := w.post(tt.input)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindInvalid || !e.NotSent || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%.60s: %v, want %q", tt.input, err, tt.want)
		}
		if n := len(w.fake.Messages()); n != 0 {
			t.Errorf("%.60s: %d messages were posted", tt.input, n)
		}
	}
}
