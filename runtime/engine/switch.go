package engine

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// decide evaluates a switch. The nodes of the cases that are not taken are off: what reads them from outside sees null.
func (r *runner) decide(n *check.Node) error {
	v, err := r.value(n.On)
	if err != nil {
		return err
	}
	if !v.IsNull() && !v.Type().IsPrimitiveType() {
		return &connectors.Error{Kind: connectors.KindDrift, Message: "what the switch is on is not a string, a number or true or false"}
	}
	taken := caseOf(n.Cases, v)
	r.state[n.Index] = done
	for i := range n.Cases {
		if i != taken {
			r.switchOff(n.Cases[i].Nodes)
		}
	}
	return nil
}

func (r *runner) switchOff(nodes []int) {
	for _, i := range nodes {
		n := r.nodes[i]
		r.leave(n, off)
		for c := range n.Cases {
			r.switchOff(n.Cases[c].Nodes)
		}
	}
}

// caseOf returns the first case that has the value, else the default, else -1.
func caseOf(cases []check.Case, v cty.Value) int {
	other := -1
	for i := range cases {
		if cases[i].Default {
			other = i
			continue
		}
		if v.IsNull() {
			continue
		}
		for _, label := range cases[i].Values {
			if sameValue(label, v) {
				return i
			}
		}
	}
	return other
}

// sameValue compares a label, which is text where the checker could not know better, with a value.
func sameValue(label, v cty.Value) bool {
	if !label.Type().Equals(v.Type()) {
		converted, err := convert.Convert(label, v.Type())
		if err != nil {
			return false
		}
		label = converted
	}
	return equalTo(label, v)
}

// shadow records a step and does not do it.
func (r *runner) shadow(u *unit) {
	s := r.step(u)
	s.Status, s.EndedAt, s.Shadow = runtime.StepDone, r.e.clock.Now(), true
	r.ran = true
	r.retakeShadow(u)
}

func (r *runner) retakeShadow(u *unit) {
	r.set(u, done, null)
	if u.node.Out != nil { // else there is nothing to know
		r.putShadowed(u)
	}
}

// putShadowed says of a unit that has ended that its answer is not known.
func (r *runner) putShadowed(u *unit) {
	if u.of == nil {
		r.state[u.node.Index] = shadowed
	} else {
		u.state = shadowed
	}
}

// darken ends a node that needs what was recorded and not made.
func (r *runner) darken(n *check.Node) {
	if n.Kind == check.Action {
		s := r.step(r.at(n))
		s.Status, s.EndedAt, s.Shadow = runtime.StepSkipped, r.e.clock.Now(), true
	}
	r.leave(n, dark)
}

// output reads a step's recorded answer back in its shape.
func output(shape *schema.Object, raw []byte) (cty.Value, error) {
	if shape == nil || len(raw) == 0 || schema.IsNull(raw) {
		return null, nil
	}
	v, _, err := shape.Decode(raw, &schema.Paths{All: true})
	return v, err
}
