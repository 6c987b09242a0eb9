package engine

// Deciding early. Most events concern few recipes, and most recipes begin with a filter that says no. So the
// comparisons that begin a recipe's leading filters (trigger.amount >= 5000, trigger.customer != null) are taken out
// of the expression by the checker and put, for all recipes that listen to one event type, into an index by path and
// value: a thousand recipes then cost a look-up, not a thousand evaluations.
//
// The index may only say no where the expression would have said no. A comparison that could fail instead (an ordering
// with null, or with what isn't a number) counts as "unsure", and the expression itself is asked; so a payload that has
// drifted from its shape ends in an error with a position, never in a silent no.

import (
	"cmp"
	"slices"
	"sort"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
)

// route is all recipes that listen to one event type on one connection.
type route struct {
	entries []*entry         // in the order of the recipes' names
	slots   []schema.Path    // the payload's values that comparisons look at
	objects []*schema.Object // by which each slot is decoded: the payload shape
	want    schema.Paths
	payload *schema.Object
	flow    bool // one of the recipes has flow control
	shared  bool // want also holds what the recipes read, so that the payload is decoded once for all

	equal   []equalIndex
	ordered []orderedIndex
	rest    []int // entries that no index covers
}

// entry is one recipe's interest in the route.
type entry struct {
	recipe  *recipe
	trigger *check.Trigger
	preds   []pred
	gates   []*check.Node  // leading filters that preds do not decide: these are evaluated
	decided []int          // indices of the leading filters that preds decide alone
	tests   []schema.Guard // conditions of the trigger's settings that no comparison says
	byPred  []int          // for each pred, the node it comes from, -1 for a trigger's setting
}

type pred struct {
	slot  int
	op    check.Op
	value cty.Value
}

// equalIndex finds the entries whose access comparison is slot == value.
type equalIndex struct {
	slot     int
	byString map[string][]int
	byOther  []valueEntry // numbers and bools: few in practice
}

type valueEntry struct {
	value cty.Value
	entry int
}

// orderedIndex finds the entries whose access comparison is slot > or >= a number (ascending: those up to the slot's
// value are candidates), or < or <=.
type orderedIndex struct {
	slot         int
	above, below []threshold // ascending
}

type threshold struct {
	at    cty.Value
	f     float64 // at, rounded: for the search only, one more on either side is looked at
	entry int
}

func (g *generation) buildRoutes() {
	g.routes = map[routeKey]*route{}
	g.any = map[string]*route{}
	wild := map[string][]*entry{}
	listeners := map[routeKey][]*entry{}
	for _, cr := range g.program.Recipes() {
		if cr.Disabled {
			continue
		}
		r := g.recipes[cr.Name]
		seen := map[routeKey]bool{}
		for _, t := range cr.Triggers {
			for _, ev := range t.Events {
				key := routeKey{t.Connection, ev}
				if seen[key] {
					continue // two triggers of a recipe that meet the same event: one run
				}
				seen[key] = true
				if ev == "*" {
					wild[t.Connection] = append(wild[t.Connection], newEntry(r, t))
				} else {
					listeners[key] = append(listeners[key], newEntry(r, t))
				}
			}
		}
	}
	for key, entries := range listeners {
		for _, w := range wild[key.connection] {
			if !slices.ContainsFunc(entries, func(x *entry) bool { return x.recipe == w.recipe }) {
				entries = append(entries, newEntry(w.recipe, w.trigger))
			}
		}
		g.routes[key] = newRoute(entries)
	}
	for connection, entries := range wild {
		g.any[connection] = newRoute(entries)
	}
}

func newEntry(r *recipe, t *check.Trigger) *entry { return &entry{recipe: r, trigger: t} }

