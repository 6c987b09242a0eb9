package check

import (
	"fmt"
	"maps"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// values is a set of values that a place may have, exact for strings, numbers and bools. It is immutable.
type values struct {
	null  bool            // null is among them
	words map[string]bool // strings; of a bool "true" and "false"
	not   bool            // all strings but words
	nums  []interval      // in order, apart from each other
	whole bool            // the place holds whole numbers only
	other bool            // values of other kinds, of which nothing more is said
	text  string          // its key, where facts have asked for it
}

// interval is a range of numbers. A nil end is open without end.
type interval struct {
	lo, hi         *big.Float
	loOpen, hiOpen bool
}

// Sets that grow beyond these are given up: the work on a condition stays linear.
const (
	mostWords     = 256
	mostIntervals = 64
)

func nothing() values { return values{} }

// anything returns all values of a type.
func anything(t schema.Type, null bool) values {
	v := values{null: null}
	switch t.Kind {
	case schema.KindString:
		if len(t.Enum) == 0 || len(t.Enum) > mostWords {
			v.not = true
			return v
		}
		v.words = map[string]bool{}
		for _, s := range t.Enum {
			v.words[s] = true
		}
	case schema.KindBool:
		v.words = map[string]bool{"true": true, "false": true}
	case schema.KindNumber:
		v.nums = []interval{{}}
		v.whole = t.Format == schema.Integer || t.Format == schema.MinorUnit || t.Format == schema.UnixTime
	default:
		v.other = true
	}
	return v
}

func word(s string) values { return values{words: map[string]bool{s: true}} }

func numbers(list ...interval) values { return values{nums: list} }

// point returns the set of one constant; ok is false for one that is no string, number or bool.
func point(v cty.Value) (values, bool) {
	switch v.Type() {
	case cty.String:
		return word(v.AsString()), true
	case cty.Bool:
		if v.True() {
			return word("true"), true
		}
		return word("false"), true
	case cty.Number:
		n := v.AsBigFloat()
		return numbers(interval{lo: n, hi: n}), true
	}
	return values{}, false
}

// size is how many parts the set is made of.
func (v values) size() int { return len(v.words) + len(v.nums) }

func (v values) empty() bool {
	return !v.null && !v.not && len(v.words) == 0 && len(v.nums) == 0 && !v.other
}

// and returns what is in both sets.
func (v values) and(w values) values {
	out := values{null: v.null && w.null, other: v.other && w.other, whole: v.whole || w.whole}
	switch {
	case v.not && w.not:
		out.not, out.words = true, union(v.words, w.words)
	case v.not:
		out.words = without(w.words, v.words)
	case w.not:
		out.words = without(v.words, w.words)
	default:
		out.words = map[string]bool{}
		for s := range v.words {
			if w.words[s] {
				out.words[s] = true
			}
		}
	}
	if out.not && len(out.words) > mostWords {
		out.words = v.words
	}
	out.nums = meet(v.nums, w.nums, out.whole)
	if len(out.nums) > mostIntervals {
		out.nums = v.nums
	}
	return out
}

// or returns what is in one of the sets at least.
func (v values) or(w values) values {
	out := values{null: v.null || w.null, other: v.other || w.other, whole: v.whole && w.whole}
	switch {
	case v.not && w.not:
		out.not, out.words = true, map[string]bool{}
		for s := range v.words {
			if w.words[s] {
				out.words[s] = true
			}
		}
	case v.not:
		out.not, out.words = true, without(v.words, w.words)
	case w.not:
		out.not, out.words = true, without(w.words, v.words)
	default:
		if out.words = union(v.words, w.words); len(out.words) > mostWords {
			out.not, out.words = true, nil
		}
	}
	out.nums = complement(meet(complement(v.nums), complement(w.nums), false))
	if len(out.nums) > mostIntervals {
		out.nums = []interval{{}}
	}
	return out
}

// but returns what is not in the set.
func (v values) but() values {
	return values{null: !v.null, not: !v.not, words: v.words, nums: complement(v.nums), other: !v.other}
}

// key is the same for equal sets.
func (v values) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%t %t %t %t", v.null, v.not, v.whole, v.other)
	for _, s := range keys(v.words) {
		fmt.Fprintf(&b, " %q", s)
	}
	for _, x := range v.nums {
		for _, end := range []*big.Float{x.lo, x.hi} {
			if end == nil {
				b.WriteString(" *")
			} else {
				b.WriteString(" " + end.Text('p', 0))
			}
		}
		fmt.Fprintf(&b, " %t %t", x.loOpen, x.hiOpen)
	}
	return b.String()
}

