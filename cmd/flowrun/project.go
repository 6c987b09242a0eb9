package main

// A folder of recipes, from the disk to a program with its values. Every command that compiles goes through here.

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
)

// maxVariables is the largest file of variables, in bytes: HCL's parser recurses as deep as its input goes.
const maxVariables = 256 << 10

// project is a compiled folder.
type project struct {
	shown   string // the folder as the user wrote it
	dir     string
	program *lang.Program // nil where it could not even be read
	diags   hcl.Diagnostics
}

// compile reads and checks a folder.
func compile(shown, dir string, registry *connectors.Registry) *project {
	p := &project{shown: shown, dir: dir}
	p.program, p.diags = lang.Compile(os.DirFS(dir), registry)
	diag.Sort(p.diags)
	return p
}

// files returns what diagnostics quote.
func (p *project) files() map[string][]byte {
	if p.program == nil {
		return nil
	}
	return p.program.Files()
}

// inputs returns where the program's values come from.
func (p *project) inputs(env func(string) (string, bool), vars map[string]string) lang.Inputs {
	return lang.Inputs{
		Env:  env,
		Vars: vars,
		ReadFile: func(name string) ([]byte, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(p.dir, name)
			}
			return os.ReadFile(name)
		},
	}
}

// printDiags writes diagnostics for people.
func (m *Main) printDiags(w io.Writer, diags hcl.Diagnostics, files map[string][]byte) error {
	return writeDiags(w, diags, files, m.color(w))
}

func writeDiags(w io.Writer, diags hcl.Diagnostics, files map[string][]byte, color bool) error {
	if len(diags) == 0 {
		return nil
	}
	if err := diag.WriteText(w, diags, files, diag.TextOptions{Color: color}); err != nil {
		return fmt.Errorf("printing the problems: %w", err)
	}
	return nil
}

// variables reads -var-file and -var, the later before the earlier, -var before all files.
func (m *Main) variables(files, pairs []string) (map[string]string, error) {
	vars := map[string]string{}
	for _, name := range files {
		raw, err := os.ReadFile(m.path(name))
		if err != nil {
			return nil, fmt.Errorf("reading variables from %s: %w", name, cause(err))
		}
		if len(raw) > maxVariables {
			return nil, usagef("%s has more than the %d KiB that a file of variables may have", name, maxVariables>>10)
		}
		if err := parseVariables(vars, name, raw); err != nil {
			return nil, err
		}
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || !hclsyntax.ValidIdentifier(name) {
			return nil, usagef("-var %q: write name=value", pair)
		}
		vars[name] = value
	}
	return vars, nil
}

// parseVariables reads a file of variables: HCL arguments with constant values, or lines KEY=VALUE as other tools write
// them. A file that is both, such as count=5, means the same either way.
func parseVariables(vars map[string]string, name string, raw []byte) error {
	if fromHCL(vars, name, raw) {
		return nil
	}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || !hclsyntax.ValidIdentifier(key) {
			return usagef("%s line %d: write name = value", name, i+1)
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		}
		vars[key] = value
	}
	return nil
}

func fromHCL(vars map[string]string, name string, raw []byte) bool {
	file, diags := hclsyntax.ParseConfig(raw, name, hcl.InitialPos)
	if diags.HasErrors() {
		return false
	}
	attrs, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		return false
	}
	found := map[string]string{}
	for key, attr := range attrs {
		v, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			return false
		}
		if v.Type() == cty.String && !v.IsNull() {
			found[key] = v.AsString()
			continue
		}
		found[key] = string(attr.Expr.Range().SliceBytes(raw))
	}
	for key, value := range found {
		vars[key] = value
	}
	return true
}

// checkVariables refuses names that no variable has: a mistyped -var would otherwise be silently without effect.
func (p *project) checkVariables(vars map[string]string) error {
	var known []string
	for _, v := range p.program.Variables() {
		known = append(known, v.Name)
	}
	var names []string
	for name := range vars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return usagef("there is no variable %q to be set.%s", name, diag.DidYouMean(name, known))
		}
	}
	return nil
}

// plural returns "1 recipe", "2 recipes".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
