package check

import (
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// A condition is solved by walking it once with the sets of values that each place may have where it stands. The walk
// gives two answers: what places may have where the condition is true, and where it is false. Where one of them is
// that nothing gets there, the condition is constant. Sets are only ever larger than the truth, so that what is called
// constant is; what two places have to do with each other is not looked at.
//
// A solver for propositions was thought of and left out: it would find constants that nobody writes, at a cost that no
// bound makes linear.

// state is what places may have, by their name. It is immutable; a nil state means that nothing gets there.
type state struct {
	places map[string]place
	vague  bool // more has been asked than the sets tell
}

// place is what one place may have.
type place struct {
	values
	base     values   // what it may have by its type
	why      string   // what the type alone says of it, for messages
	by       []reason // the comparisons that left no more than that
	portable bool     // it means the same in every recipe for the same event
}

// reason is one comparison that held.
type reason struct {
	rng  hcl.Range
	text string // instead of what stands at rng
	not  bool   // it did not hold: the opposite did
	set  values
}

// clash is a comparison that can't be true, or can't be false, where it stands.
type clash struct {
	rng   hcl.Range
	truth bool // it can't be true
	set   values
	place place
}

const (
	mostSolved = 20_000 // steps for one recipe and trigger
	mostPlaces = 64     // places kept apart
	mostBy     = 16     // reasons kept for one place
)

// solver solves the conditions of one recipe for one trigger.
type solver struct {
	e       env
	steps   int
	clashes []clash
}

func (b *builder) newSolver(t *Trigger, types []string) *solver {
	e := env{c: b.c, sc: b.scope(t, types, newReporter()), facts: noFacts}
	return &solver{e: e.silent().lenient()}
}

// start is the state above all gates.
func (s *solver) start(t *Trigger) *state {
	st := &state{}
	if t.Latest != nil {
		return st // what is so of the event need not be so of its object any more
	}
	for _, g := range t.Guards {
		why := "the trigger fires for no others"
		if g.Setting != "" {
			why = "the trigger's " + g.Setting + " asks for it"
		}
		st = st.guarded(t, g, why)
	}
	return st
}

// atFirst is the state where what is so as a rule is so, too; ok is false where nothing is.
func (s *solver) atFirst(t *Trigger, in *state) (out *state, why string, ok bool) {
	if t.Spec == nil || len(t.Spec.AtFirst) == 0 || in == nil || t.Latest != nil {
		return in, "", false
	}
	out = in
	for _, g := range t.Spec.AtFirst {
		out = out.guarded(t, g, g.Why)
		why = g.Why
	}
	return out, why, true
}

// guarded is the state where a guard holds.
func (st *state) guarded(t *Trigger, g schema.Guard, why string) *state {
	if g.Test != nil || len(g.Types) > 0 {
		return st
	}
	key := "trigger." + g.Path.String()
	set := values{null: g.Null}
	switch {
	case len(g.In) > 0:
		set = values{words: map[string]bool{}}
		for _, s := range g.In {
			set.words[s] = true
		}
	case !g.Null:
		set = (values{null: true}).but()
	}
	p, ok := st.places[key]
	if ok {
		set = p.values.and(set)
	}
	p.values, p.portable = set, true
	p.by = append(slices.Clip(p.by), reason{rng: t.Range, text: why, set: set})
	return st.with(key, p)
}

func (st *state) with(key string, p place) *state {
	_, known := st.places[key]
	if !known && len(st.places) >= mostPlaces {
		return st.blurred()
	}
	out := &state{places: make(map[string]place, len(st.places)+1), vague: st.vague}
	for k, v := range st.places {
		out.places[k] = v
	}
	out.places[key] = p
	return out
}

func (st *state) blurred() *state {
	if st == nil || st.vague {
		return st
	}
	return &state{places: st.places, vague: true}
}

// joined returns what holds where one of the states holds, after the condition at rng.
func joined(a, b *state, rng hcl.Range) *state {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	out := &state{places: map[string]place{}, vague: a.vague || b.vague}
	changed := 0
	for key, pa := range a.places {
		pb, ok := b.places[key]
		if !ok {
			changed++
			continue
		}
		n := commonBy(pa.by, pb.by)
		if n == len(pa.by) && n == len(pb.by) {
			out.places[key] = pa
			continue
		}
		changed++
		set := pa.values.or(pb.values)
		p := pa
		p.values = set
		p.by = append(slices.Clip(pa.by[:n]), reason{rng: rng, set: set})
		out.places[key] = p
	}
	for key := range b.places {
		if _, ok := a.places[key]; !ok {
			changed++
		}
	}
	out.vague = out.vague || changed > 1
	return out
}

func commonBy(a, b []reason) int {
	n := 0
	for n < len(a) && n < len(b) && a[n].rng == b[n].rng && a[n].not == b[n].not {
		n++
	}
	return n
}

// solve returns what places may have where x is true, and where it is false.
func (s *solver) solve(x hclsyntax.Expression, in *state) (yes, no *state) {
	if in == nil {
		return nil, nil
	}
	if s.steps++; s.steps > mostSolved {
		return in.blurred(), in.blurred()
	}
	switch x := unwrap(x).(type) {
	case *hclsyntax.LiteralValueExpr:
		if x.Val.Type() == cty.Bool && !x.Val.IsNull() && x.Val.IsKnown() {
			if x.Val.True() {
				return in, nil
			}
			return nil, in
		}
	case *hclsyntax.UnaryOpExpr:
		if x.Op == hclsyntax.OpLogicalNot {
			yes, no = s.solve(x.Val, in)
			return no, yes
		}
	case *hclsyntax.BinaryOpExpr:
		switch x.Op {
		case hclsyntax.OpLogicalAnd:
			ly, ln := s.solve(x.LHS, in)
			ry, rn := s.solve(x.RHS, ly)
			return ry, joined(ln, rn, x.Range())
		case hclsyntax.OpLogicalOr:
			ly, ln := s.solve(x.LHS, in)
			ry, rn := s.solve(x.RHS, ln)
			return joined(ly, ry, x.Range()), rn
		}
	case *hclsyntax.ConditionalExpr:
		cy, cn := s.solve(x.Condition, in)
		ay, an := s.solve(x.TrueResult, cy)
		by, bn := s.solve(x.FalseResult, cn)
		return joined(ay, by, x.Range()), joined(an, bn, x.Range())
	case *hclsyntax.ScopeTraversalExpr:
		if l := s.e.localOf(x.Traversal); l != nil && len(x.Traversal) == 2 && !l.broken && !s.e.sc.busy[l] {
			if _, isPlace := s.e.pathOf(l.Expr); !isPlace {
				s.e.sc.busy[l] = true
				yes, no = s.solve(l.Expr, in)
				delete(s.e.sc.busy, l)
				return yes, no
			}
		}
	}
	if a, ok := s.compared(unwrap(x)); ok {
		return s.apply(a, x.Range(), in)
	}
	return s.opaque(x, in)
}

// atom is a comparison of one place: what the place has where it is true and where it is false.
type atom struct {
	key     string
	place   place // before anything was asked of it
	yes, no values
}

func (s *solver) apply(a atom, rng hcl.Range, in *state) (yes, no *state) {
	cur, ok := in.places[a.key]
	switch {
	case !ok:
		cur = a.place
		cur.base = cur.values
	case cur.why == "":
		cur.values, cur.base, cur.why = cur.values.and(a.place.values), a.place.values, a.place.why
	}
	side := func(set values, truth bool) *state {
		left := cur.values.and(set)
		if left.empty() {
			s.clashes = append(s.clashes, clash{rng: rng, truth: truth, set: set, place: cur})
			return nil
		}
		p := cur
		p.values = left
		if len(cur.by) < mostBy {
			p.by = append(slices.Clip(cur.by), reason{rng: rng, not: !truth, set: set})
		}
		return in.with(a.key, p)
	}
	return side(a.yes, true), side(a.no, false)
}

// compared reads a comparison of a place with a constant.
func (s *solver) compared(x hclsyntax.Expression) (atom, bool) {
	switch x := x.(type) {
	case *hclsyntax.BinaryOpExpr:
		if a, ok := s.comparison(x.LHS, x.RHS, x.Op); ok {
			return a, true
		}
		return s.comparison(x.RHS, x.LHS, mirrored(x.Op))
	case *hclsyntax.FunctionCallExpr:
		if x.Name == "contains" && len(x.Args) == 2 && !x.ExpandFinal {
			return s.contained(x.Args[0], x.Args[1])
		}
	case *hclsyntax.ScopeTraversalExpr, *hclsyntax.RelativeTraversalExpr, *hclsyntax.IndexExpr:
		key, p, i, ok := s.place(x)
		if ok && i.t.Kind == schema.KindBool {
			return atom{key: key, place: p, yes: word("true"), no: word("false")}, true
		}
	}
	return atom{}, false
}

func mirrored(op *hclsyntax.Operation) *hclsyntax.Operation {
	switch op {
	case hclsyntax.OpLessThan:
		return hclsyntax.OpGreaterThan
	case hclsyntax.OpLessThanOrEqual:
		return hclsyntax.OpGreaterThanOrEqual
	case hclsyntax.OpGreaterThan:
		return hclsyntax.OpLessThan
	case hclsyntax.OpGreaterThanOrEqual:
		return hclsyntax.OpLessThanOrEqual
	}
	return op
}

func (s *solver) comparison(at, with hclsyntax.Expression, op *hclsyntax.Operation) (atom, bool) {
	key, p, i, ok := s.place(at)
	if !ok {
		return atom{}, false
	}
	equality := op == hclsyntax.OpEqual || op == hclsyntax.OpNotEqual
	a := atom{key: key, place: p}
	if isNullLiteral(with) {
		a.yes = values{null: true}
		a.no = a.yes.but()
		if op == hclsyntax.OpNotEqual {
			a.yes, a.no = a.no, a.yes
		}
		return a, equality
	}
	v := s.constant(with)
	if v == cty.NilVal {
		return atom{}, false
	}
	if equality {
		set, ok := point(v)
		switch {
		case p.other:
			a.yes, a.no = (values{null: true}).but(), nothing().but()
		case !ok || i.t.Kind != typeOf(v.Type()).Kind:
			return atom{}, false
		default:
			a.yes, a.no = set, set.but()
		}
		if op == hclsyntax.OpNotEqual {
			a.yes, a.no = a.no, a.yes
		}
		return a, true
	}
	if v.Type() != cty.Number || i.t.Kind != schema.KindNumber {
		return atom{}, false
	}
	n := v.AsBigFloat()
	switch op {
	case hclsyntax.OpLessThan:
		a.yes = numbers(interval{hi: n, hiOpen: true})
	case hclsyntax.OpLessThanOrEqual:
		a.yes = numbers(interval{hi: n})
	case hclsyntax.OpGreaterThan:
		a.yes = numbers(interval{lo: n, loOpen: true})
	case hclsyntax.OpGreaterThanOrEqual:
		a.yes = numbers(interval{lo: n})
	default:
		return atom{}, false
	}
	a.no = numbers(complement(a.yes.nums)...)
	return a, true
}

// contained reads contains(["a", "b"], place).
func (s *solver) contained(list, at hclsyntax.Expression) (atom, bool) {
	tuple := tupleOf(list)
	key, p, i, ok := s.place(at)
	if !ok || tuple == nil || len(tuple.Exprs) > mostWords || p.other {
		return atom{}, false
	}
	set := nothing()
	for _, ex := range tuple.Exprs {
		v := s.constant(ex)
		if v == cty.NilVal || typeOf(v.Type()).Kind != i.t.Kind {
			return atom{}, false
		}
		one, ok := point(v)
		if !ok {
			return atom{}, false
		}
		set = set.or(one)
	}
	return atom{key: key, place: p, yes: set, no: set.but()}, true
}

// constant returns the value of an expression that has the same for every event and is not null, or cty.NilVal.
func (s *solver) constant(x hclsyntax.Expression) cty.Value {
	if v, ok := literal(x); ok {
		return v
	}
	if i := s.e.infer(x); i.constant() && !i.bad && i.val.IsWhollyKnown() {
		return i.val
	}
	return cty.NilVal
}

// place names the place that x reads and says what it may have by its type.
func (s *solver) place(x hclsyntax.Expression) (key string, p place, i info, ok bool) {
	x = unwrap(x)
	if isLength(x) {
		call := x.(*hclsyntax.FunctionCallExpr)
		path, ok := s.e.pathOf(call.Args[0])
		i = s.e.infer(x)
		if arg := s.e.infer(call.Args[0]); !ok || i.bad || arg.bad || arg.t.Kind == schema.KindObject || arg.lax() {
			return "", p, i, false
		}
		i.t.Format = schema.Integer
		p.values = anything(i.t, false).and(numbers(interval{lo: new(big.Float)}))
		p.why, p.portable = "a length is a whole number from 0 on", fromEvent(path)
		return "length(" + path + ")", p, i, true
	}
	key, ok = s.e.pathOf(x)
	if !ok {
		return "", p, i, false
	}
	i = s.e.infer(x)
	if i.bad {
		return "", p, i, false
	}
	p.portable = fromEvent(key)
	if i.constant() {
		if set, ok := point(i.val); ok {
			p.values, p.why = set, "it is always the same"
			return key, p, i, true
		}
	}
	if key == "event.type" && s.e.sc.variant != nil {
		i.t.Enum = typesOf([]*Trigger{s.e.sc.variant})
		p.why = "the trigger takes " + quoteList(i.t.Enum) + " only"
	}
	p.values = anything(i.t, i.null)
	if p.why == "" {
		p.why = typeSays(s.e.source(x.Range()), i)
	}
	return key, p, i, true
}

// typeSays is what a message gives as the reason where no condition above is one.
func typeSays(src string, i info) string {
	what := src + " is " + article(i.t.String())
	if len(i.t.Enum) > 0 {
		what = src + " can only be " + quoteList(i.t.Enum) + " in the version of the API that is pinned"
	} else if f := i.t.Format; f == schema.Integer || f == schema.MinorUnit || f == schema.UnixTime {
		what = src + " is a whole number"
	}
	if !i.null {
		what += " and never null"
	}
	return what
}

// fromEvent reports whether a place is a part of the event.
func fromEvent(path string) bool {
	root, _, _ := strings.Cut(path, ".")
	return root == "trigger" || root == "event" || root == "previous"
}

// portable reports whether an expression reads nothing but the event.
func portable(x hcl.Expression) bool {
	for _, t := range x.Variables() {
		switch t.RootName() {
		case "trigger", "event", "previous":
		default:
			return false
		}
	}
	return true
}

// opaque is a condition that is not looked into: all that is known is that it has the same value where the same text
// stands again.
func (s *solver) opaque(x hclsyntax.Expression, in *state) (yes, no *state) {
	i := s.e.infer(x)
	rng := x.Range()
	src := s.e.c.files[rng.Filename]
	if i.bad || rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte >= rng.End.Byte {
		return in.blurred(), in.blurred()
	}
	if i.constant() && i.val.Type() == cty.Bool {
		if i.val.True() {
			return in, nil
		}
		return nil, in
	}
	a := atom{
		key:   "= " + plainText(src[rng.Start.Byte:rng.End.Byte], rng),
		place: place{values: anything(boolType, false), why: "it is always the same", portable: portable(x)},
		yes:   word("true"), no: word("false"),
	}
	yes, no = s.apply(a, rng, in)
	return yes.blurred(), no.blurred()
}
