package main

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/flowrun/flowrun/runtime/control"
)

func whyCommand() *command {
	var r remote
	var connection, recipe string
	return &command{
		name:    "why",
		args:    "EVENT|RUN",
		short:   "say why an event ran, or did not, with the values that decided",
		long:    "For each recipe that listens to such events: the gate that stopped it, where it is written, and what each part of its condition came to.",
		example: "flowrun why evt_1NG8Du2eZvKYlo2CUI79vXWy",
		group:   groupOperate,
		maxArgs: 1,
		flags: func(f *flags) {
			r.define(f)
			f.StringVar(&connection, "connection", "", "`NAME`: the connection the event came through")
			f.StringVar(&recipe, "recipe", "", "`NAME`: only this recipe")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("why what? Give the id of an event or of a run")
			}
			var w *control.Why
			var err error
			what := "event"
			if strings.HasPrefix(args[0], "run_") {
				what = "run"
				w, err = r.client(m).WhyRun(ctx, args[0])
			} else {
				w, err = r.client(m).WhyEvent(ctx, connection, args[0])
			}
			if err != nil {
				return refused(err, what, args[0])
			}
			if recipe != "" {
				kept := w.Verdict[:0]
				for _, v := range w.Verdict {
					if v.Recipe == recipe {
						kept = append(kept, v)
					}
				}
				if w.Verdict = kept; len(kept) == 0 {
					return usagef("recipe %q does not listen to %s events on %s", recipe, w.Event.Type, w.Event.Connection)
				}
			}
			if r.asJSON {
				return printJSON(m.Stdout, w)
			}
			showWhy(m, w)
			return nil
		},
	}
}

func showWhy(m *Main, w *control.Why) {
	out := m.Stdout
	fmt.Fprintf(out, "%s %s on %s, received %s\n", w.Event.Type, w.Event.ID, w.Event.Connection, when(w.Event.ReceivedAt))
	if w.Program != "" {
		fmt.Fprintf(out, "decided by program %s", short(w.Program))
		if w.Served != "" {
			fmt.Fprintf(out, "; program %s is served now", short(w.Served))
		}
		fmt.Fprintln(out)
	}
	if w.Note != "" {
		fmt.Fprintln(out, w.Note)
	}
	for _, v := range w.Verdict {
		fmt.Fprintf(out, "\n%s: %s\n", v.Recipe, v.Because)
		if v.Run != "" {
			fmt.Fprintf(out, "  run %s, %s\n", v.Run, v.Status)
		}
		for i := range v.Gates {
			showGate(m, &v.Gates[i])
		}
	}
	if w.Others > 0 {
		fmt.Fprintf(out, "\n%s to other events\n", map[bool]string{true: "1 recipe listens", false: fmt.Sprintf("%d recipes listen", w.Others)}[w.Others == 1])
	}
}

// showGate prints a gate and, where it held back, what its parts came to.
func showGate(m *Main, g *control.Gate) {
	out := m.Stdout
	fmt.Fprintf(out, "  %s %s  %s:%d\n", map[bool]string{true: "passed", false: "held  "}[g.Passed], g.Name, g.Filename, g.Line)
	if g.Passed {
		return
	}
	type line struct{ source, value string }
	lines := []line{{"    " + oneLine(g.Source), g.Value}}
	for _, p := range g.Parts {
		lines = append(lines, line{strings.Repeat("  ", p.Depth+2) + oneLine(p.Source), p.Value})
	}
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l.source))
	}
	for _, l := range lines {
		fmt.Fprintf(out, "%s%s  = %s\n", l.source, strings.Repeat(" ", width-utf8.RuneCountInString(l.source)), l.value)
	}
}

const longestSource = 90

// oneLine is source text without its line breaks, cut where it is long.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longestSource {
		return string(r[:longestSource-1]) + "…"
	}
	return s
}
