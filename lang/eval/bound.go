package eval

// hcl evaluates whatever it is given: three nested `for` over a payload's list, or seven nested replace(), are a few
// hundred bytes of recipe and gigabytes of memory, and there is no hook to stop it. Bound therefore rebuilds an
// expression with a meter around every part that can make a value larger than what is written, or that reads a value
// from end to end. A static estimate was rejected: it would have to assume the worst of every list.
//
// hcl's node types are closed to other packages, but embedding the interface in a struct promotes its unexported
// methods too, so that a meter is an expression like any other. What is embedded is the node in parentheses: a walk
// then passes through them to the node itself.

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Bound returns an expression that has the value of e but is charged for it: at most 100,000 steps, 1 MiB for one value,
// 8 MiB for all that are made and 32 MiB for all that are read on the way. Beyond that it has an error, which even try
// and can don't hide. e is not changed. Everything that hcl asks of expressions, such as hcl.AbsTraversalForExpr, can
// be asked of the result.
//
// A Scope gives one budget to each evaluation and the locals it reads; evaluated without one, each gets its own. The
// result may be evaluated concurrently in different contexts.
func Bound(e hclsyntax.Expression) hclsyntax.Expression {
	inner := rebuild(e)
	traversals := e.Variables()
	return &bounded{Expression: inParens(inner), inner: inner, traversals: traversals, needs: needsOf(traversals)}
}

// Wrapper is a node that another package puts around nodes of hclsyntax. Bound sees into it by Rewrap, which returns a
// copy of the node around rebuild of what it holds; without it, what is inside a foreign node is not charged.
type Wrapper interface {
	hclsyntax.Expression
	Rewrap(rebuild func(hclsyntax.Expression) hclsyntax.Expression) hclsyntax.Expression
}

// needs says which names of the root scope an expression reads.
type needs struct {
	roots  []string // distinct
	locals []string // distinct names below `local`
	all    bool     // `local` is read as a whole
}

func needsOf(traversals []hcl.Traversal) needs {
	var n needs
	for _, t := range traversals {
		root := t.RootName()
		if !slices.Contains(n.roots, root) {
			n.roots = append(n.roots, root)
		}
		if root != "local" {
			continue
		}
		name := ""
		if len(t) > 1 {
			switch step := t[1].(type) {
			case hcl.TraverseAttr:
				name = step.Name
			case hcl.TraverseIndex:
				if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
					name = step.Key.AsString()
				}
			}
		}
		switch {
		case name == "":
			n.all = true
		case !slices.Contains(n.locals, name):
			n.locals = append(n.locals, name)
		}
	}
	return n
}

// bounded is the outermost node: it makes the budget where there is none, has the last word on it, and remembers what
// the expression reads, so that nobody walks it at each evaluation.
type bounded struct {
	hclsyntax.Expression
	inner      hclsyntax.Expression
	traversals []hcl.Traversal
	needs      needs
}

// Variables returns what the walk over the expression found once. The caller must not change it.
func (e *bounded) Variables() []hcl.Traversal { return e.traversals }

// UnwrapExpression lets hcl's static analysis reach the node itself.
func (e *bounded) UnwrapExpression() hcl.Expression { return e.inner }

func (e *bounded) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	b := budgetOf(ctx)
	if b == nil {
		b = newBudget()
		ctx = ctx.NewChild()
		ctx.Variables = map[string]cty.Value{budgetVariable: cty.CapsuleVal(budgetType, b)}
	}
	v, diags := e.inner.Value(ctx)
	if b.over != "" {
		return cty.DynamicVal, b.diags(e.Range())
	}
	return v, diags
}

// meter charges for one node.
type meter struct {
	hclsyntax.Expression
	inner hclsyntax.Expression
	made  bool // the value is new: it counts as made and must be a sane one
	read  int  // the value is about to be read: it counts as read, so many times
	count bool // what is read may be made a number
}

func (e *meter) UnwrapExpression() hcl.Expression { return e.inner }

