package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// checker is what one Check shares between all recipes.
type checker struct {
	cat    schema.Catalog
	files  map[string][]byte
	funcs  map[string]function.Function
	names  []string                      // of the functions
	soft   map[hclsyntax.Expression]bool // reads that may find no element: null then, see soften.go
	loopID int
	probe  *Place // watches; nil where nobody looks

	secrets map[*schema.Object]bool // whether values of an object hold a secret

	callees map[string]*callee // the recipes that have been checked, as those see them that call them
	parsed  map[string]bool    // names of the recipes whose file is valid

	personal map[*schema.Object]bool // whether objects hold data of a person
}

// scope is what a recipe's expressions can name, for one of its triggers; or what the project's own can, where variant
// is nil.
type scope struct {
	variant    *Trigger // nil outside recipes
	incomplete bool     // flowrun.hcl is broken: names of the project are not known
	event      *schema.Object
	failure    *schema.Object // the shape of error
	shared     bool           // of the project's on_error, which has no trigger
	prev       *schema.Object // nil where `previous` is not there

	locals  map[string]*local
	steps   map[string]*step
	waits   map[string]*step
	vars    map[string]*Variable
	varInfo map[*Variable]info

	busy map[*local]bool
	memo map[memoKey]info
	told map[assumeKey]*facts // what locals prove
	rep  *reporter

	proofs map[proofKey]*facts // what conditions prove

	collections map[*step]info // what each for_each goes through

	looks int // how many expressions have been looked at
}

// mostLooks bounds the work on one recipe. A recipe of a thousand lines takes a tenth of it; beyond it are texts that
// nest conditions in conditions to make the checker work.
const mostLooks = 300_000

// spent counts one more step and reports whether there were too many.
func (e *env) spent() bool {
	e.sc.looks++
	return e.sc.looks > mostLooks
}

type memoKey struct {
	local *local
	facts string // what was proved where it is read
	quiet bool
	mute  bool
	in    *body // where it is read
}

type proofKey struct {
	x     hclsyntax.Expression
	truth bool
	facts *facts
	inner int
	in    *body
}

type assumeKey struct {
	local *local
	truth bool
	in    *body
}

// local is a local before it is known in which order locals stand.
type local struct {
	Name    string
	Expr    hclsyntax.Expression
	Range   hcl.Range
	project bool
	used    bool
	broken  bool // part of a cycle
	bound   hclsyntax.Expression
}

// loopVar is a name that a for expression binds.
type loopVar struct {
	info info
	id   string // names it among places
}

// env is where an expression stands: the names in reach and what has been proved. It is passed by value and never
// changed.
type env struct {
	c     *checker
	sc    *scope
	facts *facts
	loop  map[string]loopVar
	anon  []loopVar // what a splat stands on
	quiet bool      // within try and can: a null or a missing element is what they are for
	mute  bool      // nothing is reported
	inner int       // tells places within different for expressions and splats apart
	times int       // how often the surrounding loops over constants repeat this place; 0 is once
	world bool      // in connection and variable blocks, where env() and file() may be called

	in       *body    // nil where it is nowhere in particular
	local    bool     // in a local, wherever that is read
	each     *element // in a step with for_each
	incoming *nodeSrc // in the match of this wait
	deciding *nodeSrc // in what this switch is on
}

// reporter collects diagnostics, each mistake once.
type reporter struct {
	diags hcl.Diagnostics
	seen  map[reportKey]bool
	dead  []hcl.Range // what can't be reached for the trigger it reports on
}

type reportKey struct {
	code diag.Code
	rng  hcl.Range
}

func newReporter() *reporter { return &reporter{seen: map[reportKey]bool{}} }

// passesOver reports whether the place can't be reached, so that nothing is said of it.
func (r *reporter) passesOver(rng hcl.Range) bool {
	return slices.ContainsFunc(r.dead, func(d hcl.Range) bool {
		return d.Filename == rng.Filename && d.Start.Byte <= rng.Start.Byte && rng.End.Byte <= d.End.Byte
	})
}

func (r *reporter) add(d *hcl.Diagnostic) {
	m, _ := diag.MetaOf(d)
	key := reportKey{code: m.Code, rng: *d.Subject}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.diags = append(r.diags, d)
}

func (e env) report(code diag.Code, rng hcl.Range, format string, args ...any) info {
	return e.reportFix(code, rng, "", format, args...)
}

// reportFix also says what text mends the mistake in place of the range.
func (e env) reportFix(code diag.Code, rng hcl.Range, fix, format string, args ...any) info {
	if e.mute || e.facts.dead {
		return mistake()
	}
	d := diag.New(code, rng, e.sentence(fmt.Sprintf(format, args...), format[0] == '%'))
	if fix != "" {
		m, _ := diag.MetaOf(d)
		m.Replacement = fix
		d.Extra = m
	}
	e.sc.rep.add(d)
	return mistake()
}

