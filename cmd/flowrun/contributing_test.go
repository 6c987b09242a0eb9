package main

// What docs/contributing.md says of adding a connector, done: its blocks become files of an overlay, which the go command
// puts over the tree, and the flowrun that comes of it is used. Nothing else of the tree is changed.

import (
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)`(connectors/tickets/\\w+\\.go)` [^`]*?\n```go\n(.*?)```")

// overlay is a tree with some files put over it.
type overlay struct {
	t       *testing.T
	repo    string
	dir     string // where the files are
	file    string // that tells the go command
	Replace map[string]string
}

func newOverlay(t *testing.T) *overlay {
	repo, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &overlay{t: t, repo: repo, dir: dir, file: filepath.Join(dir, "overlay.json"), Replace: map[string]string{}}
}

// put puts a file over the tree. It must be in gofmt's form.
func (o *overlay) put(name, text string) {
	o.t.Helper()
	if formatted, err := format.Source([]byte(text)); err != nil || string(formatted) != text {
		o.t.Errorf("%s is not as gofmt has it: %v", name, err)
	}
	write(o.t, o.dir, name, text)
	o.Replace[filepath.Join(o.repo, filepath.FromSlash(name))] = filepath.Join(o.dir, filepath.FromSlash(name))
	raw, err := json.Marshal(o)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(o.file, raw, 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// run runs the go command on the tree.
func (o *overlay) run(verb string, args ...string) {
	o.t.Helper()
	cmd := exec.CommandContext(o.t.Context(), "go", append([]string{verb, "-overlay", o.file}, args...)...)
	cmd.Dir = o.repo
	if out, err := cmd.CombinedOutput(); err != nil {
		o.t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

func TestAddAConnector(t *testing.T) {
	raw, err := os.ReadFile(root + "/docs/contributing.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(raw)
	o := newOverlay(t)
	files := 0
	for _, m := range goBlock.FindAllStringSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join(o.repo, m[1])); err == nil {
			t.Fatalf("%s is there: the walk-through would prove nothing", m[1])
		}
		o.put(m[1], m[2])
		files++
	}
	list, lines := withEntry(t, page)
	o.put("connectors/all/all.go", list)
	if said := fmt.Sprintf("That is %d files and %d lines, and nothing else is edited.", files, lines); !strings.Contains(page, said) {
		t.Errorf("the page does not say: %s", said)
	}
	if n, ok := level("connectors/tickets"); !ok || n != 4 {
		t.Errorf("the table of layers has the service in layer %d, %v", n, ok)
	}

	contract := filepath.Join(o.dir, "tickets.test") // apart from its run, since there is no folder to run it in
	o.run("test", "-c", "-vet=off", "-o", contract, "./connectors/tickets")
	if out, err := exec.CommandContext(t.Context(), contract).CombinedOutput(); err != nil {
		t.Fatalf("the contract: %v\n%s", err, out)
	}
	program := filepath.Join(o.dir, "flowrun")
	o.run("build", "-ldflags=-s -w", "-o", program, "./cmd/flowrun")
	useNewConnector(t, program)
}

// withEntry returns connectors/all with the lines that the page adds, and how many they are: an import and an element,
// each behind its neighbour in the alphabet.
func withEntry(t *testing.T, page string) (text string, lines int) {
	t.Helper()
	raw, err := os.ReadFile(root + "/connectors/all/all.go")
	if err != nil {
		t.Fatal(err)
	}
	text = string(raw)
	_, diff, _ := strings.Cut(page, "```diff\n")
	diff, _, _ = strings.Cut(diff, "```")
	for line := range strings.Lines(diff) {
		added, ok := strings.CutPrefix(line, "+")
		if !ok {
			t.Fatalf("%q adds nothing", line)
		}
		neighbour := strings.Replace(added, "tickets", "stripe", 1)
		if strings.Count(text, neighbour) != 1 {
			t.Fatalf("there is no %q to put a line behind", neighbour)
		}
		text = strings.Replace(text, neighbour, neighbour+added, 1)
		lines++
	}
	return text, lines
}

// useNewConnector does with the new service what the page says can be done.
func useNewConnector(t *testing.T, program string) {
	dir := t.TempDir()
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("flowrun %s: %v, want %q\n%s", strings.Join(args, " "), err, want, out)
		}
	}
	write(t, dir, "p/close.hcl", `trigger "tickets_ticket_opened" {}

action "tickets_ticket_close" {
  id = trigger.id
}
`)
	run("TICKETS_API_KEY", "connectors", "tickets")
	run("email", "connectors", "tickets_ticket_opened")
	run("tickets_ticket_opened customerio_identify", "new", "-list", "tickets", "customerio")
	run("p/in.test.hcl", "new", "tickets_ticket_opened", "customerio_identify", "-o", "p/in.hcl")
	run("p/out.test.hcl", "new", "stripe_customer_created", "tickets_ticket_create", "-o", "p/out.hcl")
	run("3 recipes, no problems", "validate", "p")
	run("passed", "test", "p")

	// In dev its calls are answered by what it declares of itself, and fail when they are told to.
	p, err := startProgram(program, dir, append(os.Environ(), "FLOWRUN_VAR_tickets_ticket_create_subject=Hello"), "dev", "p",
		"-listen", "127.0.0.1:0", "-control", "127.0.0.1:0", "-fail", "tickets=422*1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.signal(os.Kill); err == nil {
			<-p.done
		}
	})
	_, control, err := p.ready()
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{"422", "200"} {
		run("accepted", "trigger", "tickets_ticket_opened", "-server", control)
		if err := p.out.await(regexp.MustCompile(`→ tickets POST \S*/tickets/T-1/close ` + status)); err != nil {
			t.Fatalf("%v\n%s%s", err, p.out, p.err)
		}
	}
}
