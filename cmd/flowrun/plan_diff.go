package main

// Two versions of a recipe, compared part by part, in the words of their source.

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// side is a recipe with the files that it is written in.
type side struct {
	*check.Recipe
	files map[string][]byte
}

func (s side) source(x hcl.Expression) string {
	if x == nil {
		return ""
	}
	return spaced(sourceOf(s.files, x.Range()))
}

// spaced is source text in one line.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// recipeChanges lists what differs, nil where nothing does.
func recipeChanges(was, is side) []plannedChange {
	var out []plannedChange
	change := func(what, before, after string) {
		switch {
		case before == after:
		case before == "":
			out = append(out, plannedChange{What: what, Kind: "added", After: after})
		case after == "":
			out = append(out, plannedChange{What: what, Kind: "removed", Before: before})
		default:
			out = append(out, plannedChange{What: what, Kind: "changed", Before: before, After: after})
		}
	}
	change("enabled", truth(!was.Disabled), truth(!is.Disabled))
	change("mode", modeOf(was.Recipe), modeOf(is.Recipe))
	change("timeout", spanOf(was.Timeout), spanOf(is.Timeout))
	parts(&out, was.triggers(), is.triggers())
	parts(&out, was.gates(), is.gates())
	parts(&out, was.steps(was.Nodes), is.steps(is.Nodes))
	parts(&out, was.steps(was.OnError), is.steps(is.OnError))
	parts(&out, was.flow(), is.flow())
	parts(&out, was.locals(), is.locals())
	parts(&out, was.outputs(), is.outputs())
	// Every step has a retry: that of one that comes or goes says nothing.
	out = slices.DeleteFunc(out, func(c plannedChange) bool { return c.Kind != "changed" && strings.HasSuffix(c.What, " retry") })
	if len(out) == 0 && order(was.Nodes) != order(is.Nodes) {
		out = append(out, plannedChange{What: "order of filters and steps", Kind: "moved", Before: order(was.Nodes), After: order(is.Nodes)})
	}
	return out
}

// part is a piece of a recipe, by its name.
type part struct{ name, text string }

// parts lists what differs between two lists of pieces: the removed, then the others in their new order.
func parts(out *[]plannedChange, was, is []part) {
	find := func(list []part, name string) (string, bool) {
		for _, p := range list {
			if p.name == name {
				return p.text, true
			}
		}
		return "", false
	}
	for _, p := range was {
		if _, ok := find(is, p.name); !ok {
			*out = append(*out, plannedChange{What: p.name, Kind: "removed", Before: p.text})
		}
	}
	for _, p := range is {
		switch before, ok := find(was, p.name); {
		case !ok:
			*out = append(*out, plannedChange{What: p.name, Kind: "added", After: p.text})
		case before != p.text:
			*out = append(*out, plannedChange{What: p.name, Kind: "changed", Before: before, After: p.text})
		}
	}
}

func (s side) triggers() []part {
	var out []part
	for _, t := range s.Triggers {
		name := "trigger " + t.Spec.Name + " on " + t.Connection
		if t.Name != "" && t.Name != t.Spec.Name {
			name = "trigger " + t.Spec.Name + " " + quoted(t.Name) + " on " + t.Connection
		}
		if n := len(out); n > 0 && out[n-1].name == name {
			out[n-1].text += ", " + strings.Join(t.Events, ", ") // the types of one block
			continue
		}
		text := strings.Join(t.Events, ", ")
		for _, words := range []string{settingWords(t), shapeWords(t)} {
			if words != "" {
				text += "; " + words
			}
		}
		if t.Latest != nil {
			text += "; latest"
		}
		out = append(out, part{name, text})
	}
	return out
}

// settingWords are the settings of a trigger as they are written, but for those that its types of events say.
func settingWords(t *check.Trigger) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(t.Settings)) {
		v := t.Settings[name]
		if name == t.Spec.TypesSetting || v.IsNull() || !v.IsWhollyKnown() {
			continue
		}
		text, ok := labelOf(v)
		if !ok {
			raw, err := schema.AppendJSON(nil, v)
			if err != nil {
				continue
			}
			text = string(raw)
		}
		words = append(words, name+" "+text)
	}
	return strings.Join(words, ", ")
}

// shapeWords is the shape that a recipe declares of what a trigger brings: "body { id string, total number }".
func shapeWords(t *check.Trigger) string {
	name := t.Spec.ShapeSetting
	if name == "" || t.Payload == nil {
		return ""
	}
	shape := schema.Type{Kind: schema.KindObject, Object: t.Payload}
	if f := t.Payload.Field(name); f != nil {
		shape = f.Type
	}
	return name + " " + fieldWords(shape, false)
}

