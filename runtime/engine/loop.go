package engine

import (
	"fmt"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
	"github.com/flowrun/flowrun/runtime"
)

const (
	// maxElements is how many elements a step is done for at most. Each is a record of its own.
	maxElements = 10_000
	// maxAbreast is how many elements of one step are worked on at a time where the recipe says nothing.
	maxAbreast = 64
)

// loop is a step with for_each. Its elements are begun in order; each retries, fails and is recorded by itself.
type loop struct {
	begun    bool // the elements are known
	restored []unit
	keyed    bool // of a map or an object
	keys     []cty.Value
	names    []string // of the elements, in records
	vals     []cty.Value
	units    []unit
	outs     []cty.Value
	next     int // elements before it have been begun
	busy     int // calls under way, of this step
	left     int // elements that have not ended
	abreast  int
}

// startable reports whether an element can be begun.
func (l *loop) startable() bool { return l.begun && l.next < len(l.units) && l.busy < l.abreast }

// openLoop evaluates what the elements are.
func (r *runner) openLoop(n *check.Node) error {
	if err := r.openScope(); err != nil {
		return err
	}
	coll, err := r.scope.Value(n.ForEach)
	if err != nil {
		return drift(err)
	}
	coll, marks := coll.Unmark()
	t := coll.Type()
	if coll.IsNull() || !coll.CanIterateElements() {
		return &connectors.Error{Kind: connectors.KindDrift, Message: "`for_each` is not a list or a map"}
	}
	size := coll.LengthInt()
	if size > maxElements {
		return &connectors.Error{Kind: connectors.KindInvalid, Final: true,
			Message: fmt.Sprintf("`for_each` has %d elements; %d are possible", size, maxElements)}
	}
	u := r.at(n)
	if u.loop == nil {
		u.loop = &loop{}
	}
	l := u.loop
	l.keyed = t.IsMapType() || t.IsObjectType()
	l.keys, l.vals = make([]cty.Value, 0, size), make([]cty.Value, 0, size)
	for it := coll.ElementIterator(); it.Next(); {
		k, v := it.Element()
		if !l.keyed {
			k = cty.NumberIntVal(int64(len(l.keys))) // also of a set
		}
		l.keys, l.vals = append(l.keys, k), append(l.vals, v.WithMarks(marks))
	}
	_, secret := marks[eval.Secret]
	l.units, l.outs = make([]unit, size), make([]cty.Value, size)
	l.left, l.begun = size, true
	if l.abreast = n.MaxParallel; l.abreast <= 0 {
		l.abreast = maxAbreast
	}
	l.names = make([]string, size)
	for i := range l.names {
		l.names[i] = l.each(i, secret)
	}
	known := make(map[string]*unit, len(l.restored))
	for i := range l.restored {
		known[l.restored[i].step.Each] = &l.restored[i]
	}
	for i := range l.units {
		e := &l.units[i]
		e.node, e.of, e.item = n, l, i
		if old := known[l.names[i]]; old != nil {
			e.step, e.dirty = old.step, old.dirty
		}
	}
	l.restored = nil
	for i := range l.units {
		if l.units[i].step != nil {
			r.retake(&l.units[i])
		}
	}
	r.state[n.Index] = running
	for i := range l.units {
		if e := &l.units[i]; e.step != nil && e.step.Status == runtime.StepWaiting && e.step.Child != "" {
			r.takeCalled(e)
		}
	}
	return nil
}

// each returns what a record calls an element. The keys of a secret map are not shown.
func (l *loop) each(item int, secret bool) string {
	if l.keyed && !secret && l.keys[item].Type() == cty.String {
		k, _ := l.keys[item].Unmark()
		return k.AsString()
	}
	return strconv.Itoa(item)
}

// advanceLoop begins elements while there is room, and ends the step when they have ended. moved says that there may be
// more to do.
func (r *runner) advanceLoop(n *check.Node, calls []*attempt) (_ []*attempt, moved bool) {
	l := r.units[n.Index].loop
	for l.next < len(l.units) && l.busy < l.abreast && !r.over() && !r.stopping() {
		u := &l.units[l.next]
		l.next++
		if u.state != pending {
			continue
		}
		r.scope.SetEach(l.keys[u.item], l.vals[u.item])
		a, err := r.begin(u)
		switch {
		case err != nil:
			r.failUnit(u, err)
		case a != nil:
			calls = append(calls, a)
		}
	}
	if l.left > 0 || !l.begun {
		return calls, false
	}
	r.state[n.Index] = done
	if !r.run.Shadow || n.Out == nil || !l.anyShadowed() {
		r.scope.SetAction(n.Name, l.result())
	} else {
		r.state[n.Index] = shadowed
	}
	return calls, true
}

func (l *loop) anyShadowed() bool {
	for i := range l.units {
		if l.units[i].state == shadowed {
			return true
		}
	}
	return false
}

// result is what the step answers: a list for a list, a map for a map, of one type where the answers are of one.
func (l *loop) result() cty.Value {
	one := cty.NilType
	same := true
	for _, v := range l.outs {
		if v.IsNull() {
			continue
		}
		if one == cty.NilType {
			one = v.Type()
		}
		same = same && one.Equals(v.Type())
	}
	if same = same && one != cty.NilType; same {
		for i, v := range l.outs {
			if v.IsNull() {
				l.outs[i] = cty.NullVal(one)
			}
		}
	}
	switch {
	case len(l.outs) == 0 && l.keyed:
		return cty.MapValEmpty(cty.DynamicPseudoType)
	case len(l.outs) == 0:
		return cty.ListValEmpty(cty.DynamicPseudoType)
	case !l.keyed && same:
		return cty.ListVal(l.outs)
	case !l.keyed:
		return cty.TupleVal(l.outs)
	}
	vals := make(map[string]cty.Value, len(l.outs))
	for i, v := range l.outs {
		k, _ := l.keys[i].Unmark()
		vals[k.AsString()] = v
	}
	if same {
		return cty.MapVal(vals)
	}
	return cty.ObjectVal(vals)
}
