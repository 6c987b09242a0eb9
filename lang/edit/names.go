package edit

// Names that authors give: steps, locals, variables, connections. They are found in the parser's blocks and expressions
// and not in the checker's, since editors ask in files that are wrong, too.

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/syntax"
)

// mention is a place that has a name.
type mention struct {
	root    string // what stands before the dot: "action", "wait", "local", "var", "connection"
	name    string
	file    string
	about   string    // in a test: the file of the recipe that is tested
	rng     hcl.Range // of the name, without quotes
	decl    bool
	implied bool      // the declaration gives a type and no name
	whole   hcl.Range // of a declaration: the block or the local
}

// rootOf returns what stands before the dot where the name of a block is read, or "".
func rootOf(block string) string {
	switch {
	case !syntax.LabelsOf(block).Name:
		return ""
	case block == "variable":
		return "var"
	}
	return block
}

// mentions returns all names of a file, in the order of the text.
func (w *Workspace) mentions(file string) []mention {
	f := w.files[file]
	if f == nil || f.blocks() == nil {
		return nil
	}
	if f.named {
		return f.mentions
	}
	if syntax.IsTest(file) {
		f.named, f.mentions = true, testMentions(f)
		return f.mentions
	}
	var out []mention
	var visit func(*hclsyntax.Body)
	visit = func(body *hclsyntax.Body) {
		for _, b := range body.Blocks {
			out = append(out, declared(file, f.text, b)...)
			if a := b.Body.Attributes["connection"]; a != nil && syntax.LabelsOf(b.Type).Type != "" {
				if text, ok := written(a.Expr); ok {
					out = append(out, mention{root: "connection", name: text, file: file, rng: unquoted(f.text, a.Expr.Range())})
				}
			}
			visit(b.Body)
		}
	}
	visit(f.blocks())
	// The walk has no errors of its own.
	_ = hclsyntax.VisitAll(f.blocks(), func(n hclsyntax.Node) hcl.Diagnostics {
		x, ok := n.(*hclsyntax.ScopeTraversalExpr)
		if !ok || len(x.Traversal) < 2 || !slices.Contains([]string{"action", "wait", "local", "var", "connection"}, x.Traversal.RootName()) {
			return nil
		}
		if attr, ok := x.Traversal[1].(hcl.TraverseAttr); ok {
			rng := attr.SrcRange
			rng.Start.Byte = rng.End.Byte - len(attr.Name)
			out = append(out, mention{root: x.Traversal.RootName(), name: attr.Name, file: file, rng: rng})
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b mention) int { return cmp.Compare(a.rng.Start.Byte, b.rng.Start.Byte) })
	f.named, f.mentions = true, out
	return out
}

// declared returns the names that a block declares.
func declared(file string, text []byte, b *hclsyntax.Block) []mention {
	if b.Type == "locals" {
		var out []mention
		for _, a := range b.Body.Attributes {
			out = append(out, mention{root: "local", name: a.Name, file: file, rng: a.NameRange, decl: true, whole: a.SrcRange})
		}
		return out
	}
	root, labels := rootOf(b.Type), syntax.LabelsOf(b.Type)
	n := min(len(b.Labels), labels.Most) - 1
	if root == "" || n < 0 {
		return nil
	}
	return []mention{{
		root: root, name: b.Labels[n], file: file, rng: unquoted(text, b.LabelRanges[n]), decl: true,
		implied: n == 0 && labels.Most > 1, whole: hcl.RangeBetween(b.TypeRange, b.CloseBraceRange),
	}}
}

// unquoted is the range between the quotes.
func unquoted(text []byte, rng hcl.Range) hcl.Range {
	if s, e := rng.Start.Byte, rng.End.Byte; e-s >= 2 && e <= len(text) && text[s] == '"' && text[e-1] == '"' {
		rng.Start.Byte++
		rng.End.Byte--
	}
	return rng
}

// written returns a text that is written out without parts to be filled in.
func written(x hclsyntax.Expression) (string, bool) {
	t, ok := x.(*hclsyntax.TemplateExpr)
	if !ok || !t.IsStringLiteral() {
		return "", false
	}
	v, diags := t.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// home returns the file that declares what a mention means: its own, that of the recipe it tests, or flowrun.hcl. It is
// empty where none does.
func (w *Workspace) home(m mention) string {
	for _, file := range []string{cmp.Or(m.about, m.file), syntax.ConfigFile} {
		if slices.ContainsFunc(w.mentions(file), func(d mention) bool { return d.decl && d.root == m.root && d.name == m.name }) {
			return file
		}
	}
	return ""
}

// mentionAt returns the name at a byte of a file.
func (w *Workspace) mentionAt(file string, at int) (mention, bool) {
	for _, m := range w.mentions(file) {
		if m.rng.Start.Byte <= at && at <= m.rng.End.Byte {
			return m, true
		}
	}
	return mention{}, false
}

// same returns all mentions of what m means, its declaration among them, by file and place.
func (w *Workspace) same(m mention) []mention {
	home := w.home(m)
	if home == "" {
		return nil
	}
	var out []mention
	for _, file := range w.readers(home) {
		for _, o := range w.mentions(file) {
			if o.root == m.root && o.name == m.name && w.home(o) == home {
				out = append(out, o)
			}
		}
	}
	return out
}

// readers are the files that can name what a file declares: itself and tests, or for flowrun.hcl all.
func (w *Workspace) readers(home string) []string {
	if home == syntax.ConfigFile {
		return w.Files()
	}
	out := []string{home}
	for _, file := range w.Files() {
		if syntax.IsTest(file) {
			out = append(out, file)
		}
	}
	return out
}

// Definition returns where what stands at a byte of a file is declared: a step, a local, a variable, a connection, or
// the triggers for `trigger`; in a test also the recipe, and its triggers for an event.
func (w *Workspace) Definition(file string, at int) []hcl.Range {
	m, ok := w.mentionAt(file, at)
	if !ok {
		return w.triggerBlocks(file, at)
	}
	if m.root == "recipe" || m.root == "trigger" {
		return w.declarations(m)
	}
	var out []hcl.Range
	for _, o := range w.same(m) {
		if o.decl {
			out = append(out, o.rng)
		}
	}
	return out
}

func (w *Workspace) triggerBlocks(file string, at int) []hcl.Range {
	f := w.files[file]
	if f == nil || at < 0 || at > len(f.text) || f.unsafe() || f.blocks() == nil {
		return nil
	}
	c := findCursor(file, f.text, at)
	if c.spot != inValue || c.quoted || c.member || string(f.text[c.start:c.end]) != "trigger" {
		return nil
	}
	var out []hcl.Range
	for _, b := range f.blocks().Blocks {
		if b.Type == "trigger" {
			out = append(out, b.DefRange())
		}
	}
	return out
}

// References returns where what stands at a byte of a file is read; with its declaration where that is asked for.
func (w *Workspace) References(file string, at int, declaration bool) []hcl.Range {
	m, ok := w.mentionAt(file, at)
	if !ok {
		return nil
	}
	var out []hcl.Range
	for _, o := range w.same(m) {
		if !o.decl || declaration {
			out = append(out, o.rng)
		}
	}
	return out
}

// Edit is a change of one file: Text takes the place of what is between Start and End.
type Edit struct {
	File       string
	Start, End int
	Text       string
}

// Renamable returns the range of the name at a byte of a file; ok is false where there is none that can be changed.
func (w *Workspace) Renamable(file string, at int) (rng hcl.Range, ok bool) {
	m, ok := w.mentionAt(file, at)
	return m.rng, ok && w.home(m) != ""
}

// Rename gives what stands at a byte of a file another name, everywhere. The error says, as a sentence, why it can't.
func (w *Workspace) Rename(file string, at int, name string) ([]Edit, error) {
	m, ok := w.mentionAt(file, at)
	if !ok || w.home(m) == "" {
		return nil, fmt.Errorf("there is no step, local, variable or connection here")
	}
	if !hclsyntax.ValidIdentifier(name) {
		return nil, fmt.Errorf("%q can't be a name: a name begins with a letter and goes on with letters, digits, \"_\" and \"-\"", name)
	}
	var edits []Edit
	home := w.home(m)
	for _, other := range w.readers(home) {
		text := w.files[other].text
		if syntax.IsTest(other) && home != syntax.ConfigFile && syntax.TestedRecipe(other)+".hcl" != home {
			continue // most likely it tests another recipe
		}
		if _, diags := syntax.ParseFile(text, other); diags.HasErrors() && bytes.Contains(text, []byte(m.name)) {
			return nil, fmt.Errorf("%s has syntax errors: mend them first", other)
		}
	}
	checked := map[string]bool{}
	for _, o := range w.same(m) {
		if !checked[o.file] {
			checked[o.file] = true
			if err := w.free(o.file, home, m.root, name); err != nil && name != m.name {
				return nil, err
			}
		}
		e := Edit{File: o.file, Start: o.rng.Start.Byte, End: o.rng.End.Byte, Text: name}
		if o.decl && o.implied {
			e = Edit{File: o.file, Start: o.rng.End.Byte + 1, End: o.rng.End.Byte + 1, Text: fmt.Sprintf(" %q", name)}
			if text := w.files[o.file].text; e.Start > len(text) || text[e.Start-1] != '"' {
				e.Start, e.End = o.rng.End.Byte, o.rng.End.Byte // the label has no quotes
			}
		}
		edits = append(edits, e)
	}
	return edits, nil
}

// free reports why a name can't be taken in a file.
func (w *Workspace) free(file, home, root, name string) error {
	for _, other := range []string{file, home, syntax.ConfigFile} {
		for _, d := range w.mentions(other) {
			if d.decl && d.root == root && d.name == name {
				return fmt.Errorf("%s.%s is there already, at %s line %d", root, name, other, d.rng.Start.Line)
			}
		}
	}
	return nil
}
