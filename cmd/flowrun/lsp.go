package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang/edit/lsp"
)

func lspCommand() *command {
	return &command{
		name:  "lsp",
		short: "serve an editor: diagnostics, completion, hover, renaming and the like",
		long: "The Language Server Protocol over standard input and output; an editor starts it, docs/editors.md says how.\n" +
			"A project is the nearest folder above a file that holds a flowrun.hcl, which may be empty.",
		example: "flowrun lsp",
		group:   groupWrite,
		flags: func(f *flags) {
			f.Bool("stdio", true, "converse over standard input and output; there is no other way, and some editors say it")
		},
		run: func(ctx context.Context, m *Main, _ []string) error {
			s := &lsp.Server{
				Catalog: all.Registry(),
				Version: thisBuild().Version,
				Dir:     os.DirFS,
				After:   time.After,
				Log:     func(text string) { fmt.Fprintf(m.Stderr, "flowrun: %s\n", strings.TrimSpace(text)) },
			}
			if err := s.Serve(ctx, m.Stdin, m.Stdout); err != nil {
				return fmt.Errorf("serving an editor: %w", err)
			}
			return nil
		},
	}
}
