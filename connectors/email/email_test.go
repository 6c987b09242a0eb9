package email_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest"
	"github.com/flowrun/flowrun/connectors/connectortest/mailfake"
	"github.com/flowrun/flowrun/connectors/email"
)

func TestContract(t *testing.T) { connectortest.Contract(t, email.Spec()) }

type world struct {
	t    *testing.T
	fake *mailfake.Fake
	conn *connectors.Conn
}

var key = strings.Repeat("0123456789abcdef", 4)

// newWorld starts a mail server, and a transport that trusts its certificate.
func newWorld(t *testing.T, mode string, o mailfake.Options) *world {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	cert.Close()
	pool := x509.NewCertPool()
	pool.AddCert(cert.Certificate())
	if mode != "none" {
		o.TLS, o.Implicit = &tls.Config{Certificates: cert.TLS.Certificates}, mode == "tls"
	}
	fake, err := mailfake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	transport := connectors.NewTransport()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	registry, err := connectors.NewRegistry(email.Spec())
	if err != nil {
		t.Fatal(err)
	}
	registry.Speak(transport)
	host, port := fake.Addr()
	return &world{t: t, fake: fake, conn: &connectors.Conn{Name: "email", Service: "email", Client: &http.Client{Transport: transport},
		Settings: map[string][]string{"host": {host}, "port": {port}, "tls": {mode}, "from": {"flowrun <flowrun@example.com>"}}}}
}

func (w *world) send(input string) (connectors.Result, error) {
	w.t.Helper()
	a := email.Spec().Actions[0]
	in, err := a.In.DecodeJSON([]byte(input))
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Call.Call(w.t.Context(), &connectors.Call{Action: a, Conn: w.conn, Input: in, Key: key, EventTime: time.Unix(1_750_000_000, 0)})
}

const simple = `{"to":"jo@example.com","subject":"Hi","text":"Hello"}`

