package syntax

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
)

// Parse turns the files of a project, by their slash-separated paths, into blocks. The result depends on the content
// of the map only. It never panics, and the project it returns can be used where there are errors, too: a file that is
// not valid HCL or that nothing can start yields no recipe; a block with a mistake in it is there without what is
// mistaken, and where an expression is required but missing, an unknown value stands for it.
func Parse(files map[string][]byte) (*Project, hcl.Diagnostics) {
	p := &Project{Config: &Config{}, Files: files}
	var diags hcl.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body, moreDiags := ParseFile(files[name], name)
		diags = append(diags, moreDiags...)
		if name == ConfigFile {
			w := walker{file: name}
			p.Config = w.config(body)
			p.Config.Incomplete = moreDiags.HasErrors() || w.diags.HasErrors()
			diags = append(diags, w.diags...)
			continue
		}
		if body == nil || moreDiags.HasErrors() {
			continue
		}
		w := walker{file: name}
		if r := w.recipe(body); r != nil {
			p.Recipes = append(p.Recipes, r)
		}
		diags = append(diags, w.diags...)
	}
	slices.SortStableFunc(p.Recipes, func(a, b *Recipe) int { return strings.Compare(a.Name, b.Name) })
	diag.Sort(diags)
	return p, diags
}

// ParseFile parses one file as HCL, guarded, and looks no further. The body is nil where the file was not fit for the
// parser; where there are other errors it is incomplete.
func ParseFile(src []byte, name string) (*hclsyntax.Body, hcl.Diagnostics) {
	if diags := Guard(src, name); diags.HasErrors() {
		return nil, diags
	}
	file, hclDiags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	body, _ := file.Body.(*hclsyntax.Body)
	return body, mend(hclDiags, src, name)
}

// walker goes through the blocks of one file.
type walker struct {
	file  string
	diags hcl.Diagnostics
}

func (w *walker) report(code diag.Code, rng hcl.Range, format string, args ...any) {
	w.diags = append(w.diags, diag.New(code, rng, fmt.Sprintf(format, args...)))
}

// in runs f and gives what it reports a context.
func (w *walker) in(context string, f func()) {
	before := len(w.diags)
	f()
	diag.In(context, w.diags[before:])
}

func (w *walker) recipe(body *hclsyntax.Body) *Recipe {
	r := &Recipe{Name: strings.TrimSuffix(w.file, fileEnding), Filename: w.file}
	starts := false // something is there that would start it, mistaken or not
	for _, attr := range sortedAttrs(body) {
		w.looseArg(attr, recipeBlocks())
	}
	for _, block := range body.Blocks {
		w.in(contextOf(block, recipeBlocks()), func() {
			switch block.Type {
			case "recipe":
				w.settings(r, block)
			case "trigger":
				starts = true
				if t := w.trigger(block); t != nil {
					r.Triggers = append(r.Triggers, t)
				}
			case "action", "filter", "switch", "wait":
				if s := w.step(block); s != nil {
					r.Steps = append(r.Steps, s)
				}
			case "on_error":
				r.OnError = w.onError(block, r.OnError)
			case "output":
				r.Output = w.output(block, r.Output)
			case "on_alert":
				w.report(diag.WrongPlace, block.DefRange(), "Alerts are not about one recipe: on_alert stands in %s at the root of the project. Move the block there.", ConfigFile)
			case "locals":
				r.Locals = append(r.Locals, w.locals(block)...)
			case "variable":
				if v := w.variable(block); v != nil {
					r.Variables = append(r.Variables, v)
				}
			case "connection":
				starts = true // the file is in the wrong place rather than without a trigger
				w.report(diag.WrongPlace, block.DefRange(), "Connections are shared by all recipes and stand in %s at the root of the project. Move the block there.", ConfigFile)
			case "retry":
				w.report(diag.WrongPlace, block.DefRange(), "A retry block stands inside the action that it is about.")
			case "case", "default":
				w.report(diag.WrongPlace, block.DefRange(), "A %s block stands inside a switch.", block.Type)
			default:
				starts = starts || block.Type == "sync" || synonym(block.Type) == "trigger" || diag.Suggest(block.Type, recipeBlocks()) == "trigger"
				w.strangeBlock(block, recipeBlocks(), "A recipe is made of the blocks recipe, trigger, filter, action, wait, switch, on_error, output, locals and variable.")
			}
		})
	}
	if !starts {
		w.report(diag.NotARecipe, wholeFile(w.file), "%s", notARecipe(w.file, body))
	}
	if len(r.Triggers) == 0 {
		return nil
	}
	return r
}