func union(a, b map[string]bool) map[string]bool {
	out := make(map[string]bool, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func without(a, b map[string]bool) map[string]bool {
	out := map[string]bool{}
	for s := range a {
		if !b[s] {
			out[s] = true
		}
	}
	return out
}

// meet returns the numbers that are in both lists; whole leaves out intervals that hold no whole number.
func meet(a, b []interval, whole bool) []interval {
	var out []interval
	for i, j := 0, 0; i < len(a) && j < len(b); {
		x := interval{lo: a[i].lo, loOpen: a[i].loOpen, hi: a[i].hi, hiOpen: a[i].hiOpen}
		if later(b[j].lo, b[j].loOpen, x.lo, x.loOpen) {
			x.lo, x.loOpen = b[j].lo, b[j].loOpen
		}
		if earlier(b[j].hi, b[j].hiOpen, x.hi, x.hiOpen) {
			x.hi, x.hiOpen = b[j].hi, b[j].hiOpen
		}
		if whole {
			x = x.rounded()
		}
		if !x.empty() {
			out = append(out, x)
		}
		if earlier(a[i].hi, a[i].hiOpen, b[j].hi, b[j].hiOpen) {
			i++
		} else {
			j++
		}
	}
	return out
}

// later reports whether the lower end a begins after b.
func later(a *big.Float, aOpen bool, b *big.Float, bOpen bool) bool {
	switch {
	case a == nil:
		return false
	case b == nil:
		return true
	}
	c := a.Cmp(b)
	return c > 0 || c == 0 && aOpen && !bOpen
}

// earlier reports whether the upper end a stands before b.
func earlier(a *big.Float, aOpen bool, b *big.Float, bOpen bool) bool {
	switch {
	case a == nil:
		return false
	case b == nil:
		return true
	}
	c := a.Cmp(b)
	return c < 0 || c == 0 && aOpen && !bOpen
}

func (x interval) empty() bool {
	if x.lo == nil || x.hi == nil {
		return false
	}
	c := x.lo.Cmp(x.hi)
	return c > 0 || c == 0 && (x.loOpen || x.hiOpen)
}

// widest is how long a number may be to be rounded: the cost of a number written 1e1000000 is not worth it.
const widest = 1100

// rounded moves the ends to whole numbers.
func (x interval) rounded() interval {
	x.lo, x.loOpen = roundEnd(x.lo, x.loOpen, 1)
	x.hi, x.hiOpen = roundEnd(x.hi, x.hiOpen, -1)
	return x
}

// roundEnd moves an end inward, which is up for 1 and down for -1.
func roundEnd(n *big.Float, open bool, inward int) (*big.Float, bool) {
	if n == nil || n.IsInf() || n.MantExp(nil) > widest {
		return n, open
	}
	i, acc := n.Int(nil)
	move := acc == big.Exact && open || acc == big.Below && inward > 0 || acc == big.Above && inward < 0
	if move {
		i.Add(i, big.NewInt(int64(inward)))
	}
	return new(big.Float).SetPrec(0).SetInt(i), false
}

// complement returns the numbers that are in none of the intervals.
func complement(list []interval) []interval {
	var out []interval
	next := interval{}
	for _, x := range list {
		if x.lo != nil {
			next.hi, next.hiOpen = x.lo, !x.loOpen
			if !next.empty() {
				out = append(out, next)
			}
		}
		if x.hi == nil {
			return out
		}
		next = interval{lo: x.hi, loOpen: !x.hiOpen}
	}
	return append(out, next)
}
