package browser

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axePath is where the page's own tools keep axe.
var axePath = filepath.Join("..", "..", "..", "runtime", "ui", "web", "node_modules", "axe-core", "axe.min.js")

// views are the places of the page, with what must be seen before it is looked at.
func (s *site) views(run string) map[string]string {
	return map[string]string{
		"/":               "dunning",
		"/runs":           "dunning",
		"/runs?q=nothing": "No run is as these filters say",
		"/runs/" + run:    "customerio_track",
		"/events":         "evt_1",
		"/events/evt_1":   "charge.failed",
	}
}

// TestAccessible has axe look at every view, wide and narrow, light and dark.
func TestAccessible(t *testing.T) {
	needBrowser(t)
	axe, err := os.ReadFile(axePath)
	if errors.Is(err, fs.ErrNotExist) {
		if os.Getenv("FLOWRUN_BROWSER") != "" {
			t.Fatalf("axe is not there; run npm ci in runtime/ui/web: %v", err)
		}
		t.Skip("axe is not there; npm ci in runtime/ui/web gets it")
	}
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	s.event("evt_1", "cus_1", 9000)
	run := s.firstRun("")
	p := s.open("/runs")
	for _, scheme := range []string{"light", "dark"} {
		media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
		if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		for _, width := range []int64{1440, 390} {
			p.size(width, 900)
			for path, text := range s.views(run) {
				p.visit(path)
				p.seesIn("main", text)
				p.do(chromedp.Evaluate[chromedp.Void](string(axe)))
				for _, problem := range eval[[]string](p, `axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.map((v) => v.id + ': ' + v.help + ' at ' + v.nodes.map((n) => n.target.join(' ')).slice(0, 5).join(', ')))`) {
					t.Errorf("%s, %d wide, %s: %s", path, width, scheme, problem)
				}
				if over := eval[int](p, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%s is %d wider than %d", path, over, width)
				}
			}
		}
	}
	for _, wrong := range p.complaints() {
		t.Error(wrong)
	}
}

// TestOwnFiles looks at what the page loads: little, only its own, and for how long it may be kept.
func TestOwnFiles(t *testing.T) {
	s := serve(t, map[string]string{"dunning.hcl": dunning})
	p := s.open("/runs")
	p.sees("No run yet")
	script := 0
	for _, line := range p.asked() {
		method, at, _ := strings.Cut(line, " ")
		if method != http.MethodGet {
			t.Errorf("to look, the page asks %s", line)
		}
		if !strings.HasPrefix(at, s.base) || strings.Contains(at, "/api/v1/stream") {
			continue
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		kept := resp.Header.Get("Cache-Control")
		switch {
		case strings.Contains(at, "/api/"):
			if kept != "no-store" {
				t.Errorf("%s may be kept: %q", at, kept)
			}
		case strings.Contains(at, "/assets/"):
			if !strings.Contains(kept, "immutable") {
				t.Errorf("%s is not kept: %q", at, kept)
			}
		default:
			if policy := resp.Header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s has the policy %q", at, policy)
			}
		}
		if strings.HasSuffix(at, ".js") {
			script += int(max(0, resp.ContentLength))
		}
	}
	if script == 0 || script > 150<<10 {
		t.Errorf("the page has %d bytes of script", script)
	}
	paint := eval[float64](p, `new Promise((done) => { const look = () => { const e = performance.getEntriesByName('first-contentful-paint')[0]; if (e) done(e.startTime); else setTimeout(look, 25); }; look(); })`)
	t.Log(fmt.Sprintf("the first paint came after %.0f ms, with %d bytes of script", paint, script))
	for _, wrong := range p.complaints() {
		t.Error(wrong)
	}
}
