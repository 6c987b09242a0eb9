package check

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// Two recipes that do the same for the same event are usually one recipe and its copy, and the customer gets two
// e-mails. The same means: the same action by the same connection with the same text in every input, where the text
// means the same in both. Actions whose repeat changes nothing are left alone, and so are recipes of whose filters it
// isn't certain that one event can pass both.

// deed is a step as others may repeat it.
type deed struct {
	recipe int
	node   *nodeSrc
	when   *state // what the event must have
}

// mostTwins bounds how many steps that look alike are compared with each other.
const mostTwins = 16

// checkTwins warns of recipes that would do the same visible thing for the same event.
func (c *checker) checkTwins(built []*builder, rep *reporter) {
	seen := map[string][]deed{}
	for n, b := range built {
		if b.out.Disabled {
			continue
		}
		for _, node := range b.nodes {
			text, ok := b.signature(node)
			if !ok {
				continue
			}
			c.checkTwin(built, rep, n, node, text, seen)
		}
	}
}

func (c *checker) checkTwin(built []*builder, rep *reporter, n int, node *nodeSrc, text string, seen map[string][]deed) {
	b := built[n]
	told := false
	for k, t := range b.out.Triggers {
		if t.Spec == nil || k >= len(b.solved) {
			continue
		}
		d := deed{recipe: n, node: node, when: b.solved[k].at(node)}
		for _, event := range t.Events {
			key := strings.Join([]string{t.Spec.Service, t.Connection, event, text}, "\x00")
			for _, other := range seen[key] {
				if told || other.recipe == n || !together(other.when, d.when) {
					continue
				}
				told = true
				o := built[other.recipe]
				e := b.e
				e.sc.rep = rep
				before := len(rep.diags)
				e.report(diag.SameTwice, node.src.TypeRange, "the recipe %q does the same for the same event, %s, at %s line %d. Remove one of them, or give each a filter that the other's events don't pass.",
					o.out.Name, event, other.node.Range.Filename, other.node.Range.Start.Line)
				diag.In(node.context(), rep.diags[before:])
			}
			if len(seen[key]) < mostTwins {
				seen[key] = append(seen[key], d)
			}
		}
	}
}

// at returns what holds where a step runs.
func (v *solved) at(n *nodeSrc) *state {
	st := v.reach(n)
	if n.src.When != nil {
		st, _ = v.solver.solve(n.src.When, st)
	}
	return st
}

// together reports whether it is certain that one event can be in both states.
func together(a, b *state) bool {
	if a == nil || b == nil {
		return false
	}
	limits := func(s *state) bool { return s.vague || len(s.places) > 0 }
	if a.vague && limits(b) || b.vague && limits(a) {
		return false
	}
	for key, p := range a.places {
		q, ok := b.places[key]
		if ok && (!p.portable || !q.portable) || ok && p.values.and(q.values).empty() {
			return false
		}
	}
	return true
}

// signature writes what a step does so that two steps that do the same have the same; ok is false where that can't be
// told, or where a repeat is harmless.
func (b *builder) signature(n *nodeSrc) (text string, ok bool) {
	if s, known := b.signed[n]; known {
		return s.text, s.ok
	}
	text, ok = b.sign(n)
	if b.signed == nil {
		b.signed = map[*nodeSrc]signed{}
	}
	b.signed[n] = signed{text, ok}
	return text, ok
}

// signed is what signature has found: a session asks again and again.
type signed struct {
	text string
	ok   bool
}

func (b *builder) sign(n *nodeSrc) (text string, ok bool) {
	if n.Action == nil || n.Calls != "" || n.Action.Effect == schema.Read || n.Action.Effect == schema.Idempotent {
		return "", false
	}
	for _, g := range n.Gates {
		if b.nodes[g].Kind == Wait {
			return "", false // the same again, later, may be meant
		}
	}
	return b.described(n, 0)
}

// described writes a step with all that its inputs read of other steps.
func (b *builder) described(n *nodeSrc, depth int) (string, bool) {
	const deepest = 8
	if n.Action == nil || n.Calls != "" || depth > deepest || len(n.refs.waited) > 0 || len(b.complaints(n)) > 0 {
		return "", false
	}
	parts := []string{n.Action.Name, n.Connection}
	if n.src.ForEach != nil {
		text, ok := b.text(n.src.ForEach)
		if !ok {
			return "", false
		}
		parts = append(parts, "for_each "+text)
	}
	var inputs []string
	for _, a := range n.args {
		text, ok := b.text(a.Expr)
		if !ok {
			return "", false
		}
		inputs = append(inputs, a.Name+"="+text)
	}
	slices.Sort(inputs)
	parts = append(parts, inputs...)
	for _, name := range keys(n.refs.vars) {
		if v := b.vars[name]; v == nil || v.Recipe != "" {
			return "", false
		}
	}
	for _, name := range keys(n.refs.locals) {
		l := b.byName[name]
		if l == nil || l.broken {
			return "", false
		}
		text, ok := b.text(l.Expr)
		if !ok {
			return "", false
		}
		parts = append(parts, "local."+name+"="+text)
	}
	for _, name := range keys(n.refs.steps) {
		st := b.steps[name]
		if st == nil || st.broken || st.from.in.onError {
			return "", false
		}
		text, ok := b.described(b.nodes[st.node.Index], depth+1)
		if !ok {
			return "", false
		}
		parts = append(parts, "action."+name+"="+text)
	}
	return strings.Join(parts, "\x01"), true
}

// complaints returns the mistakes within a step.
func (b *builder) complaints(n *nodeSrc) []hcl.Range {
	var out []hcl.Range
	for _, m := range b.mistakes {
		if m.Start.Byte >= n.src.Range.Start.Byte && m.End.Byte <= n.src.BodyRange.End.Byte {
			out = append(out, m)
		}
	}
	return out
}

func (b *builder) text(x hclsyntax.Expression) (string, bool) {
	rng := x.Range()
	src := b.c.files[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte >= rng.End.Byte {
		return "", false
	}
	return plainText(src[rng.Start.Byte:rng.End.Byte], rng), true
}

// plainText writes an expression without comments and with the same space everywhere, so that two that differ in
// layout only are the same.
func plainText(src []byte, rng hcl.Range) string {
	tokens, _ := hclsyntax.LexExpression(src, rng.Filename, rng.Start)
	var out strings.Builder
	last := hclsyntax.TokenNewline
	for _, t := range tokens {
		kind := t.Type
		switch kind {
		case hclsyntax.TokenComment, hclsyntax.TokenEOF:
			if len(t.Bytes) == 0 || t.Bytes[len(t.Bytes)-1] != '\n' {
				continue
			}
			kind = hclsyntax.TokenNewline
		case hclsyntax.TokenComma:
			kind = hclsyntax.TokenNewline
		}
		if kind == hclsyntax.TokenNewline {
			if last != hclsyntax.TokenNewline && last != hclsyntax.TokenOBrace && last != hclsyntax.TokenOBrack {
				last = kind
			}
			continue
		}
		closes := kind == hclsyntax.TokenCBrace || kind == hclsyntax.TokenCBrack || kind == hclsyntax.TokenCParen
		if last == hclsyntax.TokenNewline && out.Len() > 0 && !closes {
			out.WriteString(", ")
		} else if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.Write(t.Bytes)
		last = kind
	}
	return out.String()
}
