package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/flowrun/flowrun/lang/edit"
)

// maxStdin bounds what is read to be formatted; the formatter itself refuses what is too large for a recipe.
const maxStdin = 16 << 20

func fmtCommand() *command {
	var check, showDiff bool
	return &command{
		name:  "fmt",
		args:  "[PATH…]",
		short: "bring recipes into the canonical format, in place",
		long: "PATH is a file, a folder (with all below it), or - for standard input. The names of files that were changed\n" +
			"are printed. A file with syntax errors is left as it is.",
		example: "flowrun fmt -check -diff recipes",
		group:   groupWrite,
		maxArgs: -1,
		flags: func(f *flags) {
			f.BoolVar(&check, "check", false, "change nothing; exit 1 where something would change")
			f.BoolVar(&showDiff, "diff", false, "change nothing; print the differences")
		},
		run: func(_ context.Context, m *Main, args []string) error {
			j := &fmtJob{m: m, check: check, diff: showDiff}
			if len(args) == 0 {
				args = []string{"."}
			}
			for _, arg := range args {
				if err := j.path(arg); err != nil {
					return err
				}
			}
			if j.failed || check && j.changed {
				return errProblems
			}
			return nil
		},
	}
}

type fmtJob struct {
	m               *Main
	check, diff     bool
	changed, failed bool
}

func (j *fmtJob) path(name string) error {
	if name == "-" {
		return j.stdin()
	}
	info, err := os.Stat(j.m.path(name))
	if err != nil {
		return fmt.Errorf("opening %s: %w", name, cause(err))
	}
	if !info.IsDir() {
		return j.file(name)
	}
	root := j.m.path(name)
	err = filepath.WalkDir(root, func(at string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if at != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() || !strings.HasSuffix(base, ".hcl") || strings.HasPrefix(base, ".") {
			return nil
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		return j.file(filepath.Join(name, rel))
	})
	if err != nil {
		return fmt.Errorf("formatting %s: %w", name, err)
	}
	return nil
}

func (j *fmtJob) stdin() error {
	src, err := io.ReadAll(io.LimitReader(j.m.Stdin, maxStdin))
	if err != nil {
		return fmt.Errorf("reading standard input: %w", err)
	}
	out, ok, err := j.format(src, "standard input")
	if err != nil || !ok {
		return err
	}
	j.changed = j.changed || !bytes.Equal(src, out)
	switch {
	case j.diff:
		j.print(diff.Diff("standard input", src, "formatted", out))
	case !j.check:
		j.print(out)
	}
	return nil
}

func (j *fmtJob) print(b []byte) { _, _ = j.m.Stdout.Write(b) }

// format returns the formatted text; ok is false where the text has errors, which are printed.
func (j *fmtJob) format(src []byte, name string) (out []byte, ok bool, err error) {
	out, diags := edit.Format(src, name)
	if diags.HasErrors() {
		j.failed = true
		errs := diags[:0:0]
		for _, d := range diags {
			if d.Severity == hcl.DiagError {
				errs = append(errs, d)
			}
		}
		return nil, false, j.m.printDiags(j.m.Stderr, errs, map[string][]byte{name: src})
	}
	return out, true, nil
}

func (j *fmtJob) file(name string) error {
	path := j.m.path(name)
	src, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", name, cause(err))
	}
	out, ok, err := j.format(src, filepath.ToSlash(name))
	if err != nil || !ok || bytes.Equal(src, out) {
		return err
	}
	j.changed = true
	fmt.Fprintln(j.m.Stdout, name)
	if j.diff {
		j.print(diff.Diff(name, src, name+" (formatted)", out))
	}
	if j.check || j.diff {
		return nil
	}
	if err := replaceFile(path, out); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// replaceFile writes a file whole or not at all, and keeps its permissions. A link is followed, not replaced.
func replaceFile(path string, text []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".flowrun-fmt-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err = f.Write(text); err == nil {
		err = f.Chmod(info.Mode().Perm())
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
