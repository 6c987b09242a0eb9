package check

// Steps as they stand: in bodies (the recipe's, those of cases, that of on_error) that lie in each other, and flattened
// into the list of nodes that is run.

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/syntax"
)

// nodeSrc is a node with the text it is made of.
type nodeSrc struct {
	*Node
	src    *syntax.Step
	args   []argument // of an action: its inputs, as they are written
	refs   *refs
	in     *body
	bodies []*body        // of a switch, one for each case
	shape  *schema.Object // of a wait: what wait.NAME is; nil where that is not known
}

func (n *nodeSrc) context() string {
	word := map[NodeKind]string{Filter: "filter", Switch: "switch", Wait: "wait", Action: "action"}[n.Kind]
	switch {
	case n.Latest != nil:
		return fmt.Sprintf("in trigger %q", n.src.Name)
	case n.Kind == Filter, n.Kind == Switch:
		if n.src.Label == "" {
			return "in " + word
		}
		return fmt.Sprintf("in %s %q", word, n.src.Label)
	case n.Kind == Wait:
		return fmt.Sprintf("in wait %q", n.src.Name)
	}
	if n.src.Name == n.src.Type {
		return fmt.Sprintf("in action %q", n.src.Type)
	}
	return fmt.Sprintf("in action %q %q", n.src.Type, n.src.Name)
}

// argRange is where an input is written.
func (n *nodeSrc) argRange(name string) hcl.Range {
	for _, a := range n.args {
		if a.Name == name {
			return a.Expr.Range()
		}
	}
	return n.src.Range
}

func (n *nodeSrc) gate() bool { return n.Kind == Filter || n.Kind == Wait || n.Latest != nil }

// body is what is written between two braces: the steps of a recipe, of a case, of on_error.
type body struct {
	parent  *body    // of the switch, nil at the top
	sw      *nodeSrc // the switch, nil at the top
	nth     int      // which of its cases
	onError bool
	nodes   []*nodeSrc
}

// within reports whether b is outer or stands in it.
func (b *body) within(outer *body) bool {
	for ; b != nil; b = b.parent {
		if b == outer {
			return true
		}
	}
	return false
}

// excludes reports whether a and b stand in different cases of one switch.
func (b *body) excludes(a *body) bool {
	for ; a != nil && a.sw != nil; a = a.parent {
		for c := b; c != nil && c.sw != nil; c = c.parent {
			if a.sw == c.sw {
				return a.nth != c.nth
			}
		}
	}
	return false
}

// inCaseOf reports whether b is, or stands in, a case of the switch.
func (b *body) inCaseOf(sw *nodeSrc) bool {
	for ; b != nil; b = b.parent {
		if b.sw == sw {
			return true
		}
	}
	return false
}

// step is an action or a wait as other expressions see it.
type step struct {
	node   *Node
	from   *nodeSrc
	null   bool // its answer may be null; of one with for_each: an element of it
	why    string
	broken bool // what it answers is not known
}

// reach says how a step is seen by an expression that stands in the body: whether it can have run at all, and why its
// answer may be missing there. A nil body is nowhere in particular.
func (s *step) reach(from *body) (possible bool, why string) {
	home := s.from.in
	switch {
	case from == nil:
		return true, map[bool]string{true: "when its block does not run"}[home.onError || home.sw != nil]
	case home.onError && !from.onError:
		return false, ""
	case from.onError && !home.onError:
		return true, "where the run failed before it ended"
	case from.within(home):
		return true, ""
	case from.excludes(home):
		return false, ""
	}
	return true, "when its case is not taken"
}

// sequence is a list of nodes in the making.
type sequence struct {
	nodes             []*nodeSrc
	out               []*Node
	prefix            string
	filters, switches int
}

// names are those that steps have taken.
type names struct{ actions, waits map[string]hcl.Range }

func (b *builder) collectSteps() {
	taken := names{map[string]hcl.Range{}, map[string]hcl.Range{}}
	top := &sequence{}
	early := b.early()
	b.top = b.collect(top, &body{}, b.src.Steps[:early], taken)
	b.fetches(top, b.top)
	b.collect(top, b.top, b.src.Steps[early:], taken)
	b.nodes, b.out.Nodes = top.nodes, top.out
	if b.src.OnError == nil {
		return
	}
	failed := &sequence{prefix: "on_error."}
	b.failed = b.collect(failed, &body{onError: true}, b.src.OnError.Steps, taken)
	b.onError, b.out.OnError = failed.nodes, failed.out
}

