package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/draw"
)

func graphCommand() *command {
	var format, folder string
	return &command{
		name:  "graph",
		args:  "[RECIPE]",
		short: "draw a recipe, or all of a folder: what starts it, what holds what back, what reads what",
		long: "Mermaid is what GitHub and most wikis show in a fenced block; dot is Graphviz's language.\n" +
			"A gate points to what it holds back; a thick arrow goes from a step to what reads its answer. The cases of a\n" +
			"switch are framed, and the arrows to them have their values; a step with for_each is one box with a double edge;\n" +
			"on_error has a frame of its own.\n" +
			"JSON is {recipe, triggers[], nodes[], on_error[], edges[]}, a list of those where no recipe is named.",
		example: "flowrun graph billing/dunning -dir recipes\nflowrun graph -dir recipes -format dot | dot -Tsvg > recipes.svg",
		group:   groupLearn,
		maxArgs: 1,
		flags: func(f *flags) {
			f.StringVar(&format, "format", "mermaid", "`FORMAT`: mermaid, dot or json")
			f.StringVar(&folder, "dir", ".", "`DIR`: the folder of recipes")
		},
		run: func(_ context.Context, m *Main, args []string) error {
			write, ok := map[string]func(io.Writer, ...*draw.Graph) error{"mermaid": draw.Mermaid, "dot": draw.DOT, "json": nil}[format]
			if !ok {
				return usagef("-format %s: there are mermaid, dot and json", format)
			}
			p, err := m.sound(folder)
			if err != nil {
				return err
			}
			graphs := []*draw.Graph{}
			recipes := p.program.Recipes()
			if len(args) > 0 {
				r, err := p.recipe(args[0])
				if err != nil {
					return err
				}
				recipes = []*check.Recipe{r}
			}
			for _, r := range recipes {
				graphs = append(graphs, draw.Of(r, p.files()))
			}
			switch {
			case write != nil:
				err = write(m.Stdout, graphs...)
			case len(args) > 0:
				err = printJSON(m.Stdout, graphs[0])
			default:
				err = printJSON(m.Stdout, graphs)
			}
			if err != nil {
				return fmt.Errorf("printing: %w", err)
			}
			return nil
		},
	}
}

// sound compiles a folder without its environment. Where it has errors they are printed and end the command.
func (m *Main) sound(folder string) (*project, error) {
	shown, dir, err := m.folder([]string{folder})
	if err != nil {
		return nil, err
	}
	p := compile(shown, dir, all.Registry())
	if p.program == nil || p.diags.HasErrors() {
		if err := m.printDiags(m.Stderr, p.diags, p.files()); err != nil {
			return nil, err
		}
		return nil, errProblems
	}
	return p, nil
}

// recipe finds a recipe by its name, or by the path of its file.
func (p *project) recipe(name string) (*check.Recipe, error) {
	if r := p.program.Recipe(strings.TrimSuffix(name, ".hcl")); r != nil {
		return r, nil
	}
	return nil, usagef("there is no recipe %q in the folder %q.%s", name, p.shown, diag.DidYouMean(name, recipeNames(p.program)))
}

func recipeNames(p *lang.Program) []string {
	var names []string
	for _, r := range p.Recipes() {
		names = append(names, r.Name)
	}
	return names
}
