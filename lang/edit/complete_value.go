package edit

// Completion within expressions: names in reach, what lies in them, values that a place can take.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

func (k *completion) value() {
	if k.c.quoted {
		if !k.c.has {
			k.texts()
		}
		return
	}
	place := k.w.probe(k.name, k.text, k.c.hole(placeholder), k.c.start+1)
	base, root, found := before(place.Place, k.c.start)
	switch {
	case k.c.member && found && base != nil:
		k.members(place.Place, base)
		k.named(place.Place, root)
	case k.c.member:
		k.unchecked(place)
	default:
		k.roots(place)
	}
}

// texts completes what stands in quotes: one of the values that the checker would take there.
func (k *completion) texts() {
	insert, end := placeholder, k.c.end
	if end >= len(k.text) || k.text[end] != '"' {
		insert += `"`
	}
	var open []byte
	if len(k.c.open) > 0 {
		open = k.c.open[:len(k.c.open)-1] // the quotes are closed already
	}
	place := k.w.probe(k.name, k.text, hole{start: k.c.start, end: end, insert: insert, open: open}, k.c.start)
	for _, v := range place.Allowed() {
		k.add(Item{Label: v, Kind: Value, Detail: "value", Insert: v})
	}
	if len(k.items) == 0 && k.c.attr == "connection" {
		for _, n := range k.connections() {
			k.add(Item{Label: n.Text, Kind: NameOf, Detail: "connection to " + n.Detail})
		}
	}
}

// before finds the expression that the word at a byte is a part of: what stands before the dot, or the name of a root
// that is no value by itself, such as action.
func before(place *check.Place, at int) (base hclsyntax.Expression, root string, found bool) {
	for _, x := range place.Enclosing() {
		switch x := x.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			for i, step := range x.Traversal {
				rng := step.SourceRange()
				if rng.Start.Byte > at || at >= rng.End.Byte {
					continue
				}
				if i == 0 {
					return nil, "", true
				}
				if i == 1 {
					root = x.Traversal.RootName()
				}
				return upTo(x, i), root, true
			}
		case *hclsyntax.RelativeTraversalExpr:
			for i, step := range x.Traversal {
				if rng := step.SourceRange(); rng.Start.Byte <= at && at < rng.End.Byte {
					return upTo(x, i), "", true
				}
			}
		}
	}
	return nil, "", false
}

// upTo returns a traversal without its steps from n on.
func upTo(x hclsyntax.Expression, n int) hclsyntax.Expression {
	switch x := x.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return &hclsyntax.ScopeTraversalExpr{Traversal: x.Traversal[:n], SrcRange: hcl.RangeBetween(x.Traversal[0].SourceRange(), x.Traversal[n-1].SourceRange())}
	case *hclsyntax.RelativeTraversalExpr:
		if n == 0 {
			return x.Source
		}
		return &hclsyntax.RelativeTraversalExpr{Source: x.Source, Traversal: x.Traversal[:n], SrcRange: hcl.RangeBetween(x.Source.Range(), x.Traversal[n-1].SourceRange())}
	}
	return x
}

// extended returns x with an attribute.
func extended(x hclsyntax.Expression, name string) hclsyntax.Expression {
	rng := x.Range()
	rng.Start = rng.End
	step := hcl.TraverseAttr{Name: name, SrcRange: rng}
	if x, ok := x.(*hclsyntax.ScopeTraversalExpr); ok {
		return &hclsyntax.ScopeTraversalExpr{Traversal: append(slices.Clone(x.Traversal), step), SrcRange: x.SrcRange}
	}
	return &hclsyntax.RelativeTraversalExpr{Source: x, Traversal: hcl.Traversal{step}, SrcRange: x.Range()}
}

// members completes the attributes of a value: what some trigger has, with what it is on each.
func (k *completion) members(place *check.Place, base hclsyntax.Expression) {
	seen := map[string]bool{}
	for _, s := range place.Sights(base) {
		if s.Type.Kind != schema.KindObject || s.Type.Object == nil {
			continue
		}
		for _, f := range s.Type.Object.Fields() {
			if seen[f.Name] {
				continue
			}
			seen[f.Name] = true
			sights := place.Sights(extended(base, f.Name))
			k.add(Item{Label: f.Name, Kind: Attribute, Detail: sightWords(sights), Doc: paragraphs(fieldDoc(&f), nullWords(sights))})
		}
	}
}

