package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/sqlite"
)

func storeCommand() *command {
	return &command{
		name: "store", short: "back up or check the store of events and runs", group: groupOperate,
		sub: []*command{storeBackupCommand(), storeCheckCommand()},
	}
}

func storeBackupCommand() *command {
	var r remote
	var store string
	return &command{
		name:  "backup",
		args:  "FILE",
		short: "write a consistent copy of the store while the server runs",
		long: "FILE must not exist. The running server writes it, so that FILE is on the server's machine. With -store, and no\n" +
			"server that holds it, the copy is made from the file itself.",
		example: "flowrun store backup /var/backups/flowrun.db",
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&store, "store", "", "`STORE`: what to copy without a server, sqlite:FILE")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("where to? For example: flowrun store backup /var/backups/flowrun.db")
			}
			path, err := filepath.Abs(m.path(args[0]))
			if err != nil {
				return fmt.Errorf("finding %s: %w", args[0], err)
			}
			if store != "" {
				err = backupFile(ctx, m, store, path)
			} else {
				var res *control.BackupResult
				if res, err = r.client(m).Backup(ctx, path); err == nil {
					path = res.Path
				}
			}
			if err != nil {
				return err
			}
			if r.asJSON {
				return printJSON(m.Stdout, control.BackupResult{Path: path})
			}
			fmt.Fprintf(m.Stdout, "backed up to %s\n", path)
			return nil
		},
	}
}

func backupFile(ctx context.Context, m *Main, store, to string) error {
	s, err := m.openExisting(ctx, store)
	if err != nil {
		return err
	}
	return errors.Join(s.Backup(ctx, to), s.Close())
}

// openExisting opens a store that is there already and that no server holds.
func (m *Main) openExisting(ctx context.Context, store string) (*sqlite.Store, error) {
	name, err := sqlitePath(store)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(m.path(name)); err != nil {
		return nil, fmt.Errorf("opening the store %s: %w", name, cause(err))
	}
	s, err := sqlite.Open(ctx, m.path(name), sqlite.Options{})
	if errors.Is(err, runtime.ErrLocked) {
		return nil, fmt.Errorf("%w; stop that process first, or work on a copy made by \"flowrun store backup\"", err)
	}
	return s, err
}

func storeCheckCommand() *command {
	var store string
	var asJSON bool
	return &command{
		name:    "check",
		short:   "read a whole store and say whether it is intact",
		long:    "No server may hold the store: check a copy made by \"flowrun store backup\", or stop the server.",
		example: "flowrun store check -store sqlite:/var/backups/flowrun.db",
		flags: func(f *flags) {
			f.StringVar(&store, "store", "sqlite:flowrun.db", "`STORE`: what to check, sqlite:FILE")
			f.fromEnv("store", "FLOWRUN_STORE")
			f.BoolVar(&asJSON, "json", false, "print JSON")
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			s, err := m.openExisting(ctx, store)
			if err != nil {
				return err
			}
			defer s.Close()
			problem := s.Check(ctx)
			counts, err := s.Counts(ctx)
			if err != nil && problem == nil {
				problem = err
			}
			return reportCheck(m, problem, counts, asJSON)
		},
	}
}

func reportCheck(m *Main, problem error, c runtime.Counts, asJSON bool) error {
	runs := int64(0)
	for _, n := range c.Runs {
		runs += n
	}
	if asJSON {
		out := struct {
			OK      bool   `json:"ok"`
			Problem string `json:"problem,omitempty"`
			Events  int64  `json:"events"`
			Runs    int64  `json:"runs"`
			Bytes   int64  `json:"bytes"`
		}{problem == nil, "", c.Events, runs, c.Bytes}
		if problem != nil {
			out.Problem = problem.Error()
		}
		if err := printJSON(m.Stdout, out); err != nil {
			return err
		}
	} else if problem == nil {
		fmt.Fprintf(m.Stdout, "intact: %s, %s, %d bytes\n", plural(int(c.Events), "event"), plural(int(runs), "run"), c.Bytes)
	} else {
		fmt.Fprintf(m.Stdout, "damaged: %v\n", problem)
	}
	if problem != nil {
		return errProblems
	}
	return nil
}
