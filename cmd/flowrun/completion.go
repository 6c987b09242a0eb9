package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Completion scripts are made from the table of commands, so that they can't lag behind it. Each holds its words; none
// runs flowrun while somebody types.

func completionCommand() *command {
	return &command{
		name:  "completion",
		args:  "bash|zsh|fish",
		short: "print a completion script for a shell",
		long: "bash: source <(flowrun completion bash)\n" +
			"zsh:  source <(flowrun completion zsh)\n" +
			"fish: flowrun completion fish | source",
		example: "flowrun completion bash > flowrun.bash",
		group:   groupLearn,
		maxArgs: 1,
		run: func(_ context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which shell? bash, zsh or fish")
			}
			leaves := completions("", commands())
			switch args[0] {
			case "bash":
				bashCompletion(m.Stdout, leaves)
			case "zsh":
				fmt.Fprint(m.Stdout, "autoload -U +X bashcompinit && bashcompinit\n")
				bashCompletion(m.Stdout, leaves)
			case "fish":
				fishCompletion(m.Stdout)
			default:
				return usagef("there is no completion for %q; use bash, zsh or fish", args[0])
			}
			return nil
		},
	}
}

// completion is the words that may follow a command.
type completion struct {
	path  string // "runs list", "" for flowrun itself
	words []string
}

func completions(path string, cs []*command) []completion {
	top := completion{path: path}
	var out []completion
	for _, c := range cs {
		top.words = append(top.words, c.name)
		sub := strings.TrimSpace(path + " " + c.name)
		if c.sub != nil {
			out = append(out, completions(sub, c.sub)...)
			continue
		}
		leaf := completion{path: sub}
		newFlags(sub, c.flags).VisitAll(func(f *flag.Flag) { leaf.words = append(leaf.words, "-"+f.Name) })
		if strings.Contains(c.args, "|") && !strings.ContainsAny(c.args, "[ ") {
			leaf.words = append(leaf.words, strings.Split(c.args, "|")...)
		}
		out = append(out, leaf)
	}
	return append([]completion{top}, out...)
}

func bashCompletion(w io.Writer, all []completion) {
	fmt.Fprint(w, `_flowrun() {
  local cur="${COMP_WORDS[COMP_CWORD]}" path="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "${COMP_WORDS[i]}" in
      -*) ;;
      *) case "$path ${COMP_WORDS[i]}" in
`)
	for _, c := range all {
		if c.path != "" {
			fmt.Fprintf(w, "           %q) path=%q ;;\n", " "+c.path, " "+c.path)
		}
	}
	fmt.Fprint(w, `         esac ;;
    esac
  done
  case "$path" in
`)
	for _, c := range all {
		path := ""
		if c.path != "" {
			path = " " + c.path
		}
		fmt.Fprintf(w, "    %q) words=%q ;;\n", path, strings.Join(c.words, " "))
	}
	fmt.Fprint(w, `  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ ${#COMPREPLY[@]} -eq 0 ]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _flowrun flowrun
`)
}

func fishCompletion(w io.Writer) {
	for _, c := range commands() {
		fmt.Fprintf(w, "complete -c flowrun -n __fish_use_subcommand -f -a %s -d %s\n", c.name, fishQuote(c.short))
	}
	for _, c := range commands() {
		seen := "__fish_seen_subcommand_from " + c.name
		for _, s := range c.sub {
			fmt.Fprintf(w, "complete -c flowrun -n %s -f -a %s -d %s\n", fishQuote(seen), s.name, fishQuote(s.short))
			fishFlags(w, seen+"; and __fish_seen_subcommand_from "+s.name, s)
		}
		fishFlags(w, seen, c)
	}
}

func fishFlags(w io.Writer, when string, c *command) {
	newFlags(c.name, c.flags).VisitAll(func(f *flag.Flag) {
		placeholder, usage := flag.UnquoteUsage(f)
		usage = strings.TrimPrefix(usage, placeholder+": ")
		fmt.Fprintf(w, "complete -c flowrun -n %s -o %s -d %s\n", fishQuote(when), f.Name, fishQuote(usage))
	})
}

func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}
