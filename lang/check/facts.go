package check

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// facts is an immutable (but for the cache of its key) set of proved statements.
type facts struct {
	nonNull map[string]bool
	minLen  map[string]int    // the list at the path has at least so many elements
	sets    map[string]values // what is not null at the path is one of these
	dead    bool              // the conditions can't all hold: nothing is said of what they guard
	text    string            // see key
}

// key is the same for equal sets.
func (f *facts) key() string {
	if f.text != "" || f.empty() {
		return f.text
	}
	var b strings.Builder
	for _, path := range keys(f.nonNull) {
		b.WriteString(path + "\n")
	}
	for _, path := range keys(f.minLen) {
		fmt.Fprintf(&b, "%s %d\n", path, f.minLen[path])
	}
	for _, path := range keys(f.sets) {
		set := f.sets[path]
		if set.text == "" {
			set.text = " " + set.key() + "\n"
			f.sets[path] = set
		}
		b.WriteString(path)
		b.WriteString(set.text)
	}
	if f.dead {
		b.WriteString("dead")
	}
	f.text = b.String()
	return f.text
}

var noFacts = &facts{}

func (f *facts) empty() bool {
	return len(f.nonNull) == 0 && len(f.minLen) == 0 && len(f.sets) == 0 && !f.dead
}

// and returns what holds where both sets hold.
func (f *facts) and(g *facts) *facts {
	if g.empty() {
		return f
	}
	if f.empty() {
		return g
	}
	out := &facts{nonNull: map[string]bool{}, minLen: map[string]int{}, sets: map[string]values{}, dead: f.dead || g.dead}
	for _, src := range []*facts{f, g} {
		for path := range src.nonNull {
			out.nonNull[path] = true
		}
		for path, n := range src.minLen {
			out.minLen[path] = max(n, out.minLen[path])
		}
		for path, set := range src.sets {
			if before, ok := out.sets[path]; ok {
				if set = before.and(set); set.size() > mostParts {
					set = before // facts may say less than they could
				}
			}
			out.sets[path] = set
		}
	}
	return out
}

// mostParts bounds what is known of one place, so that many conditions on it take no more than their own time. It is
// more than any vendor's enum has values.
const mostParts = 256

// or returns what holds where one of the sets holds, it is not known which.
func (f *facts) or(g *facts) *facts {
	if f.dead {
		return g
	}
	if g.dead {
		return f
	}
	out := &facts{nonNull: map[string]bool{}, minLen: map[string]int{}, sets: map[string]values{}}
	for path := range f.nonNull {
		if g.nonNull[path] {
			out.nonNull[path] = true
		}
	}
	for path, n := range f.minLen {
		if m := min(n, g.minLen[path]); m > 0 {
			out.minLen[path] = m
		}
	}
	for path, set := range f.sets {
		if other, ok := g.sets[path]; ok {
			out.sets[path] = set.or(other)
		}
	}
	return out
}

// among is the fact that what is not null at a path is in the set, or is not.
func among(path string, set values, in bool) *facts {
	if !in {
		set = set.but()
	}
	return &facts{sets: map[string]values{path: set}}
}

// possible returns those of an enum's values that the place of x may have where what has been proved holds.
func (e env) possible(x hclsyntax.Expression, enum []string) []string {
	path, ok := e.pathOf(x)
	set, narrowed := e.facts.sets[path]
	if !ok || !narrowed {
		return enum
	}
	var out []string
	for _, s := range enum {
		if !set.and(word(s)).empty() {
			out = append(out, s)
		}
	}
	return out
}

func proves(path string) *facts { return &facts{nonNull: map[string]bool{path: true}} }