// sentence begins with a capital letter, unless it begins with text of the recipe or a name of the language.
func (e env) sentence(text string, quotes bool) string {
	word, _, _ := strings.Cut(text, " ")
	if quotes && word != "text" && word != "a" && word != "an" && word != "the" {
		return text
	}
	if word == "" || word[0] < 'a' || word[0] > 'z' || strings.ContainsAny(word, "_.()") || slices.Contains([]string{"alert", "each", "error", "for", "incoming", "previous"}, word) {
		return text
	}
	if e.c != nil {
		if _, ok := e.c.funcs[word]; ok {
			return text
		}
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// unknown reports a name that is not among the candidates.
func (e env) unknown(code diag.Code, rng hcl.Range, name string, candidates []string, format string, args ...any) info {
	if e.c != nil && e.c.probe != nil {
		e.c.probe.allow(rng, candidates)
	}
	fix := diag.Suggest(name, candidates)
	text := e.sentence(fmt.Sprintf(format, args...), format[0] == '%')
	return e.reportFix(code, rng, fix, "%s%s", text, diag.DidYouMean(name, candidates))
}

// given returns the place with more facts proved.
func (e env) given(f *facts) env {
	e.facts = e.facts.and(f)
	return e
}

func (e env) silent() env {
	e.mute = true
	return e
}

func (e env) lenient() env {
	e.quiet = true
	return e
}

// plain is where the recipe's locals stand: no loop variable is in reach. What has been proved holds within them, too:
// a local is evaluated as if its expression were written in its place.
func (e env) plain() *env {
	e.loop, e.anon, e.inner = nil, nil, 0
	e.each, e.incoming, e.local = nil, nil, true
	return &e
}

// bind returns the place within a for expression.
func (e env) bind(name string, i info) env {
	loop := make(map[string]loopVar, len(e.loop)+1)
	for k, v := range e.loop {
		loop[k] = v
	}
	e.c.loopID++
	loop[name] = loopVar{info: i, id: fmt.Sprintf("%s#%d", name, e.c.loopID)}
	e.loop, e.inner = loop, e.c.loopID
	return e
}

// standOn returns the place within a splat.
func (e env) standOn(i info) env {
	e.c.loopID++
	e.inner = e.c.loopID
	e.anon = append(append([]loopVar(nil), e.anon...), loopVar{info: i, id: fmt.Sprintf("*#%d", e.c.loopID)})
	return e
}

// source returns the text of an expression for a message, shortened where it is long.
func (e env) source(rng hcl.Range) string {
	src := e.c.files[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte >= rng.End.Byte {
		return "this value"
	}
	text := string(src[rng.Start.Byte:rng.End.Byte])
	if len(text) > 60 || strings.ContainsAny(text, "\n\r") {
		return "this value"
	}
	return text
}

// null reports a value that may be null where need says what is wanted of it: `"customer" needs a string`.
func (e env) null(x hclsyntax.Expression, i info, need string) {
	if i.bad || e.quiet {
		return
	}
	rng := x.Range()
	src := e.source(rng)
	what := i.describe()
	if i.why != "" {
		what += " " + i.why
	}
	if i.isNull {
		e.report(diag.MayBeNull, rng, "%s; %s is null. Give a value.", need, src)
		return
	}
	mend := "Guard it, or give a value with coalesce(…)."
	if src != "this value" {
		mend = fmt.Sprintf("%s, or give a value: coalesce(%s, …).", e.guard(x, src), src)
	}
	e.report(diag.MayBeNull, rng, "%s; %s is %s.\n%s", need, src, what, mend)
}

// guard says how a value can be kept from being null.
func (e env) guard(x hclsyntax.Expression, src string) string {
	if path, ok := e.pathOf(x); ok {
		if root, _, _ := strings.Cut(path, "."); strings.Contains(root, "#") {
			return fmt.Sprintf("Leave such elements out (if %s != null at the end of for)", src)
		}
		return fmt.Sprintf("Guard it with a filter above (%s != null)", src)
	}
	return fmt.Sprintf("Guard it (%s != null)", src)
}

// ordinal writes 1 as "first", for arguments.
func ordinal(n int) string {
	words := [...]string{"first", "second", "third", "fourth", "fifth"}
	if n <= len(words) {
		return words[n-1]
	}
	return fmt.Sprintf("%dth", n)
}

func quoteList(names []string) string {
	const most = 8
	quoted := make([]string, 0, most)
	for i, n := range names {
		if i == most {
			quoted = append(quoted, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		quoted = append(quoted, fmt.Sprintf("%q", n))
	}
	return strings.Join(quoted, ", ")
}
