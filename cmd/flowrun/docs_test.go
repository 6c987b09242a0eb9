package main

// The docs are tested as the code is: every recipe on a page compiles, every example runs and makes the calls that are
// kept beside this file, and the pages made from tables are what the tables say. UPDATE=1 writes what is stale.

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/langtest"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

const root = "../.."

var hclBlock = regexp.MustCompile("(?s)```hcl\n(.*?)```")

// TestDocsCompile compiles each hcl block of the pages that people write: one that begins with what recipes share as
// flowrun.hcl, one that begins with -- NAME -- as the files that it holds, anything else as a recipe.
func TestDocsCompile(t *testing.T) {
	pages, err := filepath.Glob(root + "/docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, root+"/README.md")
	blocks := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range hclBlock.FindAllSubmatch(text, -1) {
			blocks++
			if bytes.HasPrefix(m[1], []byte("test ")) {
				continue // TestDocsTestsPass runs it
			}
			name := "recipe.hcl"
			if bytes.HasPrefix(m[1], []byte("connection ")) || bytes.HasPrefix(m[1], []byte("on_error ")) || bytes.HasPrefix(m[1], []byte("on_alert ")) {
				name = "flowrun.hcl"
			}
			_, diags := lang.CompileFiles(langtest.Files(name, m[1]), all.Registry())
			for _, d := range diags {
				t.Errorf("%s, block %d: %v", filepath.Base(page), i+1, d)
			}
		}
	}
	if blocks < 8 {
		t.Errorf("only %d blocks were found: has the fence changed?", blocks)
	}
}

var metricName = regexp.MustCompile(`flowrun_[a-z_]+(\{[a-z]+="[a-z]+"|\b)`)

// TestOperationsNamesMetrics holds the metrics that the page tells people to watch against those that there are.
func TestOperationsNamesMetrics(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := telemetry.NewMetrics()
	m.EventRefused("stripe", telemetry.RefusedSignature)
	m.RunEnded("r", "failed")
	m.Reload(false)
	m.Commit(1, 0)
	m.Breaker("stripe", 2)
	m.CallParked("stripe", "limit")
	m.RunSkipped("r", "debounce")
	m.Alert("breaker_open", 1)
	m.EventsMissing("stripe", 1)
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	names := metricName.FindAllString(string(page), -1)
	if len(names) < 5 {
		t.Errorf("only %d names were found: %q", len(names), names)
	}
	for _, name := range names {
		base, label, _ := strings.Cut(name, "{")
		if !strings.Contains(rec.Body.String(), "\n"+base) || !strings.Contains(rec.Body.String(), label) {
			t.Errorf("docs/operations.md names %s, which is not there", name)
		}
	}
}

// TestReadmeShowsTheFirstExample keeps the recipe on the front page equal to the one that the first command serves.
func TestReadmeShowsTheFirstExample(t *testing.T) {
	readme, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(root + "/examples/01-charge-failed/recipe.hcl")
	if err != nil {
		t.Fatal(err)
	}
	shown := hclBlock.FindSubmatch(readme)
	if shown == nil || !bytes.HasSuffix(bytes.TrimSpace(example), bytes.TrimSpace(shown[1])) {
		t.Error("README.md does not end in the recipe of examples/01-charge-failed")
	}
}

// TestExamples runs each example on the event beside it and holds the gates, the requests and the outcome against a
// golden file.
func TestExamples(t *testing.T) {
	dirs, err := filepath.Glob(root + "/examples/[0-9]*")
	if err != nil || len(dirs) < 4 {
		t.Fatalf("%d examples, %v", len(dirs), err)
	}
	var goldens []string
	for _, dir := range dirs {
		name := filepath.Base(dir)
		golden := filepath.Join("testdata", "examples", name+".txt")
		goldens = append(goldens, golden)
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			m := &Main{Stdout: &out, Stderr: &errs, Clock: stillClock{}, Args: []string{"run", name + "/recipe", "-dir", root + "/examples", "-event", dir + "/event.json"}}
			if code := m.Run(context.Background()); code != exitOK {
				t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
			}
			if _, err := os.Stat(dir + "/README.md"); err != nil {
				t.Error(err)
			}
			same(t, golden, out.Bytes())
		})
	}
	orphans(t, filepath.Join("testdata", "examples"), goldens)
}

