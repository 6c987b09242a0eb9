package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Local is a named expression.
type Local struct {
	Name string
	Expr hcl.Expression
}

// Scope holds the names in reach and their values. One goroutine owns it.
type Scope struct {
	ctx     *hcl.EvalContext
	locals  []Local
	budget  *budget
	running int                         // how deep Value is inside itself, through locals
	later   map[string]func() cty.Value // roots that nothing has read yet

	actions      map[string]cty.Value
	actionsStale bool // ctx holds an older `action`
	waits        map[string]cty.Value
	waitsStale   bool // ctx holds an older `wait`

	done       map[string]doneLocal
	doing      []string // locals under evaluation
	localStale bool     // ctx holds an older `local`
}

// doneLocal is a local that has a value.
type doneLocal struct {
	value cty.Value
	roots []string // what it was made of, also through other locals
}

// NewScope returns a scope with those functions and locals. Where two locals have one name the later one counts. Both
// arguments are kept and not changed.
func NewScope(funcs map[string]function.Function, locals []Local) *Scope {
	s := &Scope{locals: locals, budget: newBudget()}
	s.ctx = &hcl.EvalContext{Functions: funcs, Variables: make(map[string]cty.Value, 8)}
	s.ctx.Variables[budgetVariable] = cty.CapsuleVal(budgetType, s.budget)
	return s
}

// Set gives a root name (trigger, previous, event, run, var, error, incoming) its value. Locals that were made of an older value
// are evaluated again when they are read.
func (s *Scope) Set(root string, v cty.Value) {
	delete(s.later, root)
	s.ctx.Variables[root] = v
	s.forget(root)
}

// SetLater gives a root name a value that is made when an expression first reads it.
func (s *Scope) SetLater(root string, make func() cty.Value) {
	delete(s.ctx.Variables, root)
	s.forget(root)
	if s.later == nil {
		s.later = map[string]func() cty.Value{}
	}
	s.later[root] = make
}

// SetAction gives action.NAME its value.
func (s *Scope) SetAction(name string, v cty.Value) {
	if s.actions == nil {
		s.actions = map[string]cty.Value{}
	}
	s.actions[name] = v
	s.actionsStale = true
	s.forget("action")
}

// SetWait gives wait.NAME its value.
func (s *Scope) SetWait(name string, v cty.Value) {
	if s.waits == nil {
		s.waits = map[string]cty.Value{}
	}
	s.waits[name] = v
	s.waitsStale = true
	s.forget("wait")
}

// SetEach gives each.key and each.value their values. Locals do not read them.
func (s *Scope) SetEach(key, value cty.Value) {
	s.ctx.Variables["each"] = cty.ObjectVal(map[string]cty.Value{"key": key, "value": value})
}

func (s *Scope) forget(root string) {
	for name, local := range s.done {
		if slices.Contains(local.roots, root) {
			delete(s.done, name)
			s.localStale = true
		}
	}
}

// Value evaluates e. Locals are evaluated when e reads them, and kept. The value is wholly known and holds no infinite
// number; it may be null, and marked (see Unmark). The error is an *Error.
//
// A local that has no value is missing from `local`: an error only where it is used, so that try, && and ?: treat it
// as they do its expression written in its place. If e then fails, or reads `local` as a whole, the local's error is
// returned.
func (s *Scope) Value(e hcl.Expression) (v cty.Value, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.running, s.doing = 0, nil
			v, err = cty.NilVal, &Error{Range: e.Range(), Summary: "Expression cannot be evaluated", Detail: fmt.Sprintf("The evaluator failed on it (%T); this is a bug in flowrun.", p)}
		}
	}()
	if s.running == 0 {
		s.budget.reset()
	}
	s.running++
	defer func() { s.running-- }()
	v, _, failure := s.value(e)
	if failure != nil {
		return cty.NilVal, failure
	}
	return v, nil
}

