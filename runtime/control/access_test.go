package control

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/runtimetest"
)

const (
	joSecret  = "jo-0123456789abcdef0123"
	samSecret = "sam-0123456789abcdef012"
)

func people() []Token {
	return []Token{{Name: "jo", Role: RoleOperate, Secret: joSecret}, {Name: "sam", Role: RoleView, Secret: samSecret}}
}

// door is one that wants to know who asks.
type door struct {
	*Handler
	clock  *runtimetest.Clock
	access *Access
	store  *memory
	crew   *crew
}

func newDoorFor(t *testing.T, proxy *Proxy, public string) *door {
	t.Helper()
	d := &door{clock: runtimetest.NewClock(now), store: records(t), crew: &crew{}}
	var at *url.URL
	if public != "" {
		var err error
		if at, err = url.Parse(public); err != nil {
			t.Fatal(err)
		}
	}
	d.access = NewAccess(people(), proxy, at)
	cfg := config(d.store)
	cfg.Clock, cfg.Access, cfg.Operator, cfg.Past = d.clock, d.access, d.crew, d.crew
	d.Handler = New(cfg)
	return d
}

// request is one as a browser or a program sends it.
type request struct {
	method, path, host, from, body string
	header                         map[string]string
	cookies                        []*http.Cookie
}