// stillClock shows one moment, so that events which bring no time of their own have the same one; it wakes as time does.
type stillClock struct{ runtime.SystemClock }

func (stillClock) Now() time.Time { return time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC) }

// TestGeneratedDocs holds the pages that are made from tables against the tables.
func TestGeneratedDocs(t *testing.T) {
	pages := map[string][]byte{
		"functions.md": functionsPage(),
		"cli.md":       cliPage(),
		"hosted.md":    hostedPage(t),
	}
	for name, text := range diagnosticPages() {
		pages["diagnostics/"+name] = text
	}
	for _, spec := range all.Specs() {
		maps.Copy(pages, connectorPages(spec))
	}
	for name, text := range pages {
		t.Run(name, func(t *testing.T) { same(t, filepath.Join(root, "docs", name), text) })
	}
	for _, dir := range []string{"diagnostics", "connectors"} {
		var made []string
		for name := range pages {
			if strings.HasPrefix(name, dir+"/") {
				made = append(made, filepath.Join(root, "docs", name))
			}
		}
		orphans(t, filepath.Join(root, "docs", dir), made)
	}
}

// same compares a file with what it should hold, or writes it where UPDATE is set.
func same(t *testing.T, path string, want []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is stale (UPDATE=1 writes it):\n%s", path, d)
	}
}

// orphans fails for files that no test owns.
func orphans(t *testing.T, dir string, owned []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains(owned, path) {
			t.Errorf("%s belongs to no test", path)
		}
		return err
	})
	if err != nil && os.Getenv("UPDATE") == "" {
		t.Error(err)
	}
}

const made = "<!-- Made by UPDATE=1 go test ./cmd/flowrun -run TestGeneratedDocs. Do not edit. -->\n\n"

func functionsPage() []byte {
	var b bytes.Buffer
	b.WriteString(made + "# Functions\n\nAll are pure, and none gives more than 1 MiB. A parameter takes null only where that is said.\n\n| function | what it gives | example |\n|---|---|---|\n")
	for _, f := range eval.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", f.Name, cell(f.Doc), strings.ReplaceAll(f.Example, "|", "\\|"))
	}
	return b.Bytes()
}

func cliPage() []byte {
	var b bytes.Buffer
	b.WriteString(made + "# Command line\n\nLong flags take one or two dashes and may stand before or after arguments. Results go to standard output, everything\nelse to standard error. Exit codes: 0 done and nothing found, 1 problems found, 2 wrong usage or the command could not\nwork.\n")
	m := &Main{}
	var page func(c *command, path string)
	page = func(c *command, path string) {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n", path)
		if c.sub != nil {
			m.list(&b, c, path)
		} else {
			m.describe(&b, c, path, newFlags(path, c.flags))
		}
		b.WriteString("```\n")
		for _, s := range c.sub {
			page(s, path+" "+s.name)
		}
	}
	for _, c := range commands() {
		page(c, "flowrun "+c.name)
	}
	return b.Bytes()
}

func diagnosticPages() map[string][]byte {
	pages := map[string][]byte{}
	var index bytes.Buffer
	index.WriteString(made + "# Diagnostics\n\nEvery mistake that flowrun finds has a code that never changes its meaning.\n\n| code | | summary |\n|---|---|---|\n")
	for _, e := range diag.Table() {
		severity := "error"
		if strings.HasPrefix(string(e.Code), "FR5") {
			severity = "warning"
		}
		fmt.Fprintf(&index, "| [%s](%s.md) | %s | %s |\n", e.Code, e.Code, severity, cell(e.Summary))
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s# %s: %s\n\n%s\n\n## Wrong\n\n%s\n## Right\n\n%s", made, e.Code, e.Summary, strings.TrimSpace(e.Cause), fence(e.Bad), fence(e.Good))
		pages[string(e.Code)+".md"] = b.Bytes()
	}
	pages["README.md"] = index.Bytes()
	return pages
}

// fence shows a project; a file's bytes that people can't see are shown as escapes.
func fence(project string) string {
	shown := strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && !(r >= 0x202a && r <= 0x2069) {
			return r
		}
		return '\uFFFD'
	}, strings.TrimRight(project, "\n"))
	if len(shown) > 2000 {
		shown = shown[:1500] + "\n…"
	}
	return "```text\n" + shown + "\n```\n"
}

func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", "\\|")
}
