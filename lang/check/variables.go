package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// checkVariables checks variable blocks and adds them to vars and infos. It returns them by name.
func (c *checker) checkVariables(list []*syntax.Variable, recipe string, vars map[string]*Variable, infos map[*Variable]info, rep *reporter) []*Variable {
	taken := map[string]hcl.Range{}
	var out []*Variable
	for _, sv := range list {
		before := len(rep.diags)
		if !duplicate(rep, "variable", sv.Name, sv.NameRange, taken) {
			v, i := c.checkVariable(sv, recipe, rep)
			vars[v.Name] = v
			infos[v] = i
			out = append(out, v)
		}
		diag.In(`in variable "`+sv.Name+`"`, rep.diags[before:])
	}
	slices.SortFunc(out, func(a, b *Variable) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (c *checker) checkVariable(sv *syntax.Variable, recipe string, rep *reporter) (*Variable, info) {
	v := &Variable{Name: sv.Name, Recipe: recipe, Type: cty.DynamicPseudoType, Range: sv.Range}
	sc := &scope{rep: rep, vars: map[string]*Variable{}, varInfo: map[*Variable]info{}, busy: map[*local]bool{}, memo: map[memoKey]info{}}
	e := env{c: c, sc: sc, facts: noFacts, world: true}
	i := of(anyType)
	if sv.Type != nil {
		t, diags := typeexpr.TypeConstraint(sv.Type)
		if diags.HasErrors() {
			e.report(diag.BadVariable, sv.Type.Range(), "this is not a type. Write string, number, bool, any, list(…), map(…) or object({…}).")
			i = mistake()
		} else {
			v.Type = t
			i = of(typeOf(t))
		}
	}
	if sv.Description != nil {
		if s, ok := e.constantString(sv.Description, `"description"`); ok {
			v.Description = s
		}
	}
	if sv.Sensitive != nil {
		v.Sensitive, _ = e.constantBool(sv.Sensitive, `"sensitive"`)
	}
	i.secret = v.Sensitive
	if sv.Default != nil {
		d := e.checkDefault(sv.Default, i.t)
		if sv.Type == nil && !d.bad && primitive(d.t.Kind) {
			i.t = d.t
			i.t.Enum = nil
			v.Type = ctyOf(i.t)
		}
		if d.null {
			i.null, i.why = true, "because its default is"
		}
		v.Default = eval.Bound(sv.Default)
	}
	sc.vars[v.Name], sc.varInfo[v] = v, i
	in := e
	in.world = false
	for _, val := range sv.Validations {
		vd := Validation{Range: val.Range}
		in := in
		if val.Condition != nil {
			in.wantBool(val.Condition, in.infer(val.Condition), "a validation")
			vd.Condition = eval.Bound(val.Condition)
		}
		if val.ErrorMessage != nil {
			in.assign(val.ErrorMessage, target{t: stringType, name: `"error_message"`, required: true, secret: true})
			vd.ErrorMessage = eval.Bound(val.ErrorMessage)
		}
		v.Validations = append(v.Validations, vd)
	}
	return v, i
}

// checkDefault checks a default against the type. A text that env() or file() gives is converted when it is bound.
func (e env) checkDefault(x hclsyntax.Expression, t schema.Type) info {
	i := e.infer(x)
	if i.bad || i.isNull || i.t.Kind == schema.KindString && i.val == cty.NilVal {
		return i
	}
	if why := e.mismatch(i, t, ""); why != "" {
		return e.report(diag.BadVariable, x.Range(), "the type says %s; %s.", t.String(), strings.Replace(why, "\x00", e.source(x.Range()), 1))
	}
	return i
}

// constantValue checks an argument that must be readable from the text alone.
func (e env) constantValue(x hclsyntax.Expression, t schema.Type, name string) (cty.Value, bool) {
	i := e.assign(x, target{t: t, name: name, required: true})
	if i.bad {
		return cty.NilVal, false
	}
	if !i.constant() {
		e.report(diag.NotConstant, x.Range(), "%s must be written out: it is read before anything runs.", name)
		return cty.NilVal, false
	}
	v, err := convertTo(i.val, ctyOf(t))
	return v, err == nil && !v.IsNull()
}

func (e env) constantString(x hclsyntax.Expression, name string) (string, bool) {
	v, ok := e.constantValue(x, stringType, name)
	if !ok {
		return "", false
	}
	return v.AsString(), true
}

func (e env) constantBool(x hclsyntax.Expression, name string) (value, ok bool) {
	v, ok := e.constantValue(x, boolType, name)
	return ok && v.True(), ok
}
