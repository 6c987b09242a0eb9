// Package eval gives expressions their values: the functions that recipes may call, the names in reach, and the bounds
// that keep an expression from taking more time or memory than a recipe is worth.
//
// Evaluation is pure: no clock, no environment, no network, so that an event replayed through the same recipe gives
// the same requests. The package knows no trigger and no action, and checks nothing before it is evaluated.
package eval

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Mark is the type of the marks that values carry.
type Mark string

// Secret marks a value that must not be shown, nor reach a place that isn't secret.
const Secret Mark = "secret"

// Unmark returns v without marks at any depth, and whether any part of it was secret.
func Unmark(v cty.Value) (unmarked cty.Value, secret bool) {
	v, marks := v.UnmarkDeep()
	_, secret = marks[Secret]
	return v, secret
}

// Error is why an expression has no value. It quotes no value of a variable and no key of a map, so that it can be
// logged.
type Error struct {
	Range   hcl.Range
	Summary string // constant for a kind of mistake
	Detail  string // a sentence or two
}

// Error returns "file:line,col: summary; detail".
func (e *Error) Error() string {
	at := fmt.Sprintf("%s:%d,%d: ", e.Range.Filename, e.Range.Start.Line, e.Range.Start.Column)
	return at + e.Summary + "; " + e.Detail
}
