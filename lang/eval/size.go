package eval

// The size of a value is what it would take written out, each part as often as it occurs: a list that holds one long
// list a thousand times costs little memory, and a thousandfold the moment it becomes text. The walk stops at a limit,
// so that measuring is never the attack.

import (
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

const (
	nodeBytes = 16 // what a value counts beside its text
	// maxExponent bounds numbers to those that JSON carries, which are those of a float64. minExponent bounds how small
	// they are: beyond, turning a number into text takes forever.
	maxExponent = 1024
	minExponent = -4096
)

// sizeFault says what is wrong with a value beside its size.
type sizeFault uint8

const (
	noFault sizeFault = iota
	infinite
	tooGreat // a number of absurd magnitude
	notKnown
	longNumber // a string that would become such a number: no fault of a string, but of an operand
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
		s := v.AsString()
		if isLongNumber(s) {
			return nodeBytes + len(s), longNumber
		}
		return nodeBytes + len(s), noFault
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
		if fault == noFault || fault == longNumber && f != noFault {
			fault = f
		}
		if total += n; total > limit {
			break
		}
	}
	return total, fault
}

// isLongNumber reports whether s is a number that takes forever to calculate with, of hundreds of digits or with an
// exponent of more than three: "1e999999999" + 1 is a sum of 400 MB, and every operator converts strings.
func isLongNumber(s string) bool {
	i := 0
	for i < len(s) && ('0' <= s[i] && s[i] <= '9' || strings.IndexByte("+-._", s[i]) >= 0) {
		i++
	}
	switch {
	case i == len(s):
		return i > 400
	case i > 400:
		return true
	case strings.IndexByte("eEpPxX", s[i]) < 0:
		return false
	case s[i] == 'x' || s[i] == 'X':
		return strings.IndexAny(s, "pP") > 0 || len(s) > 400
	}
	exponent := strings.TrimLeft(s[i+1:], "+-0_")
	return len(exponent) > 3 && strings.Trim(exponent, "0123456789_") == ""
}

func numberSize(f *big.Float) (int, sizeFault) {
	if f.IsInf() {
		return nodeBytes, infinite
	}
	exp := f.MantExp(nil)
	if exp > maxExponent || exp < minExponent {
		return nodeBytes, tooGreat
	}
	return nodeBytes + max(exp, -exp)/3, noFault
}

// numberText is a number as JSON has it.
func numberText(v cty.Value) (string, error) {
	text, err := schema.AppendJSON(nil, v)
	return string(text), err
}