func (e *meter) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	b := budgetOf(ctx)
	if b == nil {
		return e.inner.Value(ctx)
	}
	if b.over == "" {
		b.step()
	}
	if b.over != "" {
		return cty.DynamicVal, b.diags(e.Range())
	}
	v, diags := e.inner.Value(ctx)
	if b.over == "" && !diags.HasErrors() {
		var fault sizeFault
		if e.made {
			fault = b.make(v)
		}
		if e.read > 0 {
			if f := b.use(v, e.read); e.count && f == longNumber {
				fault = tooGreat
			}
		}
		if fault == infinite || fault == tooGreat {
			detail := "The number is longer than any that a recipe can use."
			if fault == infinite {
				detail = "The result is infinite, as when a number is divided by zero."
			}
			at := e.Range()
			return cty.DynamicVal, append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summaryNumber, Detail: detail, Subject: &at})
		}
	}
	if b.over != "" {
		return cty.DynamicVal, b.diags(e.Range())
	}
	return v, diags
}

func inParens(e hclsyntax.Expression) hclsyntax.Expression {
	return &hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.Range()}
}

// made is a node that makes a value.
func made(e hclsyntax.Expression) hclsyntax.Expression {
	if m, ok := e.(*meter); ok {
		return &meter{Expression: m.Expression, inner: m.inner, made: true, read: m.read, count: m.count}
	}
	return &meter{Expression: inParens(e), inner: e, made: true}
}

// read is e, rebuilt, in a place where its value is read from end to end so many times.
func read(e hclsyntax.Expression, times int) hclsyntax.Expression {
	if small(e) {
		return e
	}
	e = rebuild(e)
	if m, ok := e.(*meter); ok {
		return &meter{Expression: m.Expression, inner: m.inner, made: m.made, read: m.read + times, count: m.count}
	}
	return &meter{Expression: inParens(e), inner: e, read: times}
}

// operand is read in a place where a string would be made a number.
func operand(e hclsyntax.Expression) hclsyntax.Expression {
	if l, ok := e.(*hclsyntax.LiteralValueExpr); ok && small(l) {
		return e
	}
	e = rebuild(e)
	if m, ok := e.(*meter); ok {
		return &meter{Expression: m.Expression, inner: m.inner, made: m.made, read: m.read + 1, count: true}
	}
	return &meter{Expression: inParens(e), inner: e, read: 1, count: true}
}

// takesNumbers are the functions that have a number, or a list of numbers, for a parameter.
func takesNumbers(name string) bool {
	switch name {
	case "abs", "ceil", "floor", "log", "max", "min", "pow", "signum", "sum", "range", "element", "slice", "substr", "indent",
		"money", "amount", "from_unix", "format_number", "parseint":
		return true
	}
	return false
}

// small reports whether e is a literal, whose size the file's size bounds.
func small(e hclsyntax.Expression) bool {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		_, fault := sizeOf(e.Val, maxValueBytes)
		return fault == noFault
	case *hclsyntax.TemplateExpr:
		return e.IsStringLiteral()
	}
	return false
}

// isScalar reports whether e is a literal that is compared in no time, whatever it is compared with.
func isScalar(e hclsyntax.Expression) bool {
	_, literal := e.(*hclsyntax.LiteralValueExpr)
	return literal && small(e)
}

// regexTimes is how often a text counts that a regular expression is matched against: that takes a step per byte and
// instruction of the pattern.
const regexTimes = 32