// collect adds the steps of a body, and of those in it, to the sequence.
func (b *builder) collect(seq *sequence, in *body, steps []*syntax.Step, taken names) *body {
	for _, s := range steps {
		if len(seq.nodes) == mostSteps {
			b.e.report(diag.TooExpensive, s.Range, "a recipe has %d steps at most; this one has more.", mostSteps)
			break
		}
		node := &Node{Index: len(seq.nodes), Range: s.Range, Parent: -1}
		if in.sw != nil {
			node.Parent, node.Case = in.sw.Index, in.nth
			nodes := &in.sw.Cases[in.nth].Nodes
			*nodes = append(*nodes, node.Index)
		}
		ns := &nodeSrc{Node: node, src: s, args: s.Args, refs: newRefs(), in: in}
		in.nodes = append(in.nodes, ns)
		seq.nodes, seq.out = append(seq.nodes, ns), append(seq.out, node)
		switch s.Kind {
		case syntax.FilterStep:
			seq.filters++
			node.Kind, node.Name, node.Address = Filter, s.Label, fmt.Sprintf("%sfilter.%d", seq.prefix, seq.filters)
			ns.refs.add(expr(s.Condition))
		case syntax.WaitStep:
			node.Kind, node.Name, node.Address = Wait, s.Name, seq.prefix+"wait."+s.Name
			b.in(b.e.sc.rep, ns.context(), func() { b.wait(ns, taken.waits) })
		case syntax.SwitchStep:
			seq.switches++
			node.Kind, node.Name, node.Address = Switch, s.Label, fmt.Sprintf("%sswitch.%d", seq.prefix, seq.switches)
			ns.refs.add(expr(s.Switch.On))
			for _, c := range s.Switch.Cases {
				node.Cases = append(node.Cases, Case{Default: c.Default, Range: c.Range})
			}
			for n, c := range s.Switch.Cases {
				ns.bodies = append(ns.bodies, b.collect(seq, &body{parent: in, sw: ns, nth: n, onError: in.onError}, c.Steps, taken))
			}
		default:
			node.Kind, node.Name, node.Address = Action, s.Name, seq.prefix+"action."+s.Name
			b.in(b.e.sc.rep, ns.context(), func() { b.action(ns, taken.actions) })
		}
	}
	return in
}

// wait reads what a wait waits for.
func (b *builder) wait(ns *nodeSrc, taken map[string]hcl.Range) {
	e, s, w := b.e, ns.src, ns.src.Wait
	st := &step{node: ns.Node, from: ns}
	if !duplicate(e.sc.rep, "wait", s.Name, s.NameRange, taken) {
		b.waits[s.Name] = st
	}
	out := &WaitFor{Reads: &schema.Paths{}}
	ns.Wait = out
	ns.refs.add(expr(w.Until))
	if w.For != nil {
		out.For = e.constantDuration(w.For, `"for"`)
	}
	if w.Timeout != nil {
		out.Timeout = e.constantDuration(w.Timeout, `"timeout"`)
	}
	fields := []schema.Field{{Name: "timed_out", Type: boolType, Required: true}}
	if w.Event != nil {
		ns.refs.add(expr(w.Event.Match))
		if w.Event.Type == callTrigger {
			e.report(diag.CallOnly, w.Event.TypeRange, "a call is no event that could be waited for: %s starts a recipe.", callTrigger)
			st.broken = true
			out.Event = &Trigger{Name: w.Event.Name, Range: w.Event.Range}
			return
		}
		if spec := b.c.cat.Trigger(w.Event.Type); spec != nil && spec.For != nil && spec.PathSetting == "" {
			e.report(diag.BadArgument, w.Event.TypeRange, "A %s starts recipes, and makes no event that could be waited for.", w.Event.Type)
			st.broken = true
			out.Event = &Trigger{Name: w.Event.Name, Range: w.Event.Range}
			return
		}
		out.Event = b.trigger(w.Event.Trigger)
		if out.Event.Payload == nil {
			st.broken = true
			return
		}
		fields = append(fields,
			schema.Field{Name: "trigger", Type: schema.ObjectType(out.Event.Payload), Required: true, Nullable: true},
			schema.Field{Name: "event", Type: schema.ObjectType(eventObject(typesOf([]*Trigger{out.Event}))), Required: true, Nullable: true})
	}
	st.broken = w.For == nil && w.Until == nil && w.Event == nil
	ns.shape = schema.NewObject(waitName, fields...)
}

// waitName is the name of the shape of wait.NAME.
const waitName = "wait"

