package eval

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// What one evaluation, with the locals it reads, may take.
const (
	maxSteps      = 100_000
	maxValueBytes = 1 << 20  // of any one value
	maxMadeBytes  = 8 << 20  // of all values made on the way
	maxReadBytes  = 32 << 20 // of all values handed to functions and comparisons
)

// budget is what is left to one evaluation. It is found through a variable of the root context, since an expression
// is given nothing else; the variable's name can't be written in a recipe.
type budget struct {
	steps, made, read int
	over              string // which bound was passed, empty for none
	maxSteps          int
}

const budgetVariable = "\x00the budget of this evaluation\x00"

// budgetType is what the variable holds. It has no state.
var budgetType = cty.Capsule("evaluation budget", reflect.TypeFor[budget]())

func newBudget() *budget {
	b := &budget{maxSteps: maxSteps}
	b.reset()
	return b
}

func (b *budget) reset() {
	b.steps, b.made, b.read, b.over = b.maxSteps, maxMadeBytes, maxReadBytes, ""
}

// budgetOf returns the budget that ctx is evaluated under, or nil.
func budgetOf(ctx *hcl.EvalContext) *budget {
	for ; ctx != nil; ctx = ctx.Parent() {
		if v, ok := ctx.Variables[budgetVariable]; ok {
			return v.EncapsulatedValue().(*budget)
		}
	}
	return nil
}

func (b *budget) step() {
	if b.steps--; b.steps < 0 && b.over == "" {
		b.over = fmt.Sprintf("more than %d steps", b.maxSteps)
	}
}

// make charges for a value that was made, and returns its fault.
func (b *budget) make(v cty.Value) sizeFault {
	n, fault := sizeOf(v, min(maxValueBytes, b.made))
	b.made -= n
	b.tooLarge(n)
	if b.made < 0 && b.over == "" {
		b.over = fmt.Sprintf("more than %d MiB of values", maxMadeBytes>>20)
	}
	return fault
}

// use charges for a value that is about to be read from end to end, times weight, and returns its fault.
func (b *budget) use(v cty.Value, weight int) sizeFault {
	n, fault := sizeOf(v, min(maxValueBytes, b.read))
	b.read -= n * weight
	b.tooLarge(n)
	if b.read < 0 && b.over == "" {
		b.over = fmt.Sprintf("more than %d MiB of values to be read", maxReadBytes>>20)
	}
	return fault
}

func (b *budget) tooLarge(n int) {
	if n > maxValueBytes && b.over == "" {
		b.over = fmt.Sprintf("a value of more than %d MiB", maxValueBytes>>20)
	}
}

const (
	summaryTooMuch = "Expression takes too much"
	summaryNumber  = "Number out of range"
)

// diags says that the budget is used up.
func (b *budget) diags(at hcl.Range) hcl.Diagnostics {
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  summaryTooMuch,
		Detail:   "Evaluating it would take " + b.over + ", which is not allowed.",
		Subject:  &at,
	}}
}
