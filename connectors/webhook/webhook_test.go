package webhook_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/webhook"
)

var now = time.Date(2021, 2, 25, 14, 35, 30, 0, time.UTC) // 1614263730

func conn(settings map[string]string) *connectors.Conn {
	c := &connectors.Conn{Name: "shop", Service: "webhook", Settings: map[string][]string{}}
	for name, v := range settings {
		c.Settings[name] = []string{v}
	}
	return c
}

func open(c *connectors.Conn, body string, h http.Header, settings map[string]cty.Value) (*connectors.Envelope, error) {
	return webhook.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(body), Header: h, Conn: c, Now: now, Path: "shop", Settings: settings})
}

// TestStandardVector is the known answer of the Standard Webhooks' own libraries.
func TestStandardVector(t *testing.T) {
	c := conn(map[string]string{"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	at := time.Unix(1614265330, 0)
	for _, prefix := range []string{"Webhook-", "Svix-"} {
		h := http.Header{}
		h.Set(prefix+"Id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
		h.Set(prefix+"Timestamp", "1614265330")
		h.Set(prefix+"Signature", "v1,bm9ldHUjKzFob2VudXRob2VodWUzMjRvdWVvdW9ldQo= v2,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
		env, err := webhook.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(`{"test": 2432232314}`), Header: h, Conn: c, Now: at.Add(5 * time.Minute), Path: "p"})
		if err != nil {
			t.Fatal(err)
		}
		if env.ID != "p:msg_p5jXN8AQM9LWM0D4loKWxJek" || env.Type != "p" || !env.Time.Equal(at) {
			t.Errorf("%+v", env)
		}
		for _, off := range []time.Duration{5*time.Minute + time.Second, -5*time.Minute - time.Second, 240 * time.Hour} {
			_, err := webhook.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(`{"test": 2432232314}`), Header: h, Conn: c, Now: at.Add(off)})
			if !isForged(err) {
				t.Errorf("%s off: %v", off, err)
			}
		}
	}
}

func isForged(err error) bool {
	var e *connectors.WebhookError
	return errors.As(err, &e) && e.Forged
}

// TestEachWay signs in each way, opens it, and changes one thing at a time.
func TestEachWay(t *testing.T) {
	const secret, body = "s3cret-of-the-shop", `{"id":"1"}`
	for name, settings := range map[string]map[string]string{
		"standard":       {},
		"hmac":           {"verify": "hmac", "header": "X-Sig"},
		"hmac base64":    {"verify": "hmac", "header": "X-Sig", "encoding": "base64", "algorithm": "sha512"},
		"hmac of old":    {"verify": "hmac", "header": "X-Hub-Signature", "prefix": "sha1=", "algorithm": "sha1"},
		"hmac with time": {"verify": "hmac", "header": "X-Sig", "timestamp_header": "X-Time", "tolerance": "1m"},
		"basic":          {"verify": "basic", "username": "jo"},
		"bearer":         {"verify": "bearer"},
		"url":            {"verify": "url"},
	} {
		t.Run(name, func(t *testing.T) {
			settings["secret"] = secret
			c := conn(settings)
			good := webhook.Sign(c, []byte(body), secret, now)
			if _, err := open(c, body, good, nil); err != nil {
				t.Fatal(err)
			}
			rotated := conn(settings)
			rotated.Settings["secret"] = []string{"the-new-one", secret}
			if _, err := open(rotated, body, good, nil); err != nil {
				t.Errorf("while the secret is replaced: %v", err)
			}
			signsBody := settings["verify"] == "" || settings["verify"] == "hmac"
			for what, h := range map[string]http.Header{
				"nothing":        {},
				"another secret": webhook.Sign(c, []byte(body), "another", now),
				"empty secret":   webhook.Sign(c, []byte(body), "", now),
			} {
				if _, err := open(c, body, h, nil); !isForged(err) {
					t.Errorf("%s: %v", what, err)
				} else if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the refusal repeats the secret", what)
				}
			}
			if _, err := open(c, `{"id":"2"}`, good, nil); signsBody != isForged(err) {
				t.Errorf("another body: %v", err)
			}
			if settings["timestamp_header"] != "" || settings["verify"] == "" {
				old := webhook.Sign(c, []byte(body), secret, now.Add(-6*time.Minute))
				if _, err := open(c, body, old, nil); !isForged(err) {
					t.Errorf("an old one: %v", err)
				}
			}
			none := conn(settings)
			none.Settings["secret"] = nil
			if _, err := open(none, body, webhook.Sign(c, []byte(body), "", now), nil); err == nil {
				t.Error("it is taken where there is no secret")
			}
		})
	}
}