func fieldWords(t schema.Type, null bool) string {
	text := t.String()
	switch {
	case t.Kind == schema.KindObject && t.Object != nil:
		var fields []string
		for _, f := range t.Object.Fields() {
			fields = append(fields, f.Name+" "+fieldWords(f.Type, f.Nullable))
		}
		text = "{ " + strings.Join(fields, ", ") + " }"
	case t.Kind == schema.KindList && t.Elem != nil:
		text = "list of " + fieldWords(*t.Elem, false)
	}
	if null {
		text += " or null"
	}
	return text
}

// gates are the filters by their labels; those without one by their condition, so that one that moves is no change.
func (s side) gates() []part {
	var out []part
	for _, n := range s.Nodes {
		if n.Kind != check.Filter {
			continue
		}
		name := "filter " + quoted(n.Name)
		text := s.source(n.Condition)
		if n.Name == "" {
			name = "filter " + text
		}
		out = append(out, part{name + s.inCase(n), text})
	}
	return out
}

// inCase says in which case of a switch a node stands.
func (s side) inCase(n *check.Node) string {
	if n.Parent < 0 {
		return ""
	}
	return " in " + s.Nodes[n.Parent].Address
}

func quoted(s string) string { return `"` + s + `"` }

func (s side) steps(nodes []*check.Node) []part {
	var out []part
	put := func(name, text string) {
		if text != "" {
			out = append(out, part{name, text})
		}
	}
	for _, n := range nodes {
		if n.Latest != nil {
			continue // its trigger says so
		}
		at := n.Address
		switch n.Kind {
		case check.Filter:
			if strings.HasPrefix(at, "on_error.") {
				put(at, s.source(n.Condition))
			}
		case check.Switch:
			put(at, s.source(n.On))
			for _, c := range n.Cases {
				put(at+" case "+caseName(c), "steps "+caseNodes(nodes, c))
			}
		case check.Wait:
			put(at, s.wait(n.Wait))
		case check.Action:
			put(at, n.Action.Name+" on "+n.Connection)
			if n.Calls != "" {
				put(at+" calls", n.Calls)
			}
			for _, in := range n.Inputs {
				s.members(at+" input "+in.Field.Name, in.Expr, put)
			}
			put(at+" when", s.source(n.When))
			put(at+" for_each", s.source(n.ForEach))
			put(at+" timeout", spanOf(n.Timeout))
			put(at+" retry", retryOf(n.Retry))
			if n.AllowDuplicates {
				put(at+" allow_duplicates", "true")
			}
			if n.ContinueOnError {
				put(at+" on_error", "continue")
			}
		}
	}
	return out
}

// members puts the members of an object that is written out one by one, so that a change of one of many is seen.
func (s side) members(name string, x hcl.Expression, put func(name, text string)) {
	text := sourceOf(s.files, x.Range())
	parsed, diags := syntax.ParseExpression([]byte(text), "")
	if diags.HasErrors() {
		put(name, spaced(text))
		return
	}
	var visit func(name string, x hclsyntax.Expression)
	visit = func(name string, x hclsyntax.Expression) {
		o, ok := x.(*hclsyntax.ObjectConsExpr)
		if !ok || len(o.Items) == 0 {
			put(name, spaced(string(x.Range().SliceBytes([]byte(text)))))
			return
		}
		for _, item := range o.Items {
			key := strings.Trim(string(item.KeyExpr.Range().SliceBytes([]byte(text))), `"`)
			visit(name+"."+key, item.ValueExpr)
		}
	}
	visit(name, parsed)
}

func caseName(c check.Case) string {
	if c.Default {
		return "default"
	}
	var names []string
	for _, v := range c.Values {
		if text, ok := labelOf(v); ok {
			names = append(names, text)
		}
	}
	return strings.Join(names, ", ")
}

func caseNodes(nodes []*check.Node, c check.Case) string {
	var names []string
	for _, i := range c.Nodes {
		names = append(names, nodes[i].Address)
	}
	return strings.Join(names, ", ")
}

func (s side) wait(w *check.WaitFor) string {
	switch {
	case w.Event != nil:
		text := "for " + strings.Join(w.Event.Events, " or ") + " on " + w.Event.Connection
		if w.Match != nil {
			text += " that matches " + s.source(w.Match)
		}
		if w.Timeout > 0 {
			text += ", at most " + spanOf(w.Timeout)
		}
		return text
	case w.Until != nil:
		return "until " + s.source(w.Until)
	}
	return "for " + spanOf(w.For)
}