// flow reads the arguments of an action that change how often it runs and what its failure means.
func (b *builder) flow(ns *nodeSrc) {
	e, s, node := b.e, ns.src, ns.Node
	ns.refs.add(expr(s.ForEach))
	if x := s.MaxParallel; x != nil {
		if v, ok := e.constantValue(x, numberType, `"max_parallel"`); ok {
			if n, whole := wholeNumber(v); whole && n > 0 {
				node.MaxParallel = n
			} else {
				e.report(diag.BadLiteral, x.Range(), `"max_parallel" needs a whole number from 1 on.`)
			}
		}
		if s.ForEach == nil {
			e.report(diag.UnexpectedArg, x.Range(), `"max_parallel" bounds how many elements of for_each are worked on at a time, and there is no for_each.`)
		}
	}
	if x := s.OnError; x != nil {
		allowed := []string{"continue", "fail"}
		if v, ok := e.constantString(x, `"on_error"`); ok && !slices.Contains(allowed, v) {
			e.notInEnum(x.Range(), v, allowed, `"on_error" can't be %q.`, v)
		} else if ok {
			node.ContinueOnError = v == "continue"
		}
	}
}

// graph fills in who needs whom.
func (b *builder) graph() {
	b.graphOf(b.nodes, b.out.Nodes)
	b.graphOf(b.onError, b.out.OnError)
	b.graphOfOutputs()
	b.graphOfKeys()
	leading := true
	for _, n := range b.nodes {
		leading = leading && n.Kind == Filter
		n.Leading = leading && len(n.Needs) == 0
	}
}

func (b *builder) graphOf(nodes []*nodeSrc, out []*Node) {
	mention := map[[2]int]hcl.Range{}
	for _, n := range nodes {
		n.refs.through(b.reads)
		needs := map[int]bool{}
		b.in(b.e.sc.rep, n.context(), func() {
			for _, name := range keys(n.refs.steps) {
				b.need(n, b.steps[name], n.refs.steps[name], needs, mention)
			}
			for _, name := range keys(n.refs.waits) {
				b.need(n, b.waits[name], n.refs.waits[name], needs, mention)
			}
			read := maps.Clone(needs)
			b.dependsOn(n, needs, mention)
			for _, i := range indexSet(needs) {
				if !read[i] {
					n.Ordered = append(n.Ordered, i)
				}
			}
		})
		n.Needs = indexSet(needs)
		if n.in.sw != nil {
			n.Gates = slices.Clone(n.in.sw.Gates)
		}
		for _, above := range nodes[:n.Index] {
			if above.in == n.in && above.gate() && !(above.Latest != nil && n.Latest != nil) { // one of them is done
				n.Gates = append(n.Gates, above.Index)
			}
			if n.Kind == Wait && above.in.within(n.in) {
				n.After = append(n.After, above.Index)
			}
		}
	}
	before := len(b.e.sc.rep.diags)
	b.e.checkStepCircles(out, func(node, needed int) hcl.Range { return mention[[2]int{node, needed}] })
	for _, d := range b.e.sc.rep.diags[before:] {
		for _, n := range slices.Backward(nodes) { // the innermost first
			if d.Subject.Start.Byte >= n.src.Range.Start.Byte && d.Subject.End.Byte <= n.src.BodyRange.End.Byte {
				diag.In(n.context(), hcl.Diagnostics{d})
			}
		}
	}
}

// need records that n reads st, or reports that it can't.
func (b *builder) need(n *nodeSrc, st *step, at hcl.Range, needs map[int]bool, mention map[[2]int]hcl.Range) {
	if st == nil {
		return
	}
	if possible, _ := st.reach(n.in); !possible {
		if st.from.in.onError {
			b.e.report(diag.StepOutOfReach, at, "%s (line %d) stands in on_error, which runs when all other steps have ended.", st.node.Address, st.node.Range.Start.Line)
			return
		}
		b.e.report(diag.StepOutOfReach, at, "%s (line %d) stands in another case of the same switch: where this step runs, that one does not. Move it above the switch, or into this case.",
			st.node.Address, st.node.Range.Start.Line)
		return
	}
	if st.from.in.onError != n.in.onError {
		return // a run that failed has ended whatever it began
	}
	needs[st.node.Index] = true
	key := [2]int{n.Index, st.node.Index}
	if _, ok := mention[key]; !ok {
		mention[key] = at
	}
}

func indexSet(set map[int]bool) []int {
	var out []int
	for n := range set {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
