package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
)

func explainCommand() *command {
	var asJSON bool
	return &command{
		name:    "explain",
		args:    "[CODE]",
		short:   "say what the code of a message means and how to mend it",
		example: "flowrun explain FR2103",
		group:   groupLearn,
		maxArgs: 1,
		flags:   func(f *flags) { f.BoolVar(&asJSON, "json", false, "print JSON") },
		run: func(_ context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return listCodes(m, asJSON)
			}
			code := strings.ToUpper(args[0])
			e, ok := diag.Lookup(diag.Code(code))
			if !ok {
				var codes []string
				for _, e := range diag.Table() {
					codes = append(codes, string(e.Code))
				}
				return usagef("there is no code %q.%s \"flowrun explain\" lists them", args[0], diag.DidYouMean(code, codes))
			}
			if asJSON {
				return printJSON(m.Stdout, entryJSON(e))
			}
			fmt.Fprintf(m.Stdout, "%s %s: %s\n\n%s\n", severity(e), e.Code, e.Summary, e.Cause)
			if e.Bad != "" {
				fmt.Fprintf(m.Stdout, "\nLike this:\n\n%s", indented(e.Bad))
			}
			if e.Good != "" {
				fmt.Fprintf(m.Stdout, "\nMended:\n\n%s", indented(e.Good))
			}
			return nil
		},
	}
}

type codeJSON struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Cause    string `json:"cause"`
	Bad      string `json:"bad,omitempty"`
	Good     string `json:"good,omitempty"`
}

func entryJSON(e diag.Entry) codeJSON {
	return codeJSON{string(e.Code), strings.ToLower(severity(e)), e.Summary, e.Cause, e.Bad, e.Good}
}

func listCodes(m *Main, asJSON bool) error {
	if asJSON {
		codes := []codeJSON{}
		for _, e := range diag.Table() {
			codes = append(codes, entryJSON(e))
		}
		return printJSON(m.Stdout, codes)
	}
	t := newTable(m.Stdout)
	for _, e := range diag.Table() {
		t.row(string(e.Code), strings.ToLower(severity(e)), e.Summary)
	}
	return t.flush()
}

func severity(e diag.Entry) string {
	if e.Severity == hcl.DiagWarning {
		return "Warning"
	}
	return "Error"
}

func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if strings.TrimSpace(line) != "" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}
