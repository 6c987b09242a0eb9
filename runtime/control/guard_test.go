package control

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	const token = "s3cr3t-token"
	for _, tt := range []struct {
		name   string
		token  string
		hosts  []string
		method string
		path   string
		host   string
		header map[string]string
		status int
		code   string
	}{
		// without a token: this machine only
		{name: "address", host: "127.0.0.1:8081", status: 200},
		{name: "another loopback address", host: "127.8.9.1:8081", status: 200},
		{name: "name", host: "localhost:8081", status: 200},
		{name: "name in capitals", host: "LOCALHOST", status: 200},
		{name: "v6", host: "[::1]:8081", status: 200},
		{name: "v6 without a port", host: "[::1]", status: 200},
		{name: "v4 in v6", host: "[::ffff:127.0.0.1]:8081", status: 200},
		{name: "rebinding", host: "evil.example:8081", status: 403, code: "wrong_host"},
		{name: "a name that begins alike", host: "localhost.evil.example", status: 403, code: "wrong_host"},
		{name: "an address that begins alike", host: "127.0.0.1.evil.example", status: 403, code: "wrong_host"},
		{name: "another address", host: "10.0.0.1:8081", status: 403, code: "wrong_host"},
		{name: "unspecified", host: "0.0.0.0:8081", status: 403, code: "wrong_host"},
		{name: "empty", host: "", status: 403, code: "wrong_host"},
		{name: "a token that nobody asked for", host: "127.0.0.1:8081", header: map[string]string{"Authorization": "Bearer x"}, status: 200},
		{name: "configured", host: "box.internal:8081", hosts: []string{"Box.internal"}, status: 200},
		{name: "rebinding of the page", path: "/", host: "evil.example", status: 403, code: "wrong_host"},
		{name: "through a proxy", host: "127.0.0.1:8081", header: map[string]string{"X-Forwarded-For": "10.0.0.1"}, status: 403, code: "proxied"},
		{name: "through another proxy", host: "127.0.0.1:8081", header: map[string]string{"Forwarded": "for=10.0.0.1"}, status: 403, code: "proxied"},
		{name: "the page through a proxy", path: "/runs", host: "127.0.0.1:8081", header: map[string]string{"Via": "1.1 x"}, status: 403, code: "proxied"},
		{name: "rebinding of metrics", path: "/metrics", host: "evil.example", status: 403, code: "wrong_host"},
		{name: "probe by any name", path: "/healthz", host: "10.1.2.3", status: 200},
		{name: "other probe by any name", path: "/readyz", host: "10.1.2.3", status: 200},

		// browsers
		{name: "own origin", host: "127.0.0.1:8081", header: map[string]string{"Origin": "http://127.0.0.1:8081"}, status: 200},
		{name: "other origin", host: "127.0.0.1:8081", header: map[string]string{"Origin": "https://evil.example"}, status: 403, code: "cross_origin"},
		{name: "other port", host: "127.0.0.1:8081", header: map[string]string{"Origin": "http://127.0.0.1:3000"}, status: 403, code: "cross_origin"},
		{name: "null origin", host: "127.0.0.1:8081", header: map[string]string{"Origin": "null"}, status: 403, code: "cross_origin"},
		{name: "a look across sites", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, status: 403, code: "cross_origin"},
		{name: "a look from a subdomain", path: "/api/v1/stream", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}, status: 403, code: "cross_origin"},
		{name: "leading a person to the API", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, status: 403, code: "cross_origin"},
		{name: "leading a person to the page", path: "/runs/run_1", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, status: 200},
		{name: "framing the page", path: "/", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, status: 403, code: "cross_origin"},
		{name: "a script of the page elsewhere", path: "/assets/x.js", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}, status: 403, code: "cross_origin"},
		{name: "our own page looks", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "same-origin"}, status: 200},
		{name: "typed by a person", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "none"}, status: 200},
		{name: "a site nobody has heard of", host: "127.0.0.1:8081", header: map[string]string{"Sec-Fetch-Site": "elsewhere"}, status: 403, code: "cross_origin"},
		{name: "form", method: "POST", path: "/api/v1/reload", host: "127.0.0.1:8081", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415, code: "content_type"},
		{name: "text that looks like JSON", method: "POST", path: "/api/v1/reload", host: "127.0.0.1:8081", header: map[string]string{"Content-Type": "text/plain; application/json"}, status: 415, code: "content_type"},
		{name: "no type", method: "POST", path: "/api/v1/reload", host: "127.0.0.1:8081", status: 415, code: "content_type"},
		{name: "JSON", method: "POST", path: "/api/v1/reload", host: "127.0.0.1:8081", header: map[string]string{"Content-Type": "application/json; charset=utf-8"}, status: 200},
		{name: "JSON across sites", method: "POST", path: "/api/v1/reload", host: "127.0.0.1:8081", header: map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}, status: 403, code: "cross_origin"},

		// with a token: by any name, but only with it
		{name: "no token", token: token, host: "127.0.0.1:8081", status: 401, code: "unauthorized"},
		{name: "token", token: token, host: "flowrun.example", header: map[string]string{"Authorization": "Bearer " + token}, status: 200},
		{name: "scheme in small letters", token: token, host: "x", header: map[string]string{"Authorization": "bearer " + token}, status: 200},
		{name: "wrong token", token: token, host: "x", header: map[string]string{"Authorization": "Bearer " + token + "x"}, status: 401, code: "unauthorized"},
		{name: "part of the token", token: token, host: "x", header: map[string]string{"Authorization": "Bearer s3cr3t"}, status: 401, code: "unauthorized"},
		{name: "empty token", token: token, host: "x", header: map[string]string{"Authorization": "Bearer "}, status: 401, code: "unauthorized"},
		{name: "another scheme", token: token, host: "x", header: map[string]string{"Authorization": "Basic " + token}, status: 401, code: "unauthorized"},
		{name: "token in the query", token: token, host: "x", path: "/api/v1/status?token=" + token, status: 401, code: "unauthorized"},
		{name: "metrics", token: token, host: "x", path: "/metrics", status: 401, code: "unauthorized"},
		{name: "page", token: token, host: "x", path: "/", status: 200},
		{name: "page below", token: token, host: "x", path: "/runs/run_5", status: 200},
		{name: "unknown path of the API", token: token, host: "x", path: "/api/v1/nope", status: 401, code: "unauthorized"},
		{name: "API itself", token: token, host: "x", path: "/api", status: 401, code: "unauthorized"},
		{name: "path with another way to write it", token: token, host: "x", path: "/%61pi/v1/status", status: 401, code: "unauthorized"},
		{name: "path that leads back", token: token, host: "x", path: "/api/v1/session/../status", status: 401, code: "unauthorized"},
		{name: "head", token: token, method: "HEAD", host: "x", status: 401},
		{name: "probe", token: token, host: "x", path: "/healthz", status: 200},
		{name: "other probe", token: token, host: "x", path: "/readyz", status: 200},
		{name: "token from another origin", token: token, host: "x", header: map[string]string{"Authorization": "Bearer " + token, "Origin": "https://evil.example"}, status: 403, code: "cross_origin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := config(records(t))
			cfg.Token, cfg.Hosts, cfg.Page = tt.token, tt.hosts, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {})
			method, path := tt.method, tt.path
			if method == "" {
				method = "GET"
			}
			if path == "" {
				path = "/api/v1/status"
			}
			r := httptest.NewRequest(method, path, nil)
			r.Host = tt.host
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			New(cfg).ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.code) {
				t.Errorf("answers %d %s, want %d %s", w.Code, w.Body, tt.status, tt.code)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("lets %s read", got)
			}
			if tt.status == http.StatusUnauthorized && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Error("does not say how to authenticate")
			}
			if strings.Contains(w.Body.String(), token) {
				t.Error("shows the token")
			}
		})
	}
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	cfg := config(records(t))
	cfg.Token = "right"
	r := httptest.NewRequest("GET", "/api/v1/status", nil)
	r.Header["Authorization"] = []string{"Bearer right", "Bearer wrong"}
	w := httptest.NewRecorder()
	New(cfg).ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("answers %d", w.Code)
	}
}