// value also returns the roots that e reads, directly or through locals.
func (s *Scope) value(e hcl.Expression) (cty.Value, []string, *Error) {
	var n needs
	if b, ok := e.(*bounded); ok {
		n = b.needs
	} else {
		n = needsOf(e.Variables())
	}
	roots := n.roots
	if len(s.later) > 0 {
		for _, root := range roots {
			if make := s.later[root]; make != nil {
				delete(s.later, root)
				s.ctx.Variables[root] = make()
			}
		}
	}
	if s.actionsStale && slices.Contains(n.roots, "action") {
		s.ctx.Variables["action"] = cty.ObjectVal(s.actions)
		s.actionsStale = false
	}
	if s.waitsStale && slices.Contains(n.roots, "wait") {
		s.ctx.Variables["wait"] = cty.ObjectVal(s.waits)
		s.waitsStale = false
	}
	var failed *Error // of a local
	if n.all || len(n.locals) > 0 {
		roots, failed = s.readyLocals(n)
	}
	v, diags := e.Value(s.ctx)
	if failed != nil && (n.all || diags.HasErrors() || s.budget.over != "") {
		return cty.NilVal, roots, failed
	}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			return cty.NilVal, roots, errorOf(e, d)
		}
	}
	if s.budget.over != "" {
		return cty.NilVal, roots, errorOf(e, s.budget.diags(e.Range())[0])
	}
	switch n, fault := sizeOf(v, maxValueBytes); {
	case fault == notKnown:
		return cty.NilVal, roots, &Error{Range: e.Range(), Summary: "Value is not known", Detail: "A part of the result depends on something that has no value yet."}
	case fault == infinite || fault == tooGreat:
		return cty.NilVal, roots, &Error{Range: e.Range(), Summary: summaryNumber, Detail: "The result holds a number that is infinite or too large."}
	case n > maxValueBytes:
		return cty.NilVal, roots, &Error{Range: e.Range(), Summary: summaryTooMuch, Detail: "The result is a value of more than 1 MiB, which is not allowed."}
	}
	return v, roots, nil
}

// readyLocals evaluates the locals in n, puts them into `local`, and returns n.roots with those of the locals. The error
// is that of the first local that has no value.
func (s *Scope) readyLocals(n needs) (roots []string, failed *Error) {
	names := n.locals
	if n.all {
		names = nil
		for _, l := range s.locals {
			if !slices.Contains(names, l.Name) {
				names = append(names, l.Name)
			}
		}
	}
	roots = slices.Clone(n.roots)
	for _, name := range names {
		more, err := s.readyLocal(name)
		if err != nil && failed == nil {
			failed = err
		}
		for _, root := range more {
			if !slices.Contains(roots, root) {
				roots = append(roots, root)
			}
		}
	}
	if _, there := s.ctx.Variables["local"]; s.localStale || !there {
		vals := make(map[string]cty.Value, len(s.done))
		for name, local := range s.done {
			vals[name] = local.value
		}
		s.ctx.Variables["local"] = cty.ObjectVal(vals)
		s.localStale = false
	}
	return roots, failed
}

// readyLocal evaluates one local unless it has a value. A local that does not exist is no error here: hcl reports it at
// the place that reads it.
func (s *Scope) readyLocal(name string) ([]string, *Error) {
	if local, ok := s.done[name]; ok {
		return local.roots, nil
	}
	for i := len(s.locals) - 1; i >= 0; i-- {
		l := &s.locals[i]
		if l.Name != name {
			continue
		}
		if slices.Contains(s.doing, name) {
			return nil, &Error{Range: l.Expr.Range(), Summary: "Local needs itself", Detail: fmt.Sprintf("local.%s can only be evaluated once it has been evaluated.", name)}
		}
		s.doing = append(s.doing, name)
		v, roots, err := s.value(l.Expr)
		s.doing = s.doing[:len(s.doing)-1]
		if err != nil {
			return roots, err
		}
		if s.done == nil {
			s.done = map[string]doneLocal{}
		}
		s.done[name] = doneLocal{value: v, roots: roots}
		s.localStale = true
		return roots, nil
	}
	return nil, nil
}

// errorOf makes an Error of what hcl says. hcl's details quote keys of maps, and whatever a function's error quotes.
func errorOf(e hcl.Expression, d *hcl.Diagnostic) *Error {
	out := &Error{Range: e.Range(), Summary: d.Summary, Detail: strings.Join(strings.Fields(d.Detail), " ")}
	if d.Subject != nil {
		out.Range = *d.Subject
	}
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok {
		if errors.As(extra.FunctionCallError(), new(function.PanicError)) {
			out.Detail = fmt.Sprintf("The function %q failed on these arguments; this is a bug in flowrun.", extra.CalledFunctionName())
		}
	}
	switch d.Summary {
	case "Duplicate object key":
		out.Detail = "Two items have the same key in this 'for' expression. If that is expected, use an ellipsis (...) after the value to group them."
	case "Inconsistent conditional result types":
		out.Detail = "The two results of a condition must have types that can be one."
	case "Invalid index":
		out.Detail, _, _ = strings.Cut(out.Detail, " Did you mean")
	}
	return out
}