// rebuild copies e with meters in it.
func rebuild(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return sane(e, e.Traversal)
	case nil, *hclsyntax.AnonSymbolExpr, *hclsyntax.ExprSyntaxError:
		return e
	case *hclsyntax.LiteralValueExpr:
		if small(e) {
			return e
		}
		return made(e)
	case *hclsyntax.ParenthesesExpr:
		return &hclsyntax.ParenthesesExpr{Expression: rebuild(e.Expression), SrcRange: e.SrcRange}
	case *hclsyntax.RelativeTraversalExpr:
		c := *e
		c.Source = rebuild(e.Source)
		return sane(&c, e.Traversal)
	case *hclsyntax.IndexExpr:
		c := *e
		c.Collection, c.Key = rebuild(e.Collection), operand(e.Key)
		return &c
	case *hclsyntax.ConditionalExpr:
		// Both results are evaluated, and converted to one type.
		c := *e
		c.Condition, c.TrueResult, c.FalseResult = rebuild(e.Condition), read(e.TrueResult, 1), read(e.FalseResult, 1)
		return &c
	case *hclsyntax.UnaryOpExpr:
		c := *e
		if c.Val = rebuild(e.Val); e.Op == hclsyntax.OpNegate {
			c.Val = operand(e.Val)
		}
		return &c
	case *hclsyntax.BinaryOpExpr:
		return rebuildBinary(e)
	case *hclsyntax.TemplateWrapExpr:
		c := *e
		c.Wrapped = rebuild(e.Wrapped)
		return &c
	case *hclsyntax.TemplateExpr:
		if small(e) {
			return e
		}
		c := *e
		c.Parts = make([]hclsyntax.Expression, len(e.Parts))
		for i, part := range e.Parts {
			if c.Parts[i] = part; !small(part) {
				c.Parts[i] = made(rebuild(part)) // what is put into a text is copied
			}
		}
		return made(&c)
	case *hclsyntax.TemplateJoinExpr:
		c := *e
		c.Tuple = rebuild(e.Tuple)
		return made(&c)
	case *hclsyntax.TupleConsExpr:
		c := *e
		c.Exprs = make([]hclsyntax.Expression, len(e.Exprs))
		for i, elem := range e.Exprs {
			c.Exprs[i] = rebuild(elem)
		}
		return made(&c)
	case *hclsyntax.ObjectConsExpr:
		c := *e
		c.Items = make([]hclsyntax.ObjectConsItem, len(e.Items))
		for i, item := range e.Items {
			c.Items[i] = hclsyntax.ObjectConsItem{KeyExpr: rebuild(item.KeyExpr), ValueExpr: rebuild(item.ValueExpr)}
		}
		return made(&c)
	case *hclsyntax.ObjectConsKeyExpr:
		c := *e
		c.Wrapped = rebuild(e.Wrapped)
		return &c
	case *hclsyntax.FunctionCallExpr:
		c := *e
		times := 1
		switch e.Name {
		case "matches", "regex", "regexall", "replace":
			times = regexTimes
		case "try", "can": // they evaluate, and hand on
			times = 0
		}
		c.Args = make([]hclsyntax.Expression, len(e.Args))
		for i, arg := range e.Args {
			switch {
			case times == 0:
				c.Args[i] = rebuild(arg)
			case takesNumbers(e.Name):
				c.Args[i] = operand(arg)
			default:
				c.Args[i] = read(arg, times)
			}
		}
		return made(&c)
	case *hclsyntax.ForExpr:
		c := *e
		c.CollExpr = read(e.CollExpr, 1)
		c.ValExpr = made(rebuild(e.ValExpr))
		if e.KeyExpr != nil {
			c.KeyExpr = made(rebuild(e.KeyExpr))
		}
		if e.CondExpr != nil {
			c.CondExpr = made(rebuild(e.CondExpr))
		}
		return made(&c)
	case *hclsyntax.SplatExpr:
		c := *e
		c.Source = read(e.Source, 1)
		c.Each = made(rebuild(e.Each))
		return made(&c)
	case Wrapper:
		return e.Rewrap(rebuild)
	}
	return made(e)
}

func rebuildBinary(e *hclsyntax.BinaryOpExpr) hclsyntax.Expression {
	c := *e
	switch e.Op {
	case hclsyntax.OpEqual, hclsyntax.OpNotEqual:
		if !isScalar(e.LHS) && !isScalar(e.RHS) {
			c.LHS, c.RHS = read(e.LHS, 1), read(e.RHS, 1)
			return &c
		}
	}
	switch e.Op {
	case hclsyntax.OpAdd, hclsyntax.OpSubtract, hclsyntax.OpMultiply, hclsyntax.OpDivide, hclsyntax.OpModulo:
		c.LHS, c.RHS = operand(e.LHS), operand(e.RHS)
		return made(&c)
	}
	c.LHS, c.RHS = rebuild(e.LHS), rebuild(e.RHS)
	return &c
}

// sane is e, or, where a key in its traversal is an absurd number, what fails on it: to look it up in a map, hcl would
// write it out.
func sane(e hclsyntax.Expression, t hcl.Traversal) hclsyntax.Expression {
	for _, step := range t {
		if i, ok := step.(hcl.TraverseIndex); ok {
			if _, fault := sizeOf(i.Key, maxValueBytes); fault != noFault {
				return &meter{
					Expression: inParens(e),
					inner:      &hclsyntax.LiteralValueExpr{Val: i.Key, SrcRange: e.Range()},
					made:       true, read: 1, count: true,
				}
			}
		}
	}
	return e
}
