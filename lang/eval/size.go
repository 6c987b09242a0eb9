package eval

// The size of a value is what it would take written out, each part as often as it occurs: a list that holds one long
// list a thousand times costs little memory, and a thousandfold the moment it becomes text. The walk stops at a limit,
// so that measuring is never the attack.

import (
	"math/big"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

const (
	nodeBytes = 16 // what a value counts beside its text
	// maxExponent bounds numbers, in bits: about 10^1233. Beyond, turning a number into text takes forever.
	maxExponent = 4096
)

// sizeFault says what is wrong with a value beside its size.
type sizeFault uint8

const (
	noFault sizeFault = iota
	infinite
	tooGreat // a number of absurd magnitude
	notKnown
)

// sizeOf returns the size of v, or some number above limit once it is known to exceed it; and the first fault found.
func sizeOf(v cty.Value, limit int) (int, sizeFault) {
	if v.IsMarked() {
		v, _ = v.Unmark()
	}
	if !v.IsKnown() {
		return nodeBytes, notKnown
	}
	if v.IsNull() {
		return nodeBytes, noFault
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return nodeBytes + len(v.AsString()), noFault
	case ty == cty.Number:
		return numberSize(v.AsBigFloat())
	case !v.CanIterateElements():
		return nodeBytes, noFault
	}
	total, fault := nodeBytes, noFault
	named := ty.IsObjectType() || ty.IsMapType()
	for it := v.ElementIterator(); it.Next(); {
		k, elem := it.Element()
		if named {
			total += len(k.AsString())
		}
		n, f := sizeOf(elem, limit-total)
		if fault == noFault {
			fault = f
		}
		if total += n; total > limit {
			break
		}
	}
	return total, fault
}

func numberSize(f *big.Float) (int, sizeFault) {
	if f.IsInf() {
		return nodeBytes, infinite
	}
	exp := f.MantExp(nil)
	if exp < 0 {
		exp = -exp
	}
	if exp > maxExponent {
		return nodeBytes, tooGreat
	}
	return nodeBytes + exp/3, noFault
}

// numberText is a number as JSON has it.
func numberText(v cty.Value) (string, error) {
	text, err := schema.AppendJSON(nil, v)
	return string(text), err
}