func (d *door) send(q request) *httptest.ResponseRecorder {
	if q.method == "" {
		q.method = "GET"
	}
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	r.Host, r.RemoteAddr = "flowrun.test:8081", "192.0.2.7:5000"
	if q.host != "" {
		r.Host = q.host
	}
	if q.from != "" {
		r.RemoteAddr = q.from
	}
	if q.method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	for _, c := range q.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func (d *door) signIn(t *testing.T, secret string) *http.Cookie {
	t.Helper()
	w := d.send(request{method: "POST", path: sessionPath, body: fmt.Sprintf(`{"token":%q}`, secret)})
	cookies := w.Result().Cookies()
	if w.Code != 200 || len(cookies) != 1 {
		t.Fatalf("signing in answers %d %s with %d cookies", w.Code, w.Body, len(cookies))
	}
	return cookies[0]
}

func TestSession(t *testing.T) {
	d := newDoorFor(t, nil, "")
	if w := d.send(request{path: sessionPath}); w.Code != 401 {
		t.Errorf("nobody is %d %s", w.Code, w.Body)
	}
	c := d.signIn(t, joSecret)
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure || c.MaxAge != 12*3600 || strings.Contains(c.Value, joSecret) {
		t.Errorf("the cookie is %+v", c)
	}
	w := d.send(request{path: sessionPath, cookies: []*http.Cookie{c}})
	if got := compact(t, w.Body.Bytes()); got != `{"name":"jo","role":"operate","via":"session","ends":"2026-11-03T15:30:00Z"}` {
		t.Errorf("the session is %s", got)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("an answer may be kept by caches")
	}
	// It outlives the server, whose store and memory are others.
	again := newDoorFor(t, nil, "")
	if w := again.send(request{path: "/api/v1/runs", cookies: []*http.Cookie{c}}); w.Code != 200 {
		t.Errorf("after a restart: %d %s", w.Code, w.Body)
	}
	// It ends with its time.
	d.clock.Advance(sessionTime - time.Second)
	if w := d.send(request{path: "/api/v1/runs", cookies: []*http.Cookie{c}}); w.Code != 200 {
		t.Errorf("before its end: %d", w.Code)
	}
	d.clock.Advance(time.Second)
	if w := d.send(request{path: "/api/v1/runs", cookies: []*http.Cookie{c}}); w.Code != 401 {
		t.Errorf("at its end: %d", w.Code)
	}
	// It dies with its token, and changes with the token's role.
	c = d.signIn(t, joSecret)
	d.access.SetTokens([]Token{{Name: "jo", Role: RoleView, Secret: joSecret}})
	if w := d.send(request{method: "POST", path: "/api/v1/reload", cookies: []*http.Cookie{c}}); w.Code != 403 {
		t.Errorf("in another role: %d %s", w.Code, w.Body)
	}
	d.access.SetTokens([]Token{{Name: "jo", Role: RoleOperate, Secret: joSecret + "changed"}})
	if w := d.send(request{path: "/api/v1/runs", cookies: []*http.Cookie{c}}); w.Code != 401 {
		t.Errorf("after the token was changed: %d", w.Code)
	}
	d.access.SetTokens(nil)
	if w := d.send(request{path: "/api/v1/runs", host: "127.0.0.1:8081"}); w.Code != 401 {
		t.Errorf("without any token left the door stands open: %d", w.Code)
	}
}

func TestForgedSessions(t *testing.T) {
	d := newDoorFor(t, nil, "")
	c := d.signIn(t, samSecret)
	parts := strings.Split(c.Value, ".")
	jo := d.signIn(t, joSecret)
	other := strings.Split(jo.Value, ".")
	later := seal(keyed{name: "sam"}, now.Add(1000*time.Hour).Unix())
	for name, value := range map[string]string{
		"empty":                  "",
		"another name":           strings.Join([]string{parts[0], parts[1], other[2], parts[3]}, "."),
		"a later end":            strings.Join([]string{parts[0], "zzzzzz", parts[2], parts[3]}, "."),
		"without a seal":         strings.Join(parts[:3], ".") + ".",
		"a seal cut short":       c.Value[:len(c.Value)-1],
		"a part more":            c.Value + ".x",
		"another version":        "2" + c.Value[1:],
		"sealed with nothing":    later,
		"a name nobody has":      seal(keyed{name: "nobody"}, now.Add(time.Hour).Unix()),
		"the token itself":       joSecret,
		"a number written again": strings.Join([]string{parts[0], "+" + parts[1], parts[2], parts[3]}, "."),
		"in capitals":            strings.Join([]string{parts[0], strings.ToUpper(parts[1]), parts[2], parts[3]}, "."),
		"no base64":              strings.Join([]string{parts[0], parts[1], "!", parts[3]}, "."),
	} {
		if w := d.send(request{path: "/api/v1/runs", cookies: []*http.Cookie{{Name: c.Name, Value: value}}}); w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for name, cookies := range map[string][]*http.Cookie{
		"another cookie's name": {{Name: "__Host-flowrun", Value: c.Value}},
		"another port's cookie": {{Name: "flowrun-9999", Value: c.Value}},
		"two":                   {c, {Name: c.Name, Value: "x"}},
		"two that hold":         {c, jo},
	} {
		for i := range cookies {
			if name == "two that hold" {
				cookies[i].Name = c.Name
			}
		}
		if w := d.send(request{path: "/api/v1/runs", cookies: cookies}); w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestSecureCookies(t *testing.T) {
	d := newDoorFor(t, &Proxy{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, "https://ops.example")
	for name, q := range map[string]request{
		"by the public name":      {host: "ops.example"},
		"rewritten by the proxy":  {host: "127.0.0.1:8081", from: "10.1.1.1:1"},
		"the proxy says so":       {host: "flowrun.test", header: map[string]string{"X-Forwarded-Proto": "https"}},
		"with the page's address": {host: "ops.example", header: map[string]string{"Origin": "https://ops.example", "Sec-Fetch-Site": "same-origin"}},
		"rewritten, with it":      {host: "127.0.0.1:8081", from: "10.1.1.1:1", header: map[string]string{"Origin": "https://ops.example"}},
	} {
		q.method, q.path, q.body = "POST", sessionPath, fmt.Sprintf(`{"token":%q}`, joSecret)
		w := d.send(q)
		cookies := w.Result().Cookies()
		if w.Code != 200 || len(cookies) != 1 || cookies[0].Name != "__Host-flowrun" || !cookies[0].Secure || cookies[0].Path != "/" || cookies[0].Domain != "" {
			t.Errorf("%s: %d %s %v", name, w.Code, w.Body, cookies)
			continue
		}
		q.method, q.path, q.body, q.cookies = "GET", "/api/v1/runs", "", cookies
		if w := d.send(q); w.Code != 200 {
			t.Errorf("%s: the session is answered %d", name, w.Code)
		}
	}
	if w := d.send(request{method: "POST", path: sessionPath, body: `{}`, header: map[string]string{"Origin": "http://ops.example"}, host: "127.0.0.1:8081"}); w.Code != 403 {
		t.Errorf("the public name without https: %d", w.Code)
	}
}

func TestSignOut(t *testing.T) {
	d := newDoorFor(t, nil, "")
	c := d.signIn(t, joSecret)
	w := d.send(request{method: "DELETE", path: sessionPath, cookies: []*http.Cookie{c}})
	gone := w.Result().Cookies()
	if w.Code != 200 || len(gone) != 1 || gone[0].Name != c.Name || gone[0].MaxAge >= 0 || gone[0].Value != "" {
		t.Errorf("signing out answers %d with %v", w.Code, gone)
	}
	if w := d.send(request{method: "DELETE", path: sessionPath, header: map[string]string{"Sec-Fetch-Site": "same-site"}}); w.Code != 403 {
		t.Errorf("a neighbour signs out: %d", w.Code)
	}
	var what []string
	entries, err := d.store.Audits(t.Context(), runtime.AuditQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range entries {
		what = append(what, a.Who+" "+a.What+" from "+a.From+" "+a.Result)
	}
	if want := []string{"jo signed_out from 192.0.2.7 done", "jo signed_in from 192.0.2.7 done"}; !slices.Equal(what, want) {
		t.Errorf("the log has %q, want %q", what, want)
	}
}

// TestLoginFromElsewhere has a stranger's page sign an operator in as somebody else.
func TestLoginFromElsewhere(t *testing.T) {
	d := newDoorFor(t, nil, "")
	body := fmt.Sprintf(`{"token":%q}`, samSecret)
	for name, header := range map[string]map[string]string{
		"another origin": {"Origin": "https://evil.example"},
		"a subdomain":    {"Origin": "https://evil.flowrun.test:8081"},
		"another port":   {"Origin": "http://flowrun.test:9"},
		"null":           {"Origin": "null"},
		"a neighbour":    {"Sec-Fetch-Site": "same-site"},
		"a form":         {"Content-Type": "text/plain"},
	} {
		if w := d.send(request{method: "POST", path: sessionPath, body: body, header: header}); w.Code != 403 && w.Code != 415 || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestRoles(t *testing.T) {
	d := newDoorFor(t, nil, "")
	d.CloseStreams()
	for _, rt := range d.routes() {
		path := strings.NewReplacer("{id}", "evt_5", "{name}", "billing/dunning", "{trigger}", "x", "{action}", "y").Replace(rt.path)
		for secret, role := range map[string]Role{"": 0, samSecret: RoleView, joSecret: RoleOperate} {
			q := request{method: rt.method, path: path, body: "{}"}
			if secret != "" {
				q.header = map[string]string{"Authorization": "Bearer " + secret}
			}
			w := d.send(q)
			refused := w.Code == 401 || w.Code == 403
			switch {
			case rt.open:
				if w.Code == 403 || w.Code == 401 && path != sessionPath {
					t.Errorf("%s %s is not open: %d", rt.method, path, w.Code)
				}
			case role < rt.needs() && !refused:
				t.Errorf("%s %s lets %s in: %d %s", rt.method, path, role, w.Code, w.Body)
			case role >= rt.needs() && refused:
				t.Errorf("%s %s keeps %s out: %d %s", rt.method, path, role, w.Code, w.Body)
			}
		}
		if rt.method != http.MethodGet && !rt.open && rt.needs() != RoleOperate {
			t.Errorf("%s %s is for %s", rt.method, rt.path, rt.needs())
		}
	}
	if slices.ContainsFunc(d.crew.asked, func(s string) bool { return strings.Contains(s, "by sam") }) {
		t.Errorf("who may view has done %q", d.crew.asked)
	}
	// No other way to say it says more.
	for name, q := range map[string]request{
		"method override": {method: "GET", path: "/api/v1/runs/run_5", header: map[string]string{"X-Http-Method-Override": "POST"}},
		"small letters":   {method: "post", path: "/api/v1/reload"},
		"dots":            {method: "POST", path: "/api/v1/session/../reload"},
		"slashes":         {method: "POST", path: "//api/v1/reload"},
		"encoded":         {method: "POST", path: "/api/v1/%72eload"},
		"trailing":        {method: "POST", path: "/api/v1/reload/"},
	} {
		header := map[string]string{"Authorization": "Bearer " + samSecret, "Content-Type": "application/json"}
		for k, v := range q.header {
			header[k] = v
		}
		q.header = header
		if w := d.send(q); strings.Contains(w.Body.String(), `"changed"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestProxy(t *testing.T) {
	proxy := &Proxy{Header: "X-Forwarded-User", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32")}, Operators: []string{"ann"}}
	d := newDoorFor(t, proxy, "https://ops.example")
	who := func(q request) string {
		q.path = sessionPath
		w := d.send(q)
		if w.Code != 200 {
			return fmt.Sprint(w.Code)
		}
		var s Session
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		return s.Name + " " + s.Role + " " + s.Via
	}
	user := func(name string) map[string]string { return map[string]string{"X-Forwarded-User": name} }
	for _, tt := range []struct {
		name string
		q    request
		want string
	}{
		{"an operator", request{host: "ops.example", from: "10.2.3.4:1", header: user("ann")}, "ann operate proxy"},
		{"a viewer", request{host: "ops.example", from: "10.2.3.4:1", header: user("ben")}, "ben view proxy"},
		{"host rewritten", request{host: "127.0.0.1:8081", from: "127.0.0.1:1", header: user("ann")}, "ann operate proxy"},
		{"v4 in v6", request{host: "ops.example", from: "[::ffff:10.2.3.4]:1", header: user("ann")}, "ann operate proxy"},
		{"past the proxy", request{host: "ops.example", from: "192.0.2.1:1", header: user("ann")}, "401"},
		{"an address that begins alike", request{host: "ops.example", from: "[10::1]:1", header: user("ann")}, "401"},
		{"nobody named", request{host: "ops.example", from: "10.2.3.4:1"}, "401"},
		{"an empty name", request{host: "ops.example", from: "10.2.3.4:1", header: user("")}, "401"},
		{"a page whose name leads here", request{host: "evil.example:8081", from: "127.0.0.1:1", header: user("ann")}, "401"},
		{"this machine itself", request{host: "127.0.0.1:8081", from: "127.0.0.1:1"}, "401"},
		{"a token beside it", request{host: "ops.example", from: "10.2.3.4:1", header: map[string]string{"X-Forwarded-User": "ben", "Authorization": "Bearer " + joSecret}}, "jo operate token"},
		{"a wrong token beside it", request{host: "ops.example", from: "10.2.3.4:1", header: map[string]string{"X-Forwarded-User": "ann", "Authorization": "Bearer x"}}, "401"},
		{"the proxy's own password", request{host: "ops.example", from: "10.2.3.4:1", header: map[string]string{"X-Forwarded-User": "ann", "Authorization": "Basic eDp5"}}, "ann operate proxy"},
		{"somebody named so", request{host: "ops.example", from: "10.2.3.4:1", header: user("*")}, "* view proxy"},
	} {
		if got := who(tt.q); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	// Twice named is not named.
	r := httptest.NewRequest("GET", sessionPath, nil)
	r.Host, r.RemoteAddr = "ops.example", "10.2.3.4:1"
	r.Header["X-Forwarded-User"] = []string{"ben", "ann"}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("named twice: %d %s", w.Code, w.Body)
	}
	// Where it comes from is the last hop that no proxy of ours is.
	for hops, want := range map[string]string{"": "10.2.3.4", "1.1.1.1": "1.1.1.1", "6.6.6.6, 1.1.1.1, 10.9.9.9": "1.1.1.1", "6.6.6.6, nonsense": "10.2.3.4"} {
		r.Header.Set("X-Forwarded-For", hops)
		if got := d.guard.address(r).String(); got != want {
			t.Errorf("%q comes from %s, want %s", hops, got, want)
		}
	}
	r.RemoteAddr = "192.0.2.1:1"
	if got := d.guard.address(r).String(); got != "192.0.2.1" {
		t.Errorf("a stranger's word is taken: %s", got)
	}
}

func TestAttempts(t *testing.T) {
	d := newDoorFor(t, nil, "")
	try := func(secret, from string) int {
		return d.send(request{method: "POST", path: sessionPath, from: from, body: fmt.Sprintf(`{"token":%q}`, secret)}).Code
	}
	for i := range 5 {
		if got := try("wrong", "192.0.2.1:1"); got != 401 {
			t.Fatalf("attempt %d: %d", i, got)
		}
	}
	if got := try(joSecret, "192.0.2.1:2"); got != 429 {
		t.Errorf("the right one after five wrong ones: %d", got)
	}
	if got := try(joSecret, "192.0.2.2:1"); got != 200 {
		t.Errorf("from another address: %d", got)
	}
	d.clock.Advance(12 * time.Second)
	for range 20 { // the right one costs nothing
		if got := try(joSecret, "192.0.2.1:1"); got != 200 {
			t.Fatalf("after a while: %d", got)
		}
	}
	// A network of 2^64 addresses is one; many addresses together have a bound, too.
	for i := range 5 {
		try("wrong", fmt.Sprintf("[2001:db8::%x]:1", i+1))
	}
	if got := try("wrong", "[2001:db8::ffff]:1"); got != 429 {
		t.Errorf("from a sixth address of the network: %d", got)
	}
	refused := 0
	for i := range 200 {
		if try("wrong", fmt.Sprintf("198.51.%d.%d:1", i/100, i%100)) == 429 {
			refused++
		}
	}
	if refused < 100 || refused > 120 {
		t.Errorf("%d of 200 from many addresses are refused", refused)
	}
	// So are guesses in a header.
	var last int
	for range tokenPace.burst + 1 {
		last = d.send(request{path: "/api/v1/status", from: "203.0.113.1:1", header: map[string]string{"Authorization": "Bearer guess"}}).Code
	}
	if last != 429 {
		t.Errorf("after many guesses: %d", last)
	}
}

func TestAttemptsForget(t *testing.T) {
	a := newAttempts(pace{burst: 1, every: time.Minute, burstOfAll: 1 << 20, everyOfAll: time.Hour})
	at := now
	for i := range maxAddresses + 10 {
		if !a.take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), at) {
			t.Fatalf("address %d", i)
		}
	}
	if len(a.from) != maxAddresses {
		t.Errorf("%d addresses are remembered", len(a.from))
	}
	if !a.take(netip.MustParseAddr("192.0.2.1"), at.Add(2*time.Minute)) || len(a.from) != 1 {
		t.Errorf("%d addresses are remembered later", len(a.from))
	}
	if !a.take(netip.Addr{}, at) || a.take(netip.Addr{}, at) {
		t.Error("who has no address is not counted")
	}
}

func TestParseTokens(t *testing.T) {
	good := "# who\n\n  jo operate " + joSecret + "\nsam\tview " + samSecret + "\n"
	tokens, err := ParseTokens(strings.NewReader(good))
	if err != nil || !slices.Equal(tokens, people()) {
		t.Errorf("%v, %v", tokens, err)
	}
	for text, want := range map[string]string{
		"":                                  "no token",
		"# none":                            "no token",
		"jo operate":                        "line 1 has 2 words",
		"jo admin " + joSecret:              "view or operate",
		"jo operate short":                  "less than 20",
		"operator view " + joSecret:         "choose another",
		good + "jo view " + samSecret + "x": "line 5: there is a token for jo",
		good + "max view " + samSecret:      "another's",
		strings.Repeat("j", 65) + " view " + joSecret: "up to 64",
		"jö view " + joSecret:                         "letters",
		strings.Repeat("j", 1<<17):                    "reading the tokens",
	} {
		_, err := ParseTokens(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Errorf("the error quotes a token: %v", err)
		}
	}
}