// nullWords says why a value may be null.
func nullWords(sights []check.Sight) string {
	var words []string
	for _, s := range sights {
		if s.MayBeNull && s.Why != "" && !slices.Contains(words, s.Why) {
			words = append(words, s.Why)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "May be null " + strings.Join(words, ", or ") + "."
}

// named completes action.NAME and its like.
func (k *completion) named(place *check.Place, root string) {
	names := place.Members(root)
	if root == "each" {
		names = []check.Name{{Text: "key"}, {Text: "value"}}
	}
	for _, n := range names {
		x := &hclsyntax.ScopeTraversalExpr{Traversal: hcl.Traversal{hcl.TraverseRoot{Name: root}, hcl.TraverseAttr{Name: n.Text}}}
		sights := place.Sights(x)
		k.add(Item{Label: n.Text, Kind: NameOf, Detail: sightWords(sights), Doc: paragraphs(n.Detail, nullWords(sights))})
	}
}

// unchecked completes names where no expression is checked: depends_on and connection.
func (k *completion) unchecked(place *probe) {
	recipe := place.recipe
	switch root := wordBefore(place.text, k.c.start); root {
	case "connection":
		for _, n := range k.connections() {
			k.add(Item{Label: n.Text, Kind: NameOf, Detail: "connection to " + n.Detail})
		}
	case "action", "wait":
		if recipe == nil {
			return
		}
		for _, s := range stepsOf(recipe) {
			held := s.Range.Start.Byte <= k.c.start && k.c.start <= s.BodyRange.End.Byte
			if !held && (root == "action") == (s.Kind == syntax.ActionStep) && (root == "wait") == (s.Kind == syntax.WaitStep) {
				k.add(Item{Label: s.Name, Kind: NameOf, Detail: s.Type})
			}
		}
	}
}

// wordBefore returns the word before the dot before at.
func wordBefore(text []byte, at int) string {
	end := at - 1
	if end < 0 || text[end] != '.' {
		return ""
	}
	start := end
	for start > 0 && wordRune(rune(text[start-1])) {
		start--
	}
	return string(text[start:end])
}

// connections are those of the service that the block around the cursor is of; all where it has none.
func (k *completion) connections() []check.Name {
	service := ""
	if n := len(k.c.blocks); n > 0 && len(k.c.blocks[n-1].labels) > 0 {
		switch block := k.c.blocks[n-1]; syntax.LabelsOf(block.block).Type {
		case "trigger":
			if t := k.w.cat.Trigger(block.labels[0]); t != nil {
				service = t.Service
			}
		case "action":
			if a := k.w.cat.Action(block.labels[0]); a != nil {
				service = a.Service
			}
		}
	}
	var out []check.Name
	for _, c := range k.w.shared().Config.Connections {
		if service == "" || c.Service == service {
			out = append(out, check.Name{Text: c.Name, Detail: c.Service})
		}
	}
	return out
}

// stepsOf returns all steps of a recipe, those in cases and in on_error among them.
func stepsOf(r *syntax.Recipe) []*syntax.Step {
	var out []*syntax.Step
	var visit func([]*syntax.Step)
	visit = func(list []*syntax.Step) {
		for _, s := range list {
			out = append(out, s)
			if s.Switch != nil {
				for _, c := range s.Switch.Cases {
					visit(c.Steps)
				}
			}
		}
	}
	visit(r.Steps)
	if r.OnError != nil {
		visit(r.OnError.Steps)
	}
	return out
}

// roots completes the beginning of an expression.
func (k *completion) roots(place *probe) {
	recipe := place.recipe
	want, known := place.Wanted()
	// What would the checker take, if a text stood here?
	quoted := k.w.probe(k.name, k.text, k.c.hole(`"`+placeholder+`"`), k.c.start+1)
	for _, v := range quoted.Allowed() {
		k.add(Item{Label: fmt.Sprintf("%q", v), Kind: Value, Detail: "value"})
	}
	if k.c.attr == "connection" && len(place.Enclosing()) == 0 {
		for _, n := range k.connections() {
			k.add(Item{Label: "connection." + n.Text, Kind: NameOf, Detail: "connection to " + n.Detail})
		}
		return
	}
	if k.c.attr == "depends_on" && recipe != nil {
		for _, s := range stepsOf(recipe) {
			if s.Kind == syntax.ActionStep && (k.c.start < s.Range.Start.Byte || s.BodyRange.End.Byte < k.c.start) {
				k.add(Item{Label: "action." + s.Name, Kind: NameOf, Detail: s.Type})
			}
		}
		return
	}
	for _, n := range place.Roots() {
		x := &hclsyntax.ScopeTraversalExpr{Traversal: hcl.Traversal{hcl.TraverseRoot{Name: n.Text}}}
		detail := ""
		if len(place.Members(n.Text)) == 0 && n.Text != "each" {
			detail = sightWords(place.Sights(x))
		}
		k.add(Item{Label: n.Text, Kind: NameOf, Detail: detail, Rank: 2})
	}
	words := []string{"true", "false", "null"}
	for _, v := range words {
		rank := 4
		if known && want.Kind == schema.KindBool && v != "null" {
			rank = 1
		}
		k.add(Item{Label: v, Kind: Value, Detail: "value", Rank: rank})
	}
	for _, name := range place.Outside() {
		k.add(Item{Label: name, Kind: Function, Detail: name + "(name string)", Insert: name + `("$0")`, Stop: true, Rank: 1})
	}
	for _, f := range k.w.funcs {
		insert := f.Name + "($0)"
		if strings.HasPrefix(line(k.text[k.c.end:]), "(") {
			insert = f.Name
		}
		k.add(Item{Label: f.Name, Kind: Function, Detail: signature(f), Doc: funcDoc(f), Insert: insert, Stop: insert != f.Name, Rank: 3})
	}
}

// keysOf are the names that are written out in an object.
func keysOf(x *hclsyntax.ObjectConsExpr) map[string]bool {
	out := map[string]bool{}
	for _, item := range x.Items {
		if k, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr); ok {
			if word := hcl.ExprAsKeyword(k.Wrapped); word != "" {
				out[word] = true
			}
		}
	}
	return out
}

func isIdent(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenIdent }
func isEqual(t hclsyntax.Token) bool { return t.Type == hclsyntax.TokenEqual }
