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
	// ReadFile reads a fixture by its path in the project; nil where tests can't read any.
	ReadFile func(name string) ([]byte, error)

	cat     schema.Catalog
	funcs   []eval.Func
	files   map[string]*file
	session *check.Session
	config  *syntax.Config // where there is no flowrun.hcl
}

// file is one text and what the parser makes of it, once somebody asks.
type file struct {
	name string
	text []byte

	parsed bool
	recipe *syntax.Recipe // nil where the text is none
	config *syntax.Config // of flowrun.hcl
	diags  hcl.Diagnostics

	outlined bool
	body     *hclsyntax.Body // incomplete where there are errors, nil where there is nothing

	named    bool
	mentions []mention

	judged *judged // of a file of tests

	guarded, fit bool // for the lexer and the parser
}

// parse reads the text as a recipe or as flowrun.hcl. A file of tests is neither.
func (f *file) parse() *file {
	if f.parsed {
		return f
	}
	f.parsed = true
	if syntax.IsTest(f.name) {
		return f // see judge
	}
	p, diags := syntax.Parse(map[string][]byte{f.name: f.text})
	f.diags = diags
	if f.name == syntax.ConfigFile {
		f.config = p.Config
	}
	if len(p.Recipes) > 0 {
		f.recipe = p.Recipes[0]
	}
	return f
}

// blocks returns what the parser makes of the text, or nil.
func (f *file) blocks() *hclsyntax.Body {
	if !f.outlined {
		f.outlined = true
		f.body, _ = syntax.ParseFile(f.text, f.name)
	}
	return f.body
}

// unsafe reports whether the text is not fit for the lexer and the parser. One that is only broken is.
func (f *file) unsafe() bool {
	if !f.guarded {
		f.guarded, f.fit = true, true
		for _, d := range syntax.Guard(f.text, f.name) {
			if m, _ := diag.MetaOf(d); m.Code == diag.TooDeep || m.Code == diag.FileTooLarge {
				f.fit = false
			}
		}
	}
	return !f.fit
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
	w.files[name] = &file{name: name, text: text}
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
		p.Config = f.parse().config
		p.Files[syntax.ConfigFile] = f.text
	}
	return p
}

// project puts all files together.
func (w *Workspace) project() *syntax.Project {
	p := w.shared()
	for name, f := range w.files {
		if syntax.IsTest(name) {
			continue
		}
		p.Files[name] = f.text
		if f.parse().recipe != nil {
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
		if !syntax.IsTest(name) {
			continue
		}
		if !f.judged.current(w) {
			if stop() {
				return nil, false
			}
			w.judge(f)
		}
		if f.judged != nil && len(f.judged.diags) > 0 {
			all[name] = slices.Clone(f.judged.diags)
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

// probe checks a text of a file aside, with the hole filled, and returns what is known at a byte of it. The text is
// mended where it has to be.
func (w *Workspace) probe(name string, text []byte, h hole, at int) *probe {
	out := &probe{text: h.filled(text)}
	parsed, _ := syntax.Parse(map[string][]byte{name: out.text})
	if len(parsed.Recipes) == 0 { // it may have errors
		out.text = repair(name, text, h)
		parsed, _ = syntax.Parse(map[string][]byte{name: out.text})
	}
	p := w.shared()
	p.Recipes = parsed.Recipes
	p.Files[name] = out.text
	if name == syntax.ConfigFile {
		p.Config = parsed.Config
	}
	if len(parsed.Recipes) > 0 {
		out.recipe = parsed.Recipes[0]
	}
	out.Place = w.session.Probe(p, name, at)
	return out
}

// probe is what is known at a place of a text.
type probe struct {
	*check.Place
	text   []byte         // as it was read
	recipe *syntax.Recipe // nil where it is none
}
