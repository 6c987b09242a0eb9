package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

const (
	joToken  = "jo-0123456789abcdef0123"
	samToken = "sam-0123456789abcdef012"
)

func tokens(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// TestPeople has two people sign in: one who may only look, and one who may reveal.
func TestPeople(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning, "../tokens": tokens("jo operate "+joToken, "sam view "+samToken)}, "-tokens", "tokens")
	s.event("evt_1", "cus_1", 9000)
	run := s.firstRun(joToken)

	sam := s.open("/runs/" + run)
	sam.until("the sign-in", `location.pathname === '/sign-in'`)
	if text := sam.text("body"); strings.Contains(text, run) || strings.Contains(text, "dunning") {
		t.Errorf("who has not signed in is shown\n%s", text)
	}
	sam.into("Token", "a token that nobody has")
	sam.click("button", "Sign in")
	sam.sees("There is no such token")
	sam.into("Token", samToken)
	sam.click("button", "Sign in")
	sam.until("the page that was asked for", fmt.Sprintf(`location.pathname === %q`, "/runs/"+run))
	sam.seesIn("main", "Completed")
	if cookie := eval[string](sam, "document.cookie"); cookie != "" {
		t.Errorf("scripts can read the cookie %s", cookie)
	}
	if kept := eval[string](sam, "JSON.stringify([...Object.entries(localStorage), ...Object.entries(sessionStorage)])"); strings.Contains(kept, samToken) {
		t.Errorf("the browser keeps the token: %s", kept)
	}
	body := sam.text("body")
	for _, word := range []string{"cus_1@person.test", "Canary Person", "Retry…", "Replay…"} {
		if strings.Contains(body, word) {
			t.Errorf("who may only look is shown %q", word)
		}
	}
	sam.sees("may only look")

	jo := s.open("/sign-in?next=/runs/" + run)
	jo.into("Token", joToken)
	jo.click("button", "Sign in")
	jo.seesIn("main", "Completed")
	if strings.Contains(jo.text("body"), "cus_1@person.test") {
		t.Error("who may operate is shown an address that he did not ask for")
	}
	jo.click("main .waterfall button", "customerio_track")
	jo.click("button", "Reveal")
	jo.seesIn("main", "cus_1@person.test")
	jo.click("button", "Hide")
	jo.misses("main", "cus_1@person.test")

	// What was done stands in the log, with who did it.
	var log struct {
		Audit []struct{ Who, What, Result string }
	}
	s.ask(samToken, "/api/v1/audit", &log)
	var did []string
	for _, a := range log.Audit {
		did = append(did, a.Who+" "+a.What+" "+a.Result)
	}
	if got, want := strings.Join(did, ", "), "jo revealed done, jo signed_in done, sam signed_in done"; got != want {
		t.Errorf("the log has %s, want %s", got, want)
	}

	// A token that is taken away ends the session, in a tab that is open.
	s.write("../tokens", tokens("jo operate "+joToken))
	s.write("dunning.hcl", dunning+"\n# read the tokens again\n")
	sam.until("the sign-in", `location.pathname === '/sign-in'`)
	jo.click("button", "Sign out")
	jo.until("the sign-in", `location.pathname === '/sign-in'`)
	jo.visit("/runs")
	jo.until("the sign-in", `location.pathname === '/sign-in'`)
	for _, p := range []*tab{sam, jo} {
		for _, wrong := range p.complaints() {
			t.Error(wrong)
		}
	}
}

func (s *site) firstRun(token string) string {
	s.t.Helper()
	for {
		var list struct {
			Runs []struct{ ID, Status string }
		}
		s.ask(token, "/api/v1/runs", &list)
		if len(list.Runs) > 0 && list.Runs[0].Status == "completed" {
			return list.Runs[0].ID
		}
		if s.t.Context().Err() != nil {
			s.t.Fatal("no run comes")
		}
	}
}

// TestStrangers opens pages of others beside a server without tokens: one of another site, and one of another port of
// this machine, which is the same site to a browser. They try to get at it.
func TestStrangers(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>stranger</title>")
	}))
	defer stranger.Close()
	p := s.open("/runs")
	p.sees("No run yet")
	for _, from := range []string{stranger.URL, strings.Replace(stranger.URL, "127.0.0.1", "localhost", 1)} {
		p.do(chromedp.Navigate(from))
		for name, attempt := range map[string]string{
			"a look":         fmt.Sprintf(`fetch(%q).then((r) => r.text())`, s.base+"/api/v1/status"),
			"a blind look":   fmt.Sprintf(`fetch(%q, {mode: 'no-cors'}).then((r) => r.type + r.status)`, s.base+"/api/v1/status"),
			"a reload":       fmt.Sprintf(`fetch(%q, {method: 'POST', mode: 'no-cors', body: '{}'}).then((r) => r.type + r.status)`, s.base+"/api/v1/reload"),
			"a reload, JSON": fmt.Sprintf(`fetch(%q, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'}).then((r) => r.text())`, s.base+"/api/v1/reload"),
			"a stream":       fmt.Sprintf(`new Promise((done) => { const e = new EventSource(%q); e.onopen = () => done('open'); e.onerror = () => done('refused'); })`, s.base+"/api/v1/stream"),
			"a script":       fmt.Sprintf(`new Promise((done) => { const e = document.createElement('script'); e.src = %q; e.onload = () => done('loaded'); e.onerror = () => done('refused'); document.documentElement.append(e); })`, s.base+"/"),
		} {
			got := eval[string](p, fmt.Sprintf(`(async () => { try { return String(await (%s)); } catch (e) { return 'refused'; } })()`, attempt))
			if got != "refused" && got != "opaque0" {
				t.Errorf("from %s, %s gets %q", from, name, got)
			}
		}
		// It can't be framed either, but it can be led to.
		framed := eval[string](p, fmt.Sprintf(`new Promise((done) => { const e = document.createElement('iframe'); e.src = %q; e.onload = () => { try { done(e.contentDocument === null ? 'kept out' : e.contentDocument.body.innerText); } catch { done('kept out'); } }; document.documentElement.append(e); })`, s.base+"/runs"))
		if framed != "kept out" {
			t.Errorf("from %s, a frame shows %q", from, framed)
		}
		eval[bool](p, fmt.Sprintf(`(() => { location.href = %q; return true; })()`, s.base+"/runs"))
		p.sees("No run yet")
	}
	var log struct{ Audit []struct{ What string } }
	s.ask("", "/api/v1/audit", &log)
	if len(log.Audit) != 0 {
		t.Errorf("the strangers have done %+v", log.Audit)
	}
}
