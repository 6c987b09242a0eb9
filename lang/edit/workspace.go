package edit

// A workspace holds the texts as they are in the editor, parsed, and knows of each what changed.

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Workspace is a project that is being edited. It is not safe for concurrent use.
type Workspace struct {
	cat     schema.Catalog
	funcs   []eval.Func
	files   map[string]*file
	session *check.Session
	config  *syntax.Config // where there is no flowrun.hcl
}

// file is one text and what the parser makes of it.
type file struct {
	text   []byte
	body   *hclsyntax.Body // incomplete where there are errors, nil where there is nothing
	recipe *syntax.Recipe  // nil where the text is none
	config *syntax.Config  // of flowrun.hcl
	diags  hcl.Diagnostics
}

// NewWorkspace returns an empty workspace whose recipes name what the catalogue has.
func NewWorkspace(cat schema.Catalog) *Workspace {
	return &Workspace{cat: cat, funcs: eval.Functions(), files: map[string]*file{}, session: check.NewSession(cat), config: &syntax.Config{}}
}

// Set gives a file, by its slash-separated path in the folder, a text. The workspace keeps the text.
func (w *Workspace) Set(name string, text []byte) {
	if old := w.files[name]; old != nil && string(old.text) == string(text) {
		return
	}
	f := &file{text: text}
	f.body, _ = syntax.ParseFile(text, name)
	p, diags := syntax.Parse(map[string][]byte{name: text})
	f.diags = diags
	if name == syntax.ConfigFile {
		f.config = p.Config
	}
	if len(p.Recipes) > 0 {
		f.recipe = p.Recipes[0]
	}
	w.files[name] = f
}

// Remove forgets a file.
func (w *Workspace) Remove(name string) { delete(w.files, name) }

// Text returns the text of a file; ok is false where there is no such file.
func (w *Workspace) Text(name string) (text []byte, ok bool) {
	f := w.files[name]
	if f == nil {
		return nil, false
	}
	return f.text, true
}

// Files returns the names of all files, sorted.
func (w *Workspace) Files() []string { return slices.Sorted(maps.Keys(w.files)) }

// shared returns flowrun.hcl as a project without recipes.
func (w *Workspace) shared() *syntax.Project {
	p := &syntax.Project{Config: w.config, Files: map[string][]byte{}}
	if f := w.files[syntax.ConfigFile]; f != nil {
		p.Config = f.config
		p.Files[syntax.ConfigFile] = f.text
	}
	return p
}

// project puts all files together.
func (w *Workspace) project() *syntax.Project {
	p := w.shared()
	for name, f := range w.files {
		p.Files[name] = f.text
		if f.recipe != nil {
			p.Recipes = append(p.Recipes, f.recipe)
		}
	}
	slices.SortFunc(p.Recipes, func(a, b *syntax.Recipe) int { return strings.Compare(a.Name, b.Name) })
	return p
}

// Diagnostics returns what is wrong with the project, by file and sorted. Work that was done before is not done again.
// Between recipes it asks whether to stop; then done is false, and the next call goes on from there.
func (w *Workspace) Diagnostics(stop func() bool) (all map[string]hcl.Diagnostics, done bool) {
	diags, done := w.session.Check(w.project(), stop)
	if !done {
		return nil, false
	}
	all = map[string]hcl.Diagnostics{}
	for name, f := range w.files {
		if len(f.diags) > 0 {
			all[name] = slices.Clone(f.diags)
		}
	}
	for _, d := range diags {
		all[d.Subject.Filename] = append(all[d.Subject.Filename], d)
	}
	for _, list := range all {
		diag.Sort(list)
	}
	return all, true
}

// probe checks one text of a file aside and returns what is known at a byte of it, and its recipe.
func (w *Workspace) probe(name string, text []byte, at int) (*check.Place, *syntax.Recipe) {
	parsed, _ := syntax.Parse(map[string][]byte{name: text})
	var recipe *syntax.Recipe
	p := w.shared()
	p.Recipes = parsed.Recipes
	p.Files[name] = text
	if name == syntax.ConfigFile {
		p.Config = parsed.Config
	}
	if len(parsed.Recipes) > 0 {
		recipe = parsed.Recipes[0]
	}
	return check.Probe(p, w.cat, name, at), recipe
}
