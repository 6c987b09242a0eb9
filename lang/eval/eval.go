// Package eval gives expressions their values: the functions that recipes may call, the names in reach, and the bounds
// that keep an expression from taking more time or memory than a recipe is worth.
//
// Evaluation is pure: no clock, no environment, no network, so that an event replayed through the same recipe gives
// the same requests. The package knows no trigger and no action, and checks nothing before it is evaluated.
package eval

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Func is one function of the language.
type Func struct {
	Name    string
	Doc     string // one sentence
	Example string // `upper("a")` and its result, as JSON or HCL: `upper("a") → "A"`
	Impl    function.Function
}

// Functions returns all functions, sorted by name.
func Functions() []Func { return nil }

// Table returns all functions by name, as an hcl.EvalContext wants them. It is built at each call; callers keep it.
func Table() map[string]function.Function {
	table := map[string]function.Function{}
	for _, f := range Functions() {
		table[f.Name] = f.Impl
	}
	return table
}

// Bound returns an expression that has the value of e but charges its evaluation to a budget.
func Bound(e hclsyntax.Expression) hclsyntax.Expression { return e }

// Local is a named expression.
type Local struct {
	Name string
	Expr hcl.Expression
}

// Scope holds the names in reach and their values.
type Scope struct{}

// NewScope returns a scope with those functions and locals.
func NewScope(funcs map[string]function.Function, locals []Local) *Scope { return &Scope{} }

// Set gives a root name (trigger, previous, event, run, var, error) its value.
func (s *Scope) Set(root string, v cty.Value) {}

// SetAction gives action.NAME its value.
func (s *Scope) SetAction(name string, v cty.Value) {}

// Value evaluates e.
func (s *Scope) Value(e hcl.Expression) (cty.Value, error) { return cty.NilVal, nil }

// Error is why an expression has no value. It quotes no value of a variable.
type Error struct {
	Range   hcl.Range
	Summary string // constant for a kind of mistake
	Detail  string
}

func (e *Error) Error() string { return e.Range.String() + ": " + e.Summary + "; " + e.Detail }

// Mark is the type of the marks that values carry.
type Mark string

// Secret marks a value that must not be shown, nor reach a place that isn't secret.
const Secret Mark = "secret"

// Unmark returns v without marks at any depth, and whether any part of it was secret.
func Unmark(v cty.Value) (cty.Value, bool) {
	v, marks := v.UnmarkDeep()
	_, secret := marks[Secret]
	return v, secret
}