// TestSecretInTheURL is for senders that can be told a URL and nothing else. Nobody else's secret may stand there.
func TestSecretInTheURL(t *testing.T) {
	for _, tt := range []struct {
		verify, token string
		taken         bool
	}{{"url", "s3cret", true}, {"url", "S3cret", false}, {"url", "", false}, {"bearer", "s3cret", false}, {"", "s3cret", false}} {
		c := conn(map[string]string{"verify": tt.verify, "secret": "s3cret"})
		_, err := webhook.Spec().Webhook.Open(&connectors.WebhookRequest{Body: []byte(`{}`), Header: http.Header{}, Query: url.Values{"token": {tt.token}}, Conn: c, Now: now})
		if (err == nil) != tt.taken || err != nil && !isForged(err) {
			t.Errorf("verify %q, token %q: %v", tt.verify, tt.token, err)
		}
	}
}

func TestEventID(t *testing.T) {
	signed := conn(map[string]string{"verify": "hmac", "header": "X-Sig", "secret": "abc"})
	open1 := conn(map[string]string{"verify": "none"})
	set := func(from string) map[string]cty.Value { return map[string]cty.Value{"event_id": cty.StringVal(from)} }
	id := func(c *connectors.Conn, body string, extra http.Header, settings map[string]cty.Value) string {
		t.Helper()
		h := webhook.Sign(c, []byte(body), "abc", now)
		for k, v := range extra {
			h[k] = v
		}
		env, err := open(c, body, h, settings)
		if err != nil {
			t.Fatal(err)
		}
		return env.ID
	}
	if got := id(open1, `{"order":{"id":42}}`, nil, set("body.order.id")); got != "shop:42" {
		t.Errorf("by the body: %s", got)
	}
	if got := id(open1, `{}`, http.Header{"X-Event": {"e1"}}, set("header.x-event")); got != "shop:e1" {
		t.Errorf("by a header: %s", got)
	}
	if a, b := id(signed, `{"a":1}`, http.Header{"X-Request-Id": {"1"}}, nil), id(signed, `{"a":1}`, http.Header{"X-Request-Id": {"2"}}, nil); a != b {
		t.Error("a signed body that is sent again under another name is another event")
	}
	if a, b := id(open1, `{"a":1}`, nil, nil), id(open1, `{"a":1}`, nil, nil); a == b {
		t.Error("nothing names the delivery, and two became one")
	}
	again := http.Header{"X-Request-Id": {"1"}}
	if a, b := id(open1, `{"a":1}`, again, nil), id(open1, `{"a":1}`, again, nil); a != b {
		t.Error("a named delivery came twice and became two")
	}
	for _, from := range []string{"body.missing", "header.missing", "body.object"} {
		if _, err := open(open1, `{"object":{}}`, http.Header{}, set(from)); err == nil {
			t.Errorf("%s: there is an id", from)
		}
	}
}

func TestBodies(t *testing.T) {
	c := conn(map[string]string{"verify": "none"})
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}
	env, err := open(c, "a=1&b=x%20y&b=z", form, nil)
	if err != nil || env.Payload != `{"a":"1","b":["x y","z"]}` {
		t.Errorf("a form: %+v, %v", env, err)
	}
	for _, body := range []string{"[1]", `"a"`, "{", "", "nul", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)} {
		if _, err := open(c, body, http.Header{}, nil); err == nil {
			t.Errorf("%.20q is taken", body)
		}
	}
	if _, err := open(c, "a=%zz", form, nil); err == nil {
		t.Error("a broken form is taken")
	}
}

// FuzzOpen: whatever comes, nothing panics, and nothing that was not signed is taken.
func FuzzOpen(f *testing.F) {
	f.Add(`{"id":"1"}`, "v1,xyz", "1614263730", "Bearer x", uint8(0))
	f.Add(`a=b`, "sha256=00", "-1", "Basic eDp5", uint8(1))
	ways := []map[string]string{{}, {"verify": "hmac", "header": "X-Sig", "prefix": "sha256=", "timestamp_header": "X-Time"}, {"verify": "basic", "username": "u"}, {"verify": "bearer"}}
	f.Fuzz(func(t *testing.T, body, signature, stamp, auth string, way uint8) {
		settings := ways[int(way)%len(ways)]
		c := conn(settings)
		c.Settings["secret"] = []string{"a secret that no seed holds"}
		h := http.Header{}
		for name, v := range map[string]string{"Webhook-Id": "1", "Webhook-Timestamp": stamp, "Webhook-Signature": signature, "X-Sig": signature, "X-Time": stamp, "Authorization": auth} {
			h.Set(name, v)
		}
		if _, err := open(c, body, h, nil); err == nil {
			t.Fatalf("%q was taken", body)
		}
	})
}
