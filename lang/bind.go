package lang

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
)

// Inputs is where the values of variables and settings come from. The functions may be nil: then there is no
// environment and no file.
type Inputs struct {
	// Env looks up an environment variable.
	Env func(name string) (string, bool)

	// Vars gives variables by name, as text; it goes before the environment's FLOWRUN_VAR_name. A name that no variable
	// has is not looked at.
	Vars map[string]string

	// ReadFile reads the file that file("path") names.
	ReadFile func(path string) ([]byte, error)

	// Unsigned lets connections that receive webhooks lack their signing secret: whoever sets it up at the vendor is
	// told it only then.
	Unsigned bool
}

// Bindings is a program's variables and connections with their values.
type Bindings struct {
	// Vars is the value of `var` for each recipe, by the recipe's name: always an object. Values of sensitive variables
	// are marked eval.Secret.
	Vars map[string]cty.Value

	// Connections are in the order of their names.
	Connections []BoundConnection

	// Secrets are all secret texts, sorted, for redaction.
	Secrets []string
}

// BoundConnection is a connection with its settings resolved.
type BoundConnection struct {
	Name, Service string
	Settings      map[string][]string // one element for a scalar, several for a list, none where not set
	Range         hcl.Range           // of the block's header; of the first use where there is no block
}

// Bind gives variables and connections their values. Where the diagnostics hold an error the bindings lack what could
// not be had and must not be served. A program whose compilation had errors can't be bound.
func (p *Program) Bind(in Inputs) (*Bindings, hcl.Diagnostics) {
	b := &binder{world: newWorld(in), in: in, secrets: map[string]bool{}}
	shared := b.variables(p.result.Variables, "", nil)
	out := &Bindings{Vars: map[string]cty.Value{}}
	for _, r := range p.result.Recipes {
		vals := b.variables(p.result.Variables, r.Name, shared)
		out.Vars[r.Name] = cty.ObjectVal(vals)
	}
	for _, c := range p.result.Connections {
		out.Connections = append(out.Connections, b.connection(c, cty.ObjectVal(shared)))
	}
	for s := range b.secrets {
		out.Secrets = append(out.Secrets, s)
	}
	slices.Sort(out.Secrets)
	diag.Sort(b.diags)
	return out, b.diags
}

// binder collects what one Bind makes.
type binder struct {
	world   *world
	in      Inputs
	diags   hcl.Diagnostics
	secrets map[string]bool
}

func (b *binder) report(code diag.Code, rng hcl.Range, context, format string, args ...any) {
	d := diag.New(code, rng, fmt.Sprintf(format, args...))
	b.diags = append(b.diags, diag.In(context, hcl.Diagnostics{d})...)
}

// keepSecret adds every text within v to the secrets.
func (b *binder) keepSecret(v cty.Value) {
	v, _ = eval.Unmark(v)
	// Walk fails only where the function does.
	_ = cty.Walk(v, func(_ cty.Path, leaf cty.Value) (bool, error) {
		if text, ok := textOf(leaf); ok && text != "" && leaf.Type() != cty.Bool {
			b.secrets[text] = true
		}
		return true, nil
	})
}

// variables returns the values of a recipe's variables on top of the project's; recipe is empty for those.
func (b *binder) variables(list []*check.Variable, recipe string, shared map[string]cty.Value) map[string]cty.Value {
	vals := make(map[string]cty.Value, len(shared))
	for name, v := range shared {
		vals[name] = v
	}
	for _, v := range list {
		if v.Recipe != recipe {
			continue
		}
		value, ok := b.variable(v)
		if !ok {
			continue
		}
		if v.Sensitive {
			b.keepSecret(value)
			value = value.Mark(eval.Secret)
		}
		vals[v.Name] = value
	}
	return vals
}