func retryOf(r check.Retry) string {
	var out []string
	if r.Attempts > 0 {
		out = append(out, plural(r.Attempts, "attempt"))
	}
	if r.For > 0 {
		out = append(out, "for "+spanOf(r.For))
	}
	out = append(out, "waits of "+spanOf(r.Min)+" to "+spanOf(r.Max))
	if len(r.On) > 0 {
		out = append(out, "on "+strings.Join(r.On, ", "))
	}
	return strings.Join(out, ", ")
}

func (s side) flow() []part {
	var out []part
	put := func(name string, words ...string) {
		out = append(out, part{name, strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ", ")})
	}
	key := func(x hcl.Expression) string {
		if x == nil {
			return ""
		}
		return "key " + s.source(x)
	}
	rate := func(name string, r *check.Rate) {
		if r != nil {
			burst := ""
			if r.Burst > 0 {
				burst = plural(r.Burst, "more at once")
			}
			put(name, plural(r.Limit, "run")+" per "+spanOf(r.Period), key(r.Key), strings.TrimSuffix(burst, "s"))
		}
	}
	f := s.Flow
	if d := f.Deduplicate; d != nil {
		put("deduplicate", key(d.Key), "for "+spanOf(d.For))
	}
	rate("rate_limit", f.RateLimit)
	if d := f.Debounce; d != nil {
		put("debounce", key(d.Key), "for "+spanOf(d.Period), "at most "+spanOf(d.Timeout))
	}
	rate("throttle", f.Throttle)
	if c := f.Concurrency; c != nil {
		put("concurrency", plural(c.Limit, "run"), key(c.Key), conflictName(c.OnConflict), map[bool]string{true: "also while it waits"}[c.WhileWaiting])
	}
	if l := s.Limits; l != nil {
		words := []string{"", ""}
		if l.MaxPerHour > 0 {
			words[0] = plural(int(l.MaxPerHour), "call") + " per hour"
		}
		if l.MaxAmount > 0 {
			words[1] = "amounts of " + strconv.FormatInt(l.MaxAmount, 10) + " per hour and currency"
		}
		put("limits", words...)
	}
	if f.Priority != nil {
		put("priority", s.source(f.Priority))
	}
	return out
}

func conflictName(c check.Conflict) string {
	switch c {
	case check.SkipConflict:
		return "others are dropped"
	case check.CancelRunning:
		return "the running one is canceled"
	}
	return "others wait"
}

func (s side) locals() []part {
	var out []part
	for _, l := range s.Locals {
		out = append(out, part{"local." + l.Name, s.source(l.Expr)})
	}
	return out
}

func (s side) outputs() []part {
	var out []part
	for _, o := range s.Outputs {
		out = append(out, part{"output " + o.Name, s.source(o.Expr)})
	}
	return out
}

func order(nodes []*check.Node) string {
	var out []string
	for _, n := range nodes {
		if n.Latest != nil {
			continue
		}
		if n.Kind == check.Filter && n.Name != "" {
			out = append(out, "filter "+quoted(n.Name))
			continue
		}
		out = append(out, n.Address)
	}
	return strings.Join(out, ", ")
}

func truth(b bool) string { return map[bool]string{true: "true", false: "false"}[b] }

func modeOf(r *check.Recipe) string {
	if r.Shadow {
		return "shadow"
	}
	return "live"
}

// spanOf is a duration as recipes write it: "72h", "90s".
func spanOf(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	if d == 0 {
		return ""
	}
	return s
}

// projectParts are the settings of connections and the variables. What a secret is set to is not shown.
func projectParts(p *lang.Program) []part {
	var out []part
	files := side{files: p.Files()}
	for _, c := range p.Connections() {
		for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
			text := files.source(c.Settings[name])
			if f := c.Service.Settings.Field(name); (f == nil || f.Secret) && !strings.HasPrefix(text, "env(") && !strings.HasPrefix(text, "var.") {
				text = "(secret)"
			}
			out = append(out, part{"connection " + quoted(c.Name) + " " + name, text})
		}
	}
	for _, v := range p.Variables() {
		name := "variable " + v.Name
		if v.Recipe != "" {
			name += " of " + v.Recipe
		}
		text := "no default"
		if v.Default != nil {
			text = "default " + files.source(v.Default)
		}
		out = append(out, part{name, text})
	}
	return out
}

func unionKeys[V, W any](a map[string]V, b map[string]W) []string {
	all := map[string]bool{}
	for k := range a {
		all[k] = true
	}
	for k := range b {
		all[k] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// without returns what a has and b has not, sorted.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
