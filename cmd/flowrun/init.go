package main

// A new project. It is made of files that are part of the program, so that it needs no network; a test validates it, runs
// its tests and holds its format.

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// scaffold holds the files of a new project. A name that begins with "dot-" stands for one that begins with ".": a folder
// of that name would be read as ours.
//
//go:embed all:scaffold
var scaffold embed.FS

func initCommand() *command {
	return &command{
		name:  "init",
		args:  "[DIR]",
		short: "begin a project: a first recipe with its tests, and a CI job",
		long: "It writes flowrun.hcl, a recipe with tests, a README, a GitHub workflow that checks the format, validates and tests,\n" +
			"and a pre-commit configuration. Nothing is overwritten: where one of the files is there, nothing is written.",
		example: "flowrun init payments && flowrun test payments",
		group:   groupWrite,
		maxArgs: 1,
		run: func(_ context.Context, m *Main, args []string) error {
			shown := "."
			if len(args) > 0 {
				shown = args[0]
			}
			made, err := writeScaffold(m.path(shown), shown)
			if err != nil {
				return err
			}
			for _, name := range made {
				fmt.Fprintln(m.Stdout, filepath.Join(shown, name))
			}
			fmt.Fprintf(m.Stderr, "\nNext: flowrun test %s, then flowrun dev %s\n", shown, shown)
			return nil
		},
	}
}

// writeScaffold writes the files of a new project and returns their names.
func writeScaffold(dir, shown string) ([]string, error) {
	files, names := map[string][]byte{}, []string{}
	err := fs.WalkDir(scaffold, "scaffold", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := scaffold.ReadFile(name)
		target := strings.ReplaceAll(strings.TrimPrefix(name, "scaffold/"), "dot-", ".")
		files[target], names = text, append(names, target)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the files of a new project: %w", err)
	}
	for _, name := range names {
		switch _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); {
		case err == nil:
			return nil, usagef("%s is there already, and init overwrites nothing; choose an empty folder", filepath.Join(shown, name))
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("looking for %s: %w", filepath.Join(shown, name), cause(err))
		}
	}
	for _, name := range names {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, fmt.Errorf("making a folder for %s: %w", filepath.Join(shown, name), cause(err))
		}
		if err := writeNew(target, files[name]); err != nil {
			return nil, fmt.Errorf("writing %s: %w", filepath.Join(shown, name), cause(err))
		}
	}
	return names, nil
}

// writeNew writes a file that must not be there.
func writeNew(target string, text []byte) error {
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
