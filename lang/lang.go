// Package lang turns a folder of recipes into a Program: parsed, checked and ready to be bound to an environment and
// run. It is pure: it opens what the given file system holds and nothing else, asks a schema.Catalog what the world
// offers, and keeps no state between calls.
//
// The package does not run recipes and evaluates nothing but variables and the settings of connections.
package lang

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// formatVersion is part of every digest. It is raised when the same text comes to mean something else.
const formatVersion = "flowrun 1"

// Program is an immutable set of checked recipes: the unit of hot swap and of run pinning. It is safe for concurrent
// use.
type Program struct {
	digest string
	files  map[string][]byte
	result *check.Result
	byName map[string]*check.Recipe
}

// Compile reads, parses and checks the folder. Where the diagnostics hold an error the program, if there is one, is for
// tooling only and must not be served.
func Compile(fsys fs.FS, cat schema.Catalog) (*Program, hcl.Diagnostics) {
	files, diags := syntax.Load(fsys)
	p, more := CompileFiles(files, cat)
	return p, append(diags, more...)
}

func newProgram(files map[string][]byte, result *check.Result) *Program {
	p := &Program{digest: digest(files), files: files, result: result, byName: map[string]*check.Recipe{}}
	for _, r := range result.Recipes {
		p.byName[r.Name] = r
	}
	return p
}

// digest identifies the files: the same names and contents give the same digest in every process.
func digest(files map[string][]byte) string {
	h := sha256.New()
	put := func(b []byte) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	put([]byte(formatVersion))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		put([]byte(name))
		put(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Digest identifies the program by the names and contents of its files: 64 hexadecimal digits.
func (p *Program) Digest() string { return p.digest }

// Files returns the text the program was made of, by path in the folder. The caller must not change it.
func (p *Program) Files() map[string][]byte { return p.files }

// Recipes returns all recipes by name, disabled ones included. The caller must not change them.
func (p *Program) Recipes() []*check.Recipe { return p.result.Recipes }

// Recipe returns the recipe of that name, or nil.
func (p *Program) Recipe(name string) *check.Recipe { return p.byName[name] }

// Connections returns the connections, declared and implied, by name.
func (p *Program) Connections() []*check.Connection { return p.result.Connections }

// Variables returns the variables: the project's by name, then those of each recipe.
func (p *Program) Variables() []*check.Variable { return p.result.Variables }
