// Package langtest tests the language as recipe authors see it: a file of text that carries the expected diagnostics on
// the offending lines,
//
//	id = trigger.customer # want FR2103 "may be null|string or null"
//
// and a small catalogue to compile it against, so that tests of the language depend on no vendor.
package langtest

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
)

// Files returns the files of a test: those of a txtar archive, or the text itself as a file of the given name.
func Files(name string, text []byte) map[string][]byte {
	archive := txtar.Parse(text)
	if len(archive.Files) == 0 {
		return map[string][]byte{name: text}
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	return files
}

// Each runs f for every file of dir, as a project.
func Each(t *testing.T, dir fs.FS, f func(t *testing.T, files map[string][]byte)) {
	t.Helper()
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		t.Fatal("no test files")
	}
	for _, entry := range entries {
		text, err := fs.ReadFile(dir, entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(strings.TrimSuffix(entry.Name(), ".txtar"), ".hcl")
		t.Run(name, func(t *testing.T) { f(t, Files(name+".hcl", text)) })
	}
}

// want is one expected diagnostic.
type want struct {
	file    string
	line    int
	code    diag.Code
	pattern *regexp.Regexp
	met     bool
}

var (
	wantComment = regexp.MustCompile(`# want (.*)$`)
	wantOne     = regexp.MustCompile(`^(FR\d{4})(?: ("(?:[^"\\]|\\.)*"))?\s*`)
)

// Check compares diagnostics with the comments of the files. Both a missing and a surplus diagnostic fail, and so does
// one whose range is not within its file.
func Check(t testing.TB, files map[string][]byte, diags hcl.Diagnostics) {
	t.Helper()
	wants, err := expectations(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diags {
		if err := InFile(files, d); err != nil {
			t.Error(err)
			continue
		}
		if err := Sentence(files, d); err != nil {
			t.Error(err)
		}
		m, ok := diag.MetaOf(d)
		if !ok {
			t.Errorf("%s: no code: %s; %s", d.Subject, d.Summary, d.Detail)
			continue
		}
		i := slices.IndexFunc(wants, func(w *want) bool {
			return !w.met && w.file == d.Subject.Filename && w.line == d.Subject.Start.Line && w.code == m.Code && w.pattern.MatchString(d.Detail)
		})
		if i < 0 {
			t.Errorf("%s: surplus %s: %s", d.Subject, m.Code, d.Detail)
			continue
		}
		wants[i].met = true
	}
	for _, w := range wants {
		if !w.met {
			t.Errorf("%s:%d: missing %s %q", w.file, w.line, w.code, w.pattern)
		}
	}
}

func expectations(files map[string][]byte) ([]*want, error) {
	var out []*want
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for n, line := range strings.Split(string(files[name]), "\n") {
			found := wantComment.FindStringSubmatch(line)
			if found == nil {
				continue
			}
			rest := found[1]
			for rest != "" {
				one := wantOne.FindStringSubmatch(rest)
				if one == nil {
					return nil, fmt.Errorf("%s:%d: bad want comment at %q", name, n+1, rest)
				}
				pattern := ""
				if one[2] != "" {
					text, err := strconv.Unquote(one[2])
					if err != nil {
						return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
					}
					pattern = text
				}
				re, err := regexp.Compile(pattern)
				if err != nil {
					return nil, fmt.Errorf("%s:%d: %w", name, n+1, err)
				}
				out = append(out, &want{file: name, line: n + 1, code: diag.Code(one[1]), pattern: re})
				rest = rest[len(one[0]):]
			}
		}
	}
	return out, nil
}

// InFile says what is wrong with a diagnostic's place: it must lie within a file, start before it ends, and its line
// must be that of its byte.
func InFile(files map[string][]byte, d *hcl.Diagnostic) error {
	if d.Subject == nil {
		return fmt.Errorf("no place: %s; %s", d.Summary, d.Detail)
	}
	s := *d.Subject
	src, ok := files[s.Filename]
	switch {
	case !ok:
		return fmt.Errorf("%s: no such file", s)
	case s.Start.Byte < 0 || s.End.Byte < s.Start.Byte || s.End.Byte > len(src):
		return fmt.Errorf("%s: bytes %d to %d of %d", s, s.Start.Byte, s.End.Byte, len(src))
	case bytes.Count(src[:s.Start.Byte], []byte("\n"))+1 != s.Start.Line:
		return fmt.Errorf("%s: byte %d is not on that line", s, s.Start.Byte)
	}
	return nil
}

var plainWord = regexp.MustCompile(`^[a-z]+$`)

// words are names of the language, and of services, that a sentence may begin with.
var words = []string{"action", "each", "error", "event", "for", "incoming", "labels", "local", "locals", "previous", "run", "stripe", "trigger", "var", "wait"}

var loopVariable = regexp.MustCompile(`\bfor (?:\w+, )?(\w+)(?:, (\w+))? in\b`)

// Sentence says what is wrong with how a diagnostic's detail is written: each line begins with a capital letter, or with
// what is not the checker's own word (text of the recipe, a name of the language, a number), and ends a sentence.
func Sentence(files map[string][]byte, d *hcl.Diagnostic) error {
	known := slices.Clone(words)
	subject := ""
	if InFile(files, d) == nil {
		src := files[d.Subject.Filename]
		subject = string(d.Subject.SliceBytes(src))
		for _, m := range loopVariable.FindAllStringSubmatch(string(src), -1) {
			known = append(known, m[1:]...)
		}
	}
	for _, line := range strings.Split(d.Detail, "\n") {
		word, _, _ := strings.Cut(line, " ")
		quoted := subject != "" && strings.HasPrefix(line, subject)
		if _, function := eval.Table()[word]; plainWord.MatchString(word) && !quoted && !function && !slices.Contains(known, word) {
			return fmt.Errorf("%s: begins with a small letter: %q", d.Subject, line)
		}
		if !strings.HasSuffix(line, ".") && !strings.HasSuffix(line, "?") {
			return fmt.Errorf("%s: ends in the middle of a sentence: %q", d.Subject, line)
		}
	}
	return nil
}
