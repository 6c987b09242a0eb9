package main

// The command line, without a framework: a table of commands from which dispatch, help, suggestions and completion all
// come. Libraries for this bring their own habits (cobra's flags take two dashes only, its help has its own shape) and
// cost start-up time; what is needed of them fits in this file and in flags.go.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/runtime"
)

// Main is one invocation of the program, with everything it takes from its surroundings.
type Main struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(name string) (string, bool)
	Args           []string // without the program's name

	// Dir is the working folder; the process's where empty.
	Dir string

	// Clock is the machine's where nil.
	Clock runtime.Clock

	// Signals are SIGINT, SIGTERM and SIGHUP. Where it is nil the process's own are caught.
	Signals <-chan os.Signal

	// Crash is called at named points of serving, by tests that end the process there; nil otherwise.
	Crash func(point string)
}

// Exit codes, for scripts.
const (
	exitOK       = 0
	exitProblems = 1 // something was found: invalid, would reformat, a failed run
	exitUsage    = 2 // wrong usage, or the command itself could not work
)

// errProblems ends a command that has said all there is to say and found problems.
var errProblems = errors.New("problems found")

// errUsageShown ends a command that was called wrongly and has said so.
var errUsageShown = errors.New("wrong usage")

// usageError is a mistake in how a command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// command is one row of the table.
type command struct {
	name    string
	args    string // as in help: "[DIR]"
	short   string // one line, no full stop
	long    string // paragraphs
	example string // command lines that work
	group   string // heading in the list of commands

	flags func(*flags)
	run   func(ctx context.Context, m *Main, args []string) error
	sub   []*command

	maxArgs int // of positional arguments; -1 for any number
}

// commands is the table, in the order of the list that help prints.
func commands() []*command {
	return []*command{
		devCommand(),
		initCommand(),
		newCommand(),
		validateCommand(),
		fmtCommand(),
		testCommand(),
		fuzzCommand(),
		lspCommand(),
		runCommand(),
		triggerCommand(),
		backtestCommand(),
		captureCommand(),

		serveCommand(),
		planCommand(),
		statusCommand(),
		auditCommand(),
		reloadCommand(),
		runsCommand(),
		eventsCommand(),
		recipesCommand(),
		webhooksCommand(),
		backfillCommand(),
		doctorCommand(),
		whyCommand(),
		storeCommand(),

		connectorsCommand(),
		explainCommand(),
		consoleCommand(),
		graphCommand(),
		completionCommand(),
		versionCommand(),
	}
}

// Headings of the list of commands.
const (
	groupWrite   = "Write recipes"
	groupOperate = "Serve and operate"
	groupLearn   = "Look things up"
)

// Run carries the invocation out and returns the exit code.
func (m *Main) Run(ctx context.Context) int {
	if m.Env == nil {
		m.Env = func(string) (string, bool) { return "", false }
	}
	if m.Clock == nil {
		m.Clock = runtime.SystemClock{}
	}
	err := m.dispatch(ctx, &command{name: "flowrun", sub: commands()}, "flowrun", m.Args)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.Is(err, errUsageShown), errors.Is(err, errChanges):
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintf(m.Stderr, "flowrun: %s\n", usage.text)
		return exitUsage
	}
	fmt.Fprintf(m.Stderr, "flowrun: %v\n", err)
	return exitUsage
}

// dispatch finds the command that the arguments name, parses its flags and runs it. path is how it was reached.
func (m *Main) dispatch(ctx context.Context, c *command, path string, args []string) error {
	if c.sub != nil {
		if len(args) == 0 {
			m.list(m.Stderr, c, path)
			return errUsageShown
		}
		switch word := args[0]; {
		case isHelp(word):
			return m.help(c, path, args[1:])
		case path == "flowrun" && (word == "-version" || word == "--version"):
			return m.dispatch(ctx, c, path, append([]string{"version"}, args[1:]...))
		default:
			next, err := c.find(word, path)
			if err != nil {
				return err
			}
			return m.dispatch(ctx, next, path+" "+next.name, args[1:])
		}
	}
	f := newFlags(path, c.flags)
	rest, err := f.parse(args, m.Env)
	if errors.Is(err, errHelp) {
		m.describe(m.Stdout, c, path, f)
		return nil
	}
	if err != nil {
		return err
	}
	if c.maxArgs >= 0 && len(rest) > c.maxArgs {
		return usagef("%s: unexpected argument %q; see %s -h", path, rest[c.maxArgs], path)
	}
	return c.run(ctx, m, rest)
}

