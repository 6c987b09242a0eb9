package ui_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/ui"
)

func ask(t *testing.T, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	ui.New().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The page in dist is made of the sources in web: the build writes a digest of them beside it, as vite.config.ts says.
func TestDistIsCurrent(t *testing.T) {
	var paths []string
	err := filepath.WalkDir("web", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != "web" && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.IsDir() {
			paths = append(paths, strings.TrimPrefix(filepath.ToSlash(name), "web/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	sum := sha256.New()
	for _, p := range paths {
		raw, err := os.ReadFile(filepath.Join("web", filepath.FromSlash(p)))
		if err != nil {
			t.Fatal(err)
		}
		one := sha256.Sum256(raw)
		fmt.Fprintf(sum, "%s\x00%s\n", p, hex.EncodeToString(one[:]))
	}
	want, err := os.ReadFile(filepath.Join("dist", "sources.sha256"))
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != strings.TrimSpace(string(want)) {
		t.Errorf("dist is not made of these sources; build it: cd runtime/ui/web && npm ci && npm run build")
	}
}

func TestViewsGetTheDocument(t *testing.T) {
	for _, path := range []string{"/", "/runs", "/runs/run_1", "/recipes/billing%2Fdunning", "/catalog/pair/a/b", "/sign-in"} {
		r := ask(t, "GET", path)
		if text := body(t, r); r.StatusCode != 200 || !strings.Contains(text, `<div id="app">`) {
			t.Errorf("%s: status %d, %d bytes", path, r.StatusCode, len(text))
		}
		if got := r.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q; an old document names files that are gone", path, got)
		}
	}
}

// The content security policy forbids what an attacker would need, so the document must do without.
func TestDocumentKeepsToItsPolicy(t *testing.T) {
	r := ask(t, "GET", "/")
	text := body(t, r)
	for _, bad := range []string{"<style", " style=", " onload=", "javascript:", "http://", "https://"} {
		if strings.Contains(text, bad) {
			t.Errorf("the document has %q", bad)
		}
	}
	for _, script := range regexp.MustCompile(`<script[^>]*>([^<]*)</script>`).FindAllStringSubmatch(text, -1) {
		if strings.TrimSpace(script[1]) != "" {
			t.Errorf("the document has a script within: %s", script[1])
		}
	}
	csp := r.Header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("the policy %q lacks %q", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe") {
		t.Errorf("the policy allows what is unsafe: %s", csp)
	}
}

func TestFilesOfTheDocument(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(body(t, ask(t, "GET", "/")), -1)
	if len(names) < 3 {
		t.Fatalf("the document names %d files; a script, a style sheet and an icon were expected", len(names))
	}
	for _, n := range names {
		r := ask(t, "GET", n[1])
		if text := body(t, r); r.StatusCode != 200 || text == "" {
			t.Errorf("%s: status %d, %d bytes", n[1], r.StatusCode, len(text))
		}
		if got := r.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q", n[1], got)
		}
		if again := ask(t, "GET", n[1], "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s with its tag: status %d", n[1], again.StatusCode)
		}
	}
}

func TestGzip(t *testing.T) {
	plain := body(t, ask(t, "GET", "/"))
	for accept, packed := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "identity": false, "": false} {
		r := ask(t, "GET", "/", "Accept-Encoding", accept)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("Accept-Encoding %q: gzip is %v", accept, got)
			continue
		}
		if !packed {
			continue
		}
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(z)
		if err != nil || string(raw) != plain {
			t.Errorf("Accept-Encoding %q: another document comes out: %v", accept, err)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	if r := ask(t, "GET", "/assets/none.js", "Accept", "text/html"); r.StatusCode != 404 {
		t.Errorf("a file that is not there: status %d", r.StatusCode)
	}
	if r := ask(t, "GET", "/robots.txt"); r.StatusCode != 404 {
		t.Errorf("a path of no view: status %d", r.StatusCode)
	}
	r := ask(t, "GET", "/rums", "Accept", "text/html,*/*")
	if text := body(t, r); r.StatusCode != 404 || !strings.Contains(text, `<div id="app">`) {
		t.Errorf("a path of no view, for a person: status %d, %d bytes", r.StatusCode, len(text))
	}
	if r := ask(t, "POST", "/runs"); r.StatusCode != 405 {
		t.Errorf("POST: status %d", r.StatusCode)
	}
	if r := ask(t, "HEAD", "/runs"); r.StatusCode != 200 || body(t, r) != "" {
		t.Errorf("HEAD: status %d", r.StatusCode)
	}
}

// All scripts together, as they are sent: the first view needs less.
func TestScriptsAreSmall(t *testing.T) {
	const most = 150 << 10
	names, err := filepath.Glob("dist/assets/*.js")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d scripts: %v", len(names), err)
	}
	total := int64(0)
	for _, name := range names {
		r := ask(t, "HEAD", strings.TrimPrefix(filepath.ToSlash(name), "dist"), "Accept-Encoding", "gzip")
		if r.ContentLength <= 0 {
			t.Fatalf("%s: length %d", name, r.ContentLength)
		}
		total += r.ContentLength
	}
	if total > most {
		t.Errorf("the scripts are %d bytes in gzip; %d are allowed", total, most)
	}
}