func newRoute(entries []*entry) *route {
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.recipe.Name, b.recipe.Name) })
	r := &route{entries: entries}
	slots := map[string]int{}
	for _, en := range entries {
		r.flow = r.flow || en.recipe.flow != nil
		for _, guard := range en.trigger.Guards {
			if !guard.Plain() {
				en.tests = append(en.tests, guard)
				continue
			}
			op := check.NotEqual
			if guard.Null {
				op = check.Equal
			}
			r.add(en, -1, check.Predicate{Path: guard.Path, Op: op, Value: cty.NullVal(cty.DynamicPseudoType)}, slots)
		}
		exact := true
		for _, n := range en.recipe.Nodes {
			if n.Kind != check.Filter || !n.Leading {
				break
			}
			if !exact {
				en.gates = append(en.gates, n)
				continue
			}
			for _, p := range n.Simple {
				r.add(en, n.Index, p, slots)
			}
			if n.Exact {
				en.decided = append(en.decided, n.Index)
			} else {
				en.gates = append(en.gates, n)
				exact = false
			}
		}
	}
	// The payload shape by which slots are decoded. Recipes of one route share the vendor's event type and so its
	// shape; a generic trigger has a wider or narrower one. The first that knows a path decides.
	for i, path := range r.slots {
		r.objects = append(r.objects, nil)
		for _, en := range entries {
			if knows(en.trigger.Payload, path) {
				r.objects[i] = en.trigger.Payload
				break
			}
		}
		if r.payload == nil {
			r.payload = r.objects[i]
		}
		r.want.Add(path...)
	}
	if len(entries) <= maxShared && r.payload != nil {
		r.shared = true
		for _, en := range entries {
			r.want.Merge(en.recipe.Reads)
		}
	}
	r.index()
	return r
}

// maxShared is up to how many recipes on a route have their payload decoded in one go with the comparisons' values.
// With more of them most say no, and what they would have read isn't worth decoding.
const maxShared = 4

func knows(o *schema.Object, path schema.Path) bool {
	for i, name := range path {
		if o == nil {
			return false
		}
		f := o.Field(name)
		if f == nil {
			return false
		}
		if i == len(path)-1 {
			return true
		}
		o = f.Type.Object
	}
	return false
}

func (r *route) add(en *entry, node int, p check.Predicate, slots map[string]int) {
	key := p.Path.String()
	slot, ok := slots[key]
	if !ok {
		slot = len(r.slots)
		slots[key] = slot
		r.slots = append(r.slots, p.Path)
	}
	en.preds = append(en.preds, pred{slot, p.Op, p.Value})
	en.byPred = append(en.byPred, node)
}

// index gives each entry one way of access: its first comparison that an index can serve, where those before it can't
// fail.
func (r *route) index() {
	equal := map[int]*equalIndex{}
	ordered := map[int]*orderedIndex{}
	for i, en := range r.entries {
		served := false
		for _, p := range en.preds {
			switch p.op {
			case check.Equal:
				if p.value.IsNull() {
					continue
				}
				x := equal[p.slot]
				if x == nil {
					x = &equalIndex{slot: p.slot, byString: map[string][]int{}}
					equal[p.slot] = x
				}
				if p.value.Type() == cty.String {
					s := p.value.AsString()
					x.byString[s] = append(x.byString[s], i)
				} else {
					x.byOther = append(x.byOther, valueEntry{p.value, i})
				}
				served = true
			case check.NotEqual:
				continue // says no too rarely to be worth an index, and can't fail
			default:
				x := ordered[p.slot]
				if x == nil {
					x = &orderedIndex{slot: p.slot}
					ordered[p.slot] = x
				}
				f, _ := p.value.AsBigFloat().Float64()
				th := threshold{p.value, f, i}
				if p.op == check.Greater || p.op == check.GreaterOrEqual {
					x.above = append(x.above, th)
				} else {
					x.below = append(x.below, th)
				}
				served = true
			}
			break
		}
		if !served {
			r.rest = append(r.rest, i)
		}
	}
	for _, slot := range sortedKeys(equal) {
		r.equal = append(r.equal, *equal[slot])
	}
	byValue := func(a, b threshold) int { return cmp.Compare(a.f, b.f) }
	for _, slot := range sortedKeys(ordered) {
		x := ordered[slot]
		slices.SortStableFunc(x.above, byValue)
		slices.SortStableFunc(x.below, byValue)
		r.ordered = append(r.ordered, *x)
	}
}

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// values decodes the slots of a payload. A slot that isn't there is null. whole is what the recipes read of the payload,
// where that was decoded with them.
func (r *route) values(object []byte) (vals []cty.Value, whole cty.Value, drift []schema.Drift) {
	if len(r.slots) == 0 {
		return nil, cty.NilVal, nil
	}
	vals = make([]cty.Value, len(r.slots))
	first := cty.NilVal
	if r.payload != nil {
		first, drift, _ = r.payload.Decode(object, &r.want)
	}
	for i, path := range r.slots {
		v := first
		if o := r.objects[i]; o != r.payload && o != nil {
			v, _, _ = o.Decode(object, &r.want)
		}
		vals[i] = at(v, path)
	}
	if r.shared {
		whole = first
	}
	return vals, whole, drift
}