func TestModesAndLogin(t *testing.T) {
	for _, mode := range []string{"starttls", "tls", "none"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, mode, mailfake.Options{Password: "pass"})
			w.conn.Settings["username"], w.conn.Settings["password"] = []string{"jo"}, []string{"pass"}
			res, err := w.send(simple)
			if err != nil {
				t.Fatal(err)
			}
			got := w.fake.Mail()
			if len(got) != 1 || got[0].User != "jo" || got[0].Encrypted != (mode != "none") {
				t.Fatalf("taken: %+v", got)
			}
			if res.Output.GetAttr("response").AsString() == "" {
				t.Error("no response")
			}
			w.conn.Settings["password"] = []string{"wrong"}
			_, err = w.send(simple)
			if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindUnauthorized || !e.NotSent || strings.Contains(e.Message, "wrong") {
				t.Errorf("a wrong password: %+v", err)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	w := newWorld(t, "starttls", mailfake.Options{})
	res, err := w.send(`{"to":"Jo Müller <jo@example.com>, kim@example.com","cc":"cc@example.com","bcc":"hidden@example.com","reply_to":"help@example.com",
		"subject":"Zahlung über\r\nBcc: victim@example.com 49 €","text":"Grüße\n.\nEnd","html":"<p>Grüße</p>","in_reply_to":"<1@example.com>"}`)
	if err != nil {
		t.Fatal(err)
	}
	got := w.fake.Mail()[0]
	if strings.Join(got.To, " ") != "jo@example.com kim@example.com cc@example.com hidden@example.com" || got.From != "flowrun@example.com" {
		t.Errorf("envelope: %s to %q", got.From, got.To)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	id := "<" + key + "@example.com>"
	for name, want := range map[string]string{"Message-Id": id, "In-Reply-To": "<1@example.com>", "References": "<1@example.com>", "Bcc": "",
		"Reply-To": "<help@example.com>", "Auto-Submitted": "auto-generated", "Date": "Sun, 15 Jun 2025 15:06:40 +0000", "Cc": "<cc@example.com>"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := res.Output.GetAttr("message_id").AsString(); got != id {
		t.Errorf("message_id %q", got)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Zahlung über Bcc: victim@example.com 49 €" {
		t.Errorf("subject %q, %v", subject, err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []string{"Grüße\r\n.\r\nEnd", "<p>Grüße</p>"} {
		p, err := parts.NextPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil || string(body) != want {
			t.Errorf("part %q, %v", body, err)
		}
	}
}

// TestReplies tests what each answer means, and that only one that never came leaves the outcome open.
func TestReplies(t *testing.T) {
	cut := errors.New("cut")
	for _, tt := range []struct {
		name, step string
		reply      error
		kind       connectors.Kind
		notSent    bool
	}{
		{"busy", "mail", mailfake.Refusal(421, "try later"), connectors.KindServer, true},
		{"greylisted", "rcpt", mailfake.Refusal(450, "greylisted"), connectors.KindServer, true},
		{"no such user", "rcpt", mailfake.Refusal(550, "no such user"), connectors.KindRefused, true},
		{"spam", "data", mailfake.Refusal(554, "spam"), connectors.KindRefused, true},
		{"full", "data", mailfake.Refusal(452, "disk full"), connectors.KindServer, true},
		{"cut before", "rcpt", cut, connectors.KindNetwork, true},
		{"cut after the last dot", "data", cut, connectors.KindNetwork, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "none", mailfake.Options{Reply: func(step, arg string) error {
				if step == tt.step && arg != "first@example.com" {
					return tt.reply
				}
				return nil
			}})
			_, err := w.send(`{"to":"first@example.com, second@example.com","subject":"Hi","text":"Hello"}`)
			if e := connectors.AsError(err); err == nil || e.Kind != tt.kind || e.NotSent != tt.notSent {
				t.Errorf("%+v", err)
			}
			if n := len(w.fake.Mail()); n != 0 {
				t.Errorf("%d messages were taken", n)
			}
		})
	}
}

func TestEncryptionIsNotGivenUp(t *testing.T) {
	w := newWorld(t, "none", mailfake.Options{})
	w.conn.Settings["tls"] = []string{"starttls"}
	_, err := w.send(simple)
	if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, "STARTTLS") {
		t.Errorf("a server without STARTTLS: %+v", err)
	}
	for _, mode := range []string{"starttls", "tls"} {
		w := newWorld(t, mode, mailfake.Options{})
		stranger := connectors.NewTransport()
		stranger.RegisterProtocol("smtp", email.Protocol(stranger))
		w.conn.Client = &http.Client{Transport: stranger}
		_, err := w.send(simple)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindNetwork || !e.NotSent {
			t.Errorf("%s with a certificate that nobody trusts: %+v", mode, err)
		}
		if n := len(w.fake.Mail()); n != 0 {
			t.Errorf("%d messages were taken", n)
		}
	}
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	many := strings.TrimSuffix(strings.Repeat("jo@example.com,", 51), ",")
	for _, tt := range []struct{ input, want string }{
		{`{"to":"nobody","subject":"Hi","text":"x"}`, "to holds"},
		{`{"to":"\"a b\"@example.com","subject":"Hi","text":"x"}`, "to holds"},
		{`{"to":"jo@example.com","cc":"a@b.example>","subject":"Hi","text":"x"}`, "cc holds"},
		{`{"to":"jo@example.com","subject":" \n","text":"x"}`, "subject is empty"},
		{`{"to":"jo@example.com","subject":"Hi","text":" "}`, "text, html or both"},
		{`{"to":"jo@example.com","subject":"Hi","text":"x","from":"me"}`, "from is no"},
		{`{"to":"jo@example.com","subject":"Hi","text":"x","in_reply_to":"1\r\nX: y"}`, "in_reply_to"},
		{`{"to":"` + many + `","subject":"Hi","text":"x"}`, "51 recipients"},
	} {
		w := newWorld(t, "none", mailfake.Options{})
		_, err := w.send(tt.input)
		if e := connectors.AsError(err); err == nil || e.Kind != connectors.KindInvalid || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%.70s: %v, want %q", tt.input, err, tt.want)
		}
	}
}
