package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// checkConnections checks connection blocks.
func (c *checker) checkConnections(list []*syntax.Connection, pr *project, rep *reporter) {
	taken := map[string]hcl.Range{}
	for _, sc := range list {
		before := len(rep.diags)
		c.checkConnection(sc, pr, rep, taken)
		context := fmt.Sprintf("in connection %q", sc.Service)
		if sc.Name != sc.Service {
			context += fmt.Sprintf(" %q", sc.Name)
		}
		diag.In(context, rep.diags[before:])
	}
}

func (c *checker) checkConnection(cn *syntax.Connection, pr *project, rep *reporter, taken map[string]hcl.Range) {
	sc := &scope{rep: rep, vars: pr.vars, varInfo: pr.varInfo, busy: map[*local]bool{}, memo: map[memoKey]info{}}
	e := env{c: c, sc: sc, facts: noFacts, world: true}
	if duplicate(rep, "connection", cn.Name, cn.Range, taken) {
		return
	}
	spec := c.cat.Service(cn.Service)
	if spec == nil {
		names := c.cat.ServiceNames()
		e.unknown(diag.UnknownService, cn.ServiceRange, cn.Service, names, "there is no service %q. There is %s.", cn.Service, quoteList(names))
		return
	}
	if cn.Service == builtin || cn.Name == builtin {
		e.report(diag.ReservedName, cn.Range, "the name %q is that of flowrun's own connection, which needs no block.", builtin)
		return
	}
	out := &Connection{
		Name:     cn.Name,
		Service:  spec,
		Settings: map[string]hcl.Expression{},
		Ranges:   map[string]hcl.Range{},
		Range:    cn.Range,
	}
	pr.declared[cn.Name] = out
	given := map[string]bool{}
	use := &schema.Use{Name: cn.Name, Given: map[string]cty.Value{}}
	before := len(rep.diags)
	for _, a := range cn.Args {
		f := spec.Settings.Field(a.Name)
		if f == nil {
			e.unknown(diag.UnknownInput, a.NameRange, a.Name, spec.Settings.Names(), "a connection to %s has no setting %q. It has %s.",
				cn.Service, a.Name, quoteList(spec.Settings.Names()))
			e.infer(a.Expr)
			continue
		}
		if given[a.Name] {
			continue
		}
		i := e.assign(a.Expr, e.settingTarget(f, a.Expr))
		if !i.isNull {
			given[a.Name] = true
		}
		out.Settings[a.Name] = eval.Bound(a.Expr)
		out.Ranges[a.Name] = a.Expr.Range()
		if !i.isNull {
			use.Given[a.Name] = i.val
		}
	}
	for _, f := range spec.Settings.Fields() {
		if f.Required && !given[f.Name] && f.Default == "" {
			hint := ""
			if env := spec.Env[f.Name]; env != "" {
				hint = fmt.Sprintf(" Write %s = env(%q).", f.Name, env)
			}
			e.report(diag.MissingSetting, cn.Range, "a connection to %s needs %q.%s", cn.Service, f.Name, hint)
		}
	}
	if spec.Check != nil && len(rep.diags) == before {
		e.problems(spec.Check(use), diag.BadSettings, diag.RiskySetting, cn.Args, cn.Range)
	}
}

// settingTarget takes what env() and variables give as well: texts, which Bind converts. A list also takes one text.
func (e env) settingTarget(f *schema.Field, x hclsyntax.Expression) target {
	w := fieldTarget(f)
	w.required = false // Bind says more about a required setting that is null
	i := e.silent().infer(x)
	switch {
	case i.bad || i.t.Kind != schema.KindString:
	case f.Type.Kind == schema.KindList && f.Type.Elem != nil:
		w.t = *f.Type.Elem
	case i.val == cty.NilVal:
		w.t = stringType
	}
	return w
}

// connect resolves the connection that a trigger or an action uses.
func (e env) connect(pr *project, service string, x hclsyntax.Expression, rng hcl.Range) string {
	if e.c.cat.Service(service) == nil {
		return service
	}
	if x == nil {
		return e.connectByRule(pr, service, rng)
	}
	name, where := "", x.Range()
	switch y := unwrap(x).(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if y.Traversal.RootName() == "connection" && len(y.Traversal) == 2 {
			if attr, ok := y.Traversal[1].(hcl.TraverseAttr); ok {
				name, where = attr.Name, nameRange(attr)
			}
		}
	default:
		if v, ok := literal(x); ok {
			name, _ = textOf(v)
		}
	}
	if name == "" {
		e.report(diag.NotConstant, x.Range(), "a connection is named by connection.NAME or by its name in quotes.")
		return service
	}
	found := pr.declared[name]
	if found == nil {
		if name == service && len(ofService(pr, service)) == 0 {
			return e.imply(pr, service, rng)
		}
		if pr.incomplete {
			return name
		}
		candidates := ofService(pr, service)
		list := " No connection block to " + service + " is in flowrun.hcl."
		if len(candidates) > 0 {
			list = " There is " + quoteList(candidates) + "."
		}
		e.unknown(diag.UnknownConnection, where, name, candidates, "there is no connection %q to %s.%s", name, service, list)
		return name
	}
	if found.Service.Name != service {
		e.report(diag.UnknownConnection, where, "the connection %q is to %s; this needs one to %s.", name, found.Service.Name, service)
	}
	return name
}

func ofService(pr *project, service string) []string {
	var out []string
	for _, name := range keys(pr.declared) {
		if pr.declared[name].Service.Name == service {
			out = append(out, name)
		}
	}
	return out
}

func (e env) connectByRule(pr *project, service string, rng hcl.Range) string {
	names := ofService(pr, service)
	switch {
	case len(names) == 1:
		return names[0]
	case slices.Contains(names, service):
		return service
	case len(names) > 1:
		e.report(diag.AmbiguousConn, rng, "there are %d connections to %s: %s. Say which: connection = connection.%s.", len(names), service, quoteList(names), names[0])
		return names[0]
	}
	return e.imply(pr, service, rng)
}

// imply makes a connection for a service that is used without a block.
func (e env) imply(pr *project, service string, rng hcl.Range) string {
	if other := pr.declared[service]; other != nil {
		e.report(diag.AmbiguousConn, rng, "no connection to %s is declared, and the name %q is taken by a connection to %s. Write connection %q \"NAME\" { … } in flowrun.hcl.",
			service, service, other.Service.Name, service)
		return service
	}
	if pr.implied[service] == nil {
		pr.implied[service] = &Connection{Name: service, Service: e.c.cat.Service(service), Range: rng}
	}
	return service
}

// connections returns the declared connections and those implied ones that an enabled recipe uses.
func (pr *project) connections() []*Connection {
	var out []*Connection
	for _, name := range keys(pr.declared) {
		out = append(out, pr.declared[name])
	}
	for _, name := range keys(pr.implied) {
		if pr.used[name] {
			out = append(out, pr.implied[name])
		}
	}
	slices.SortFunc(out, func(a, b *Connection) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// use records that an enabled recipe needs the connection, and whether for events.
func (pr *project) use(name string, listens bool) {
	pr.used[name] = true
	for _, set := range []map[string]*Connection{pr.declared, pr.implied} {
		if cn := set[name]; cn != nil && listens {
			cn.Listens = true
		}
	}
}
