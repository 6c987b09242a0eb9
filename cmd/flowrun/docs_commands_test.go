package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// commandLine finds where a command line of ours begins in code: at the start of a line or of a span, behind a prompt, the
// key of a workflow, or settings of the environment.
var commandLine = regexp.MustCompile(`(?:^|[\x60$]|run: |entry: |- |&& |; |\| )\s*(?:[A-Z_]+=\S+ )*flowrun ((?:-|[a-z])[^\x60]*)`)

// TestDocsCommands holds the command lines of pages, of our examples and of what init writes against the commands and
// flags that there are.
func TestDocsCommands(t *testing.T) {
	lines := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "testdata" || name == ".git" || name == "node_modules") {
			return fs.SkipDir
		}
		switch filepath.Ext(path) {
		case ".md", ".yml", ".yaml":
		default:
			return nil
		}
		if strings.HasSuffix(path, "CHANGELOG.md") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, code := range codeOf(string(text), filepath.Ext(path) != ".md") {
			for _, m := range commandLine.FindAllStringSubmatch(code, -1) {
				lines++
				if problem := wrongCommand(m[1]); problem != "" {
					t.Errorf("%s line %d: flowrun %s: %s", strings.TrimPrefix(path, root+"/"), i+1, m[1], problem)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines < 100 {
		t.Errorf("only %d command lines were found: has the pattern changed?", lines)
	}
}

// codeOf returns the lines of a text, and of those outside of code only what stands in backquotes.
func codeOf(text string, all bool) []string {
	lines := strings.Split(text, "\n")
	fenced := false
	for i, line := range lines {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
			lines[i] = ""
		case all || fenced || strings.HasPrefix(line, "    "):
			lines[i] = strings.TrimSpace(line)
		default:
			spans := strings.Split(line, "`")
			lines[i] = ""
			for n := 1; n < len(spans); n += 2 {
				lines[i] += "`" + spans[n] + "` "
			}
		}
	}
	return lines
}

// wrongCommand says what is wrong with the words behind "flowrun", or returns "".
func wrongCommand(text string) string {
	for _, end := range []string{" |", " >", " &&", ";", " #", " \\", "`", " → "} {
		text, _, _ = strings.Cut(text, end)
	}
	words := strings.Fields(text)
	c := &command{sub: commands()}
	for len(words) > 0 && len(c.sub) > 0 {
		word := words[0]
		if strings.HasPrefix(word, "-") {
			break
		}
		name, _, _ := strings.Cut(word, "|") // list|show
		var next *command
		for _, s := range c.sub {
			if s.name == strings.Trim(name, ",.:") {
				next = s
			}
		}
		if next == nil {
			return "there is no command " + word
		}
		c, words = next, words[1:]
	}
	f := newFlags(c.name, c.flags)
	for _, word := range words {
		name := strings.TrimLeft(strings.Trim(word, "[]().,:'\"…"), "-")
		name, _, _ = strings.Cut(name, "=")
		if !strings.HasPrefix(strings.Trim(word, "[]("), "-") || name == "" || name == "h" || name == "help" {
			continue
		}
		if f.Lookup(name) == nil {
			return "it has no flag -" + name
		}
	}
	return ""
}

func TestWrongCommands(t *testing.T) {
	for text, want := range map[string]string{
		"test -cover recipes":                    "",
		"runs list -json":                        "",
		"plan recipes -detailed-exitcode | less": "",
		"tset":                                   "there is no command tset",
		"runs lst":                               "there is no command lst",
		"test -covr":                             "it has no flag -covr",
		"-h":                                     "",
	} {
		if got := wrongCommand(text); got != want {
			t.Errorf("%s: %q, not %q", text, got, want)
		}
	}
}