func isHelp(word string) bool {
	return slices.Contains([]string{"help", "-h", "--h", "-help", "--help"}, word)
}

func (c *command) find(word, path string) (*command, error) {
	names := make([]string, len(c.sub))
	for i, s := range c.sub {
		if s.name == word {
			return s, nil
		}
		names[i] = s.name
	}
	if strings.HasPrefix(word, "-") {
		return nil, usagef("flags stand after the command: %s COMMAND %s", path, word)
	}
	return nil, usagef("%s has no command %q.%s See %s -h", path, word, diag.DidYouMean(word, names), path)
}

// help prints the list of commands, or the page of the one that args name.
func (m *Main) help(c *command, path string, args []string) error {
	for len(args) > 0 && c.sub != nil && !strings.HasPrefix(args[0], "-") {
		next, err := c.find(args[0], path)
		if err != nil {
			return err
		}
		c, path, args = next, path+" "+next.name, args[1:]
	}
	if c.sub != nil {
		m.list(m.Stdout, c, path)
		return nil
	}
	m.describe(m.Stdout, c, path, newFlags(path, c.flags))
	return nil
}

// list prints the commands of c.
func (m *Main) list(w io.Writer, c *command, path string) {
	if path == "flowrun" {
		fmt.Fprint(w, "flowrun runs recipes that react to what happens at one service with calls to another.\n\n")
		fmt.Fprint(w, "Start with \"flowrun dev\" in a folder of recipes: it needs no account, no key and no network.\n\n")
	} else {
		fmt.Fprintf(w, "%s\n\n", sentence(c.short))
		if c.long != "" {
			fmt.Fprintf(w, "%s\n\n", c.long)
		}
	}
	fmt.Fprintf(w, "usage: %s COMMAND [flags] [arguments]\n", path)
	group := "Commands"
	fresh := true
	for _, s := range c.sub {
		if s.group != "" && s.group != group {
			group, fresh = s.group, true
		}
		if fresh {
			fmt.Fprintf(w, "\n%s:\n", group)
			fresh = false
		}
		fmt.Fprintf(w, "  %-12s %s\n", s.name, s.short)
	}
	fmt.Fprintf(w, "\n\"%s COMMAND -h\" shows a command's flags and an example.\n", path)
}

// describe prints the page of one command.
func (m *Main) describe(w io.Writer, c *command, path string, f *flags) {
	fmt.Fprintf(w, "%s\n\n", sentence(c.short))
	usage := path
	if f.any() {
		usage += " [flags]"
	}
	if c.args != "" {
		usage += " " + c.args
	}
	fmt.Fprintf(w, "usage: %s\n", usage)
	if c.long != "" {
		fmt.Fprintf(w, "\n%s\n", wrapped(c.long))
	}
	if f.any() {
		fmt.Fprint(w, "\nFlags, before or after the arguments:\n")
		f.describe(w)
	}
	fmt.Fprint(w, "\nExample:\n")
	for line := range strings.Lines(c.example) {
		fmt.Fprintf(w, "  %s", line)
	}
	fmt.Fprintln(w)
}

// lineWidth is how wide a help text is, in bytes.
const lineWidth = 110

// wrapped breaks the lines of a text that are too long.
func wrapped(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		width := 0
		for i, word := range strings.Fields(line) {
			switch {
			case i == 0:
			case width+1+len(word) > lineWidth:
				b.WriteByte('\n')
				width = 0
			default:
				b.WriteByte(' ')
				width++
			}
			b.WriteString(word)
			width += len(word)
		}
		if strings.HasSuffix(line, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// path returns name as seen from the working folder.
func (m *Main) path(name string) string {
	if m.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(m.Dir, name)
}

// folder returns the folder that a command works on: its argument, or the working folder.
func (m *Main) folder(args []string) (shown, path string, err error) {
	shown = "."
	if len(args) > 0 {
		shown = args[0]
	}
	path = m.path(shown)
	info, err := os.Stat(path)
	if err != nil {
		return shown, path, fmt.Errorf("opening the folder %s: %w", shown, cause(err))
	}
	if !info.IsDir() {
		return shown, path, usagef("%s is not a folder", shown)
	}
	return shown, path, nil
}

// cause drops the operation and the path from a file error, where the message names the path already.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// env returns the value of an environment variable, or "".
func (m *Main) env(name string) string {
	v, _ := m.Env(name)
	return v
}

// color reports whether w is a terminal that should be written to in colour.
func (m *Main) color(w io.Writer) bool {
	return m.env("NO_COLOR") == "" && m.env("TERM") != "dumb" && isTerminal(w)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