func at(v cty.Value, path schema.Path) cty.Value {
	for _, name := range path {
		if v == cty.NilVal || v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		v = v.GetAttr(name)
	}
	return v
}

// candidates appends the entries whose access comparison does not say no.
func (r *route) candidates(vals []cty.Value, out []int) []int {
	out = append(out, r.rest...)
	for i := range r.equal {
		x := &r.equal[i]
		v := vals[x.slot]
		if !v.IsNull() && v.Type() == cty.String {
			out = append(out, x.byString[v.AsString()]...)
		}
		for _, o := range x.byOther {
			if sameAs(v, o.value) != no {
				out = append(out, o.entry)
			}
		}
	}
	for i := range r.ordered {
		x := &r.ordered[i]
		v := vals[x.slot]
		if v.IsNull() || v.Type() != cty.Number {
			for _, th := range x.above {
				out = append(out, th.entry)
			}
			for _, th := range x.below {
				out = append(out, th.entry)
			}
			continue
		}
		f, _ := v.AsBigFloat().Float64()
		end := sort.Search(len(x.above), func(i int) bool { return x.above[i].f > f })
		for _, th := range x.above[:end] {
			out = append(out, th.entry)
		}
		start := sort.Search(len(x.below), func(i int) bool { return x.below[i].f >= f })
		for _, th := range x.below[start:] {
			out = append(out, th.entry)
		}
	}
	slices.Sort(out)
	return out
}

// outcome of a comparison.
type outcome int8

const (
	no outcome = iota
	yes
	unsure
)

// admits runs an entry's comparisons in order; unsure means that the expressions must be asked.
func (en *entry) admits(vals []cty.Value) outcome {
	for i := range en.preds {
		if o := en.preds[i].holds(vals[en.preds[i].slot]); o != yes {
			return o
		}
	}
	return yes
}

func (p *pred) holds(v cty.Value) outcome {
	switch p.op {
	case check.Equal:
		return sameAs(v, p.value)
	case check.NotEqual:
		return truth(!equalTo(v, p.value))
	}
	if v.IsNull() || v.Type() != cty.Number {
		return unsure
	}
	c := v.AsBigFloat().Cmp(p.value.AsBigFloat())
	switch p.op {
	case check.Less:
		return truth(c < 0)
	case check.LessOrEqual:
		return truth(c <= 0)
	case check.Greater:
		return truth(c > 0)
	case check.GreaterOrEqual:
		return truth(c >= 0)
	}
	return unsure
}

// sameAs is == with a literal. A bool that is asked for may stand bare in a condition (trigger.paid, !trigger.paid),
// where null or another type is not merely different.
func sameAs(v, literal cty.Value) outcome {
	if !literal.IsNull() && literal.Type() == cty.Bool && (v.IsNull() || v.Type() != cty.Bool) {
		return unsure
	}
	return truth(equalTo(v, literal))
}

func truth(b bool) outcome {
	if b {
		return yes
	}
	return no
}

// equalTo is HCL's ==: values of different types are never equal, null equals null only.
func equalTo(a, b cty.Value) bool {
	if a.IsNull() || b.IsNull() {
		return a.IsNull() && b.IsNull()
	}
	if !a.Type().Equals(b.Type()) {
		return false
	}
	switch a.Type() {
	case cty.String:
		return a.AsString() == b.AsString()
	case cty.Number:
		return a.AsBigFloat().Cmp(b.AsBigFloat()) == 0
	}
	return a.Equals(b).True()
}
