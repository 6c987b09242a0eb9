package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/diag"
)

var errHelp = errors.New("help")

// flags is a flag.FlagSet whose flags may stand before and after arguments and may come from the environment. A flag
// that is given goes before the environment, the environment before the default.
type flags struct {
	*flag.FlagSet
	path string
	vars map[string]string // flag → environment variable
}

func newFlags(path string, define func(*flags)) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(path, flag.ContinueOnError), path: path, vars: map[string]string{}}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	if define != nil {
		define(f)
	}
	return f
}

// fromEnv names the environment variable that serves where the flag is not given.
func (f *flags) fromEnv(name, variable string) { f.vars[name] = variable }

// parse returns the arguments that are no flags. Behind "--" nothing is a flag.
func (f *flags) parse(args []string, env func(string) (string, bool)) (rest []string, err error) {
	for len(args) > 0 {
		if args[0] == "--" {
			rest = append(rest, args[1:]...)
			break
		}
		if len(args[0]) < 2 || args[0][0] != '-' {
			rest, args = append(rest, args[0]), args[1:]
			continue
		}
		// One flag at a time: the flag package stops at the first argument, and at "--" without telling.
		n := 1
		name, _, assigned := strings.Cut(strings.TrimPrefix(args[0][1:], "-"), "=")
		if known := f.Lookup(name); known != nil && !assigned && !isBool(known.Value) {
			if len(args) < 2 {
				return nil, usagef("%s: flag -%s needs a value", f.path, name)
			}
			n = 2
		}
		if err := f.Parse(args[:n]); err != nil {
			return nil, f.explain(name, err)
		}
		args = args[n:]
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	for name, variable := range f.vars {
		v, ok := env(variable)
		if !ok || v == "" || given[name] {
			continue
		}
		if err := f.Set(name, v); err != nil {
			return nil, usagef("%s: %s is %q, which is no value for -%s: %v", f.path, variable, v, name, err)
		}
	}
	return rest, nil
}

// explain says what is wrong with a flag in our words.
func (f *flags) explain(name string, err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return errHelp
	}
	if f.Lookup(name) != nil || name == "" {
		text := err.Error()
		// invalid value "x" for flag -drain: parse error
		return usagef("%s: %s; see %s -h", f.path, text, f.path)
	}
	var names []string
	f.VisitAll(func(g *flag.Flag) { names = append(names, g.Name) })
	hint := ""
	if s := diag.Suggest(name, names); s != "" {
		hint = " Did you mean -" + s + "?"
	}
	return usagef("%s has no flag -%s.%s See %s -h", f.path, name, hint, f.path)
}

func isBool(v flag.Value) bool {
	b, ok := v.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

func (f *flags) any() bool {
	any := false
	f.VisitAll(func(*flag.Flag) { any = true })
	return any
}

func (f *flags) describe(w io.Writer) {
	f.VisitAll(func(g *flag.Flag) {
		placeholder, usage := flag.UnquoteUsage(g)
		usage = strings.TrimPrefix(usage, placeholder+": ")
		head := "-" + g.Name
		if placeholder != "" {
			head += " " + placeholder
		}
		var notes []string
		if d := g.DefValue; d != "" && d != "false" && d != "0" && d != "0s" {
			notes = append(notes, "default "+d)
		}
		if v := f.vars[g.Name]; v != "" {
			notes = append(notes, v)
		}
		if len(notes) > 0 {
			usage += " (" + strings.Join(notes, "; ") + ")"
		}
		if len(head) > 20 {
			fmt.Fprintf(w, "  %s\n  %-20s %s\n", head, "", usage)
			return
		}
		fmt.Fprintf(w, "  %-20s %s\n", head, usage)
	})
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// span is a duration that also knows days: "30d", "12h", "1d12h".
type span time.Duration

func (s *span) String() string {
	d := time.Duration(*s)
	if d > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

func (s *span) Set(text string) error {
	d, err := parseSpan(text)
	if err != nil {
		return err
	}
	*s = span(d)
	return nil
}

func parseSpan(text string) (time.Duration, error) {
	var days time.Duration
	rest := text
	if number, after, ok := strings.Cut(text, "d"); ok {
		var n int
		if _, err := fmt.Sscanf(number+"|", "%d|", &n); err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is not a duration such as 12h or 30d", text)
		}
		days, rest = time.Duration(n)*24*time.Hour, after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 12h or 30d", text)
	}
	return days + d, nil
}
