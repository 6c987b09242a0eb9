package check

// Flow control: the blocks of a recipe block that say which events make runs, and when. What they read is known before
// there is a run, so their keys read the event and no step; the filters at the top have been asked before.

import (
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// Bounds of what is written out in flow control.
const (
	mostConcurrent  = 10_000
	mostPerPeriod   = 1_000_000
	shortestPeriod  = time.Second
	longestPeriod   = 31 * 24 * time.Hour
	longestMemory   = 90 * 24 * time.Hour // of deduplicate
	longestPriority = 24 * time.Hour
)

// keySrc is an expression of flow control.
type keySrc struct {
	x       hclsyntax.Expression
	context string // "in concurrency"
	name    string // "key" or "priority"
	refs    *refs
	to      *hcl.Expression // where it goes once it is ready
	bad     bool
}

// controls reads mode, priority, and the blocks of flow control and limits.
func (b *builder) controls() {
	s := b.src.Settings
	if s == nil {
		return
	}
	b.in(b.e.sc.rep, "in recipe", func() {
		if s.Mode != nil {
			b.mode(s.Mode)
		}
		if s.Priority != nil {
			b.key(s.Priority, "in recipe", "priority", &b.out.Flow.Priority)
		}
	})
	queues := false
	for _, c := range s.Controls {
		b.in(b.e.sc.rep, "in "+c.Word, func() { b.control(c) })
		queues = queues || c.Word == "throttle" || c.Word == "concurrency"
	}
	if s.Priority != nil && !queues {
		b.e.report(diag.NoEffect, s.Priority.Range(), "a priority says which of the runs that are queued goes first, and without concurrency or throttle none is queued.")
	}
}

func (b *builder) mode(x hclsyntax.Expression) {
	allowed := []string{"live", "shadow"}
	switch v, ok := b.e.constantString(x, `"mode"`); {
	case !ok:
	case v == "live" || v == "shadow":
		b.out.Shadow = v == "shadow"
	default:
		b.e.notInEnum(x.Range(), v, allowed, `"mode" can't be %q.`, v)
	}
}

// control reads one block.
func (b *builder) control(c *syntax.Control) {
	f, in := &b.out.Flow, "in "+c.Word
	key := func(to *hcl.Expression) {
		if a := c.Arg("key"); a != nil {
			b.key(a.Expr, in, "key", to)
		}
	}
	switch c.Word {
	case "concurrency":
		f.Concurrency = &Concurrency{Limit: b.count(c, "limit", 1, mostConcurrent), OnConflict: QueueConflict}
		key(&f.Concurrency.Key)
		b.conflict(c, f.Concurrency)
		if a := c.Arg("while_waiting"); a != nil {
			f.Concurrency.WhileWaiting, _ = b.e.constantBool(a.Expr, `"while_waiting"`)
		}
		if f.Concurrency.Limit == 1 && c.Arg("key") == nil {
			b.e.report(diag.OneLane, c.Range, "without a key all runs of the recipe share one lane, so one at a time is worked on, whoever it is about. Give it a key, such as key = trigger.customer.")
		}
	case "throttle":
		f.Throttle = b.rate(c)
		key(&f.Throttle.Key)
	case "rate_limit":
		f.RateLimit = b.rate(c)
		key(&f.RateLimit.Key)
	case "debounce":
		f.Debounce = &Debounce{Period: b.span(c, "period", longestPeriod), Timeout: b.span(c, "timeout", longestPeriod)}
		key(&f.Debounce.Key)
		if a := c.Arg("timeout"); a != nil && f.Debounce.Timeout > 0 && f.Debounce.Timeout < f.Debounce.Period {
			b.e.report(diag.BadLiteral, a.Expr.Range(), `"timeout" is the longest that a burst can put the run off, and is shorter than "period".`)
		}
	case limitsBlock:
		b.limits(c)
	case "deduplicate":
		f.Deduplicate = &Deduplicate{For: b.span(c, "for", longestMemory)}
		key(&f.Deduplicate.Key)
	}
}

func (b *builder) rate(c *syntax.Control) *Rate {
	return &Rate{
		Limit:  b.count(c, "limit", 1, mostPerPeriod),
		Period: b.span(c, "period", longestPeriod),
		Burst:  b.count(c, "burst", 0, mostPerPeriod),
	}
}

func (b *builder) conflict(c *syntax.Control, out *Concurrency) {
	a := c.Arg("on_conflict")
	if a == nil {
		return
	}
	allowed := []string{"queue", "skip", "cancel_running"}
	v, ok := b.e.constantString(a.Expr, `"on_conflict"`)
	if !ok {
		return
	}
	switch v {
	case "queue":
		out.OnConflict = QueueConflict
	case "skip":
		out.OnConflict = SkipConflict
	case "cancel_running":
		out.OnConflict = CancelRunning
	default:
		b.e.notInEnum(a.Expr.Range(), v, allowed, `"on_conflict" can't be %q.`, v)
	}
}

// count reads a whole number that is written out; 0 where it is left out or mistaken.
func (b *builder) count(c *syntax.Control, name string, least, most int) int {
	a := c.Arg(name)
	if a == nil {
		return 0
	}
	v, ok := b.e.constantValue(a.Expr, numberType, fmt.Sprintf("%q", name))
	if !ok {
		return 0
	}
	n, whole := wholeNumber(v)
	if !whole || n < least || n > most {
		b.e.report(diag.BadLiteral, a.Expr.Range(), "%q needs a whole number from %d to %d.", name, least, most)
		return 0
	}
	return n
}

// span reads a duration that is written out; 0 where it is left out or mistaken.
func (b *builder) span(c *syntax.Control, name string, longest time.Duration) time.Duration {
	a := c.Arg(name)
	if a == nil {
		return 0
	}
	d := b.e.constantDuration(a.Expr, fmt.Sprintf("%q", name))
	if d == 0 {
		return 0
	}
	if d < shortestPeriod || d > longest {
		b.e.report(diag.BadLiteral, a.Expr.Range(), "%q needs a duration from 1s to %dd.", name, int(longest/(24*time.Hour)))
		return 0
	}
	return d
}

func (b *builder) key(x hclsyntax.Expression, context, name string, to *hcl.Expression) {
	k := &keySrc{x: x, context: context, name: name, refs: newRefs(), to: to}
	k.refs.add(x)
	b.keys = append(b.keys, k)
}

// graphOfKeys reports what is read too early: flow control is asked before there is a run.
func (b *builder) graphOfKeys() {
	for _, k := range b.keys {
		k.refs.through(b.reads)
		early := func(what string, at hcl.Range) {
			k.bad = true
			b.in(b.e.sc.rep, k.context, func() {
				b.e.report(diag.TooEarly, at, "Flow control decides whether and when there is a run, by trigger, previous, event, var and local; %s is not there yet.", what)
			})
		}
		for _, name := range keys(k.refs.steps) {
			early("what a step answers", k.refs.steps[name])
		}
		for _, name := range keys(k.refs.waits) {
			early("what a wait ends with", k.refs.waits[name])
		}
		if k.refs.run != (hcl.Range{}) {
			early("a run", k.refs.run)
		}
	}
}

// typesOfKeys checks the expressions of flow control, below the filters that are asked before there is a run.
func (b *builder) typesOfKeys(e env, rep *reporter) {
	if len(b.keys) == 0 {
		return
	}
	for _, n := range b.nodes {
		if n.Leading && n.src.Condition != nil {
			e.facts = e.facts.and(e.assume(n.src.Condition, true))
		}
	}
	for _, k := range b.keys {
		if k.bad {
			continue
		}
		b.in(rep, k.context, func() {
			if k.name == "priority" {
				e.priority(k.x)
				return
			}
			i := e.infer(k.x)
			e.wantKey(k.x, i)
			if word := strings.TrimPrefix(k.context, "in "); i.null && !i.bad && word != "concurrency" && word != "throttle" {
				e.report(diag.NullKey, k.x.Range(), "%s may be null%s. All events for which it is share one key, and %s drops events. Put a filter at the top, or give each a key of its own with coalesce(…, event.id).",
					e.source(k.x.Range()), because(i), word)
			}
		})
	}
}

func (e env) priority(x hclsyntax.Expression) {
	i := e.assign(x, target{t: numberType, name: `"priority"`, required: true})
	if i.bad || !i.constant() {
		return
	}
	most := int64(longestPriority / time.Second)
	v, err := convertTo(i.val, ctyOf(numberType))
	if err != nil {
		return
	}
	if n, _ := v.AsBigFloat().Int64(); n < -most || n > most {
		e.report(diag.BadLiteral, x.Range(), `"priority" is the seconds by which a run goes before others, from -%d to %d.`, most, most)
	}
}

// wantKey checks a key: null is a key of its own.
func (e env) wantKey(x hclsyntax.Expression, i info) {
	switch {
	case i.bad:
	case i.secret:
		e.leak(x.Range(), target{name: "a key"})
	case i.lax() || primitive(i.t.Kind):
	case i.t.Kind == schema.KindList || i.t.Kind == schema.KindMap || i.t.Kind == schema.KindObject:
		e.report(diag.WrongType, x.Range(), "a key is a string, a number or true and false; %s is %s. To make one of several values, write \"${a}/${b}\".",
			e.source(x.Range()), article(i.t.String()))
	}
}

// because goes on after "may be null".
func because(i info) string {
	if i.why == "" {
		return ""
	}
	return " " + i.why
}

// controlWarnings are the warnings of flow control that need all of the recipe.
func (b *builder) controlWarnings() {
	if b.out.Flow.Debounce == nil {
		return
	}
	for _, c := range b.src.Settings.Controls {
		if c.Word != "debounce" {
			continue
		}
		for _, r := range b.allRefs() {
			if len(r.prev) > 0 {
				b.in(b.e.sc.rep, "in debounce", func() {
					b.e.report(diag.PreviousOfBurst, r.prev[0].SourceRange(), "debounce runs for the last event of a burst, and previous says what that one changed, not what the whole burst did.")
				})
				return
			}
		}
	}
}

// allRefs are the references of steps, flow control and outputs.
func (b *builder) allRefs() []*refs {
	var out []*refs
	for _, n := range b.all() {
		out = append(out, n.refs)
	}
	for _, k := range b.keys {
		out = append(out, k.refs)
	}
	for _, o := range b.outputs {
		out = append(out, o.node.refs)
	}
	return out
}