func notARecipe(file string, body *hclsyntax.Body) string {
	const expected = "Every .hcl file of a project is a recipe and says with a trigger block what starts it, for example: trigger \"stripe_charge_failed\" {}."
	switch {
	case strings.HasSuffix(file, "/"+ConfigFile):
		return "Only the " + ConfigFile + " at the root of the project holds what recipes share. " + expected
	case len(body.Blocks) == 0 && len(body.Attributes) == 0:
		return "The file holds nothing. " + expected
	}
	return "The file holds no trigger. " + expected + " What recipes share stands in " + ConfigFile + "."
}

func (w *walker) config(body *hclsyntax.Body) *Config {
	c := &Config{}
	if body == nil {
		return c
	}
	for _, attr := range sortedAttrs(body) {
		w.looseArg(attr, configBlocks())
	}
	for _, block := range body.Blocks {
		w.in(contextOf(block, configBlocks()), func() {
			switch block.Type {
			case "connection":
				if conn := w.connection(block); conn != nil {
					c.Connections = append(c.Connections, conn)
				}
			case "locals":
				c.Locals = append(c.Locals, w.locals(block)...)
			case "variable":
				if v := w.variable(block); v != nil {
					c.Variables = append(c.Variables, v)
				}
			case "on_error":
				c.OnError = w.onError(block, c.OnError)
			case "on_alert":
				c.OnAlert = w.onError(block, c.OnAlert)
			case "recipe", "trigger", "filter", "action", "wait", "switch", "output", "sync":
				w.report(diag.WrongPlace, block.DefRange(), "%s holds what recipes share and can't itself do anything. Move the %s block to a file of its own, such as recipes/example.hcl.", ConfigFile, block.Type)
			default:
				w.strangeBlock(block, configBlocks(), ConfigFile+" is made of the blocks connection, variable, locals, on_error and on_alert.")
			}
		})
	}
	return c
}

// strangeBlock reports a block that may not stand at the top of a file.
func (w *walker) strangeBlock(block *hclsyntax.Block, known []string, made string) {
	if slices.Contains(reservedBlocks(), block.Type) {
		w.report(diag.UnexpectedBlock, block.DefRange(), "%q is a word that the language reserves: it means nothing yet. %s", block.Type, made)
		return
	}
	if slices.Contains(controlBlocks(), block.Type) {
		w.report(diag.WrongPlace, block.DefRange(), "A %s block stands inside the recipe block.", block.Type)
		return
	}
	meant := synonym(block.Type)
	if meant == "" {
		meant = diag.Suggest(block.Type, append(known, append(recipeBlocks(), configBlocks()...)...))
	}
	hint, replacement := "", ""
	switch {
	case meant == "":
	case slices.Contains(known, meant):
		hint, replacement = fmt.Sprintf(" Did you mean %q?", meant), meant
	default:
		hint = fmt.Sprintf(" Did you mean %q? It stands in %s.", meant, homeOf(meant))
	}
	w.unexpected(diag.UnexpectedBlock, block.TypeRange, fmt.Sprintf("There is no block %q.%s %s", block.Type, hint, made), replacement)
}

func homeOf(block string) string {
	if block == "connection" || block == "on_alert" {
		return ConfigFile
	}
	return "a recipe's file"
}

// unexpected reports a range with what should take its place, where that is known.
func (w *walker) unexpected(code diag.Code, rng hcl.Range, detail, replacement string) {
	d := diag.New(code, rng, detail)
	d.Extra = diag.Meta{Code: code, Replacement: replacement}
	w.diags = append(w.diags, d)
}

// looseArg reports an argument that stands outside any block.
func (w *walker) looseArg(attr *hclsyntax.Attribute, known []string) {
	if slices.Contains(known, attr.Name) {
		w.report(diag.UnexpectedArg, attr.NameRange, "%q is a block: write %s { … } without an equals sign.", attr.Name, attr.Name)
		return
	}
	w.report(diag.UnexpectedArg, attr.NameRange, "The argument %q stands outside any block. Arguments belong between the braces of a block; values with names belong in locals { … }.", attr.Name)
}

// contextOf names a block that is known for the messages about what it holds.
func contextOf(block *hclsyntax.Block, known []string) string {
	if !slices.Contains(known, block.Type) {
		return ""
	}
	return "in " + header(block)
}

// header is a block's beginning in the author's words, for messages.
func header(block *hclsyntax.Block) string {
	var b strings.Builder
	b.WriteString(block.Type)
	for i, label := range block.Labels {
		if i == 3 {
			b.WriteString(" …")
			break
		}
		if len(label) > 80 {
			label = strings.ToValidUTF8(label[:80], "") + "…"
		}
		fmt.Fprintf(&b, " %q", label)
	}
	return b.String()
}

func sortedAttrs(body *hclsyntax.Body) []*hclsyntax.Attribute {
	return slices.SortedFunc(maps.Values(body.Attributes), func(a, b *hclsyntax.Attribute) int {
		return a.NameRange.Start.Byte - b.NameRange.Start.Byte
	})
}
