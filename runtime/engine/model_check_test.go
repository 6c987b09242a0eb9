package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/runtime"
)

// The model test's reference. It walks a recipe from top to bottom as docs/language.md says that it is meant, with the
// vendor's fates at hand, and says which calls a run may make and whether it must fail. What depends on the moment (which
// event ended a wait, whether a crash left an outcome unknown) it takes from the run's record, and holds that against
// what may be.

// walk is the reference's view of one run.
type walk struct {
	w          *mWorld
	r          *mRecipe
	run        *runtime.Run
	id         string // as the calls' names carry it
	status     string
	amount     int
	state      map[string]string // of nodes: ok, null, failed, never (for something above failed), held
	may        map[string]bool
	failed     bool
	stopped    bool
	ran        bool
	unfinished []string // waits and calls that have not ended, which only a failure excuses
}

func (k *walk) step(address, each string) *runtime.Step {
	for _, s := range k.run.Steps {
		if s.Address == address && s.Each == each {
			return s
		}
	}
	return nil
}

// block walks nodes, and reports whether something in it failed, so that what needs all of it never comes.
func (k *walk) block(nodes []*mNode, prefix string) (broken bool) {
	open := true
	for _, n := range nodes {
		if !open {
			k.state[n.name] = "held"
			continue
		}
		switch n.kind {
		case "action":
			k.state[n.name] = k.action(n, prefix)
		case "call":
			k.state[n.name] = k.call(n)
		case "filter":
			pass, st := k.amount >= n.above, "ok"
			if n.of != "" {
				st = k.state[n.of]
				pass = st == "ok" && !k.w.c.fateOf(k.name(n.of, "")).null
			}
			if open = pass; !pass && (st == "ok" || st == "null") {
				k.stopped = true
			}
		case "wait":
			open = !broken && k.wait(n)
		case "switch":
			in := n.paid
			if k.status == "open" {
				in = n.open
			}
			broken = k.block(in, prefix) || broken
		}
		if st := k.state[n.name]; st == "failed" || st == "never" {
			broken = true
		}
	}
	return broken
}

func (k *walk) name(node, each string) string {
	return strings.Join([]string{k.r.name, node, k.id, each}, "/")
}

func (k *walk) action(n *mNode, prefix string) string {
	if st := k.state[n.of]; st == "failed" || st == "never" {
		return "never"
	}
	if n.when && k.status != "paid" {
		return "null"
	}
	result := "ok"
	for i := range max(1, n.each) {
		element, each := "", ""
		if n.each > 0 {
			element, each = fmt.Sprintf("e%d", i), fmt.Sprint(i)
		}
		name := k.name(n.name, element)
		k.ran = true
		ok := succeeds(n, k.w.c.fateOf(name))
		s := k.step(prefix+"action."+n.name, each)
		if n.effect == "mail" && k.w.cut && s != nil && s.Status == runtime.StepUnknown {
			ok = false
			if k.w.names[name] == nil { // the process died between the intent and the call
				if !n.goesOn {
					result = "failed"
				} else if n.each == 0 {
					result = "null"
				}
				continue
			}
		}
		k.may[name] = true
		if !ok && n.goesOn {
			if n.each == 0 {
				result = "null"
			}
		} else if !ok {
			result = "failed"
		}
	}
	k.failed = k.failed || result == "failed"
	return result
}

// succeeds reports whether a step comes to a good end.
func succeeds(n *mNode, f mFate) bool {
	switch {
	case f.kind == "ok":
		return true
	case f.kind == "refused", f.kind == "dead":
		return false
	case n.effect == "mail":
		return f.kind == "rate_limited" // nothing else proves that nothing was sent
	case n.on != nil:
		return slices.Contains(n.on, f.kind)
	}
	return true
}

// wait reports whether a wait has ended, and looks whether it ended as it must.
func (k *walk) wait(n *mNode) bool {
	s := k.step("wait."+n.name, "")
	if s != nil && s.Status == runtime.StepFailed && k.run.Status == runtime.RunCanceled && k.w.cut {
		return true // it may have ended: that is recorded with what comes next, and a process died before it was
	}
	if s == nil || s.Status != runtime.StepDone {
		k.unfinished = append(k.unfinished, n.name)
		return false
	}
	var out struct {
		TimedOut bool `json:"timed_out"`
		Event    struct{ ID string }
	}
	if err := json.Unmarshal(s.Output, &out); err != nil {
		k.w.blame("%s: the wait's output %s: %v", k.run.ID, s.Output, err)
	}
	switch n.wait {
	case "for":
		due := s.StartedAt.Add(10 * time.Minute)
		if s.EndedAt.Before(due) {
			k.w.blame("%s: a wait of 10 m took %v", k.run.ID, s.EndedAt.Sub(s.StartedAt))
		}
		if calm := !k.w.cut && k.w.c.store == 0 && k.w.c.restart == 0 && k.w.c.jump == 0 && k.w.c.slots == 64 && k.r.flow == ""; calm && s.EndedAt.Sub(due) > time.Second {
			k.w.blame("%s: a wait ended %v late", k.run.ID, s.EndedAt.Sub(due))
		}
	case "event":
		came := k.w.paidFor(k.id, k.run.EventSeq, s.StartedAt.Add(30*time.Minute))
		if out.TimedOut != (len(came) == 0) || !out.TimedOut && !slices.Contains(came, out.Event.ID) {
			k.w.blame("%s: %s began %v and ended %v with %s; in time came %v", k.run.ID, n.name, s.StartedAt, s.EndedAt, s.Output, came)
		}
	}
	return true
}

// paidFor returns the events that say that an order was paid, after another and in time. Events that come at once are
// decided at once, so that any of them may be the first to end a wait.
func (w *mWorld) paidFor(order string, after int64, due time.Time) (ids []string) {
	for i, ev := range w.events {
		x := w.c.events[i]
		if ev != nil && x.paid && fmt.Sprintf("o%d", x.order) == order && ev.Seq > after && !ev.ReceivedAt.After(due) {
			ids = append(ids, ev.ID)
		}
	}
	return ids
}

func (k *walk) call(n *mNode) string {
	s := k.step("action."+n.name, "")
	if s == nil || s.Child == "" {
		k.unfinished = append(k.unfinished, n.name)
		return "never"
	}
	k.ran = true
	child, err := k.w.store.Run(context.Background(), s.Child)
	if err != nil {
		k.w.blame("%s called %s: %v", k.run.ID, s.Child, err)
		return "never"
	}
	c := &walk{w: k.w, r: k.w.c.recipe(n.callee), run: child, id: strings.Join([]string{k.r.name, n.name, k.id}, "-"), status: k.status, amount: k.amount}
	c.judge(k.run.Status == runtime.RunCanceled || k.run.Status == runtime.RunFailed)
	switch {
	case child.Status == runtime.RunCompleted:
		return "ok"
	case child.Status == runtime.RunFiltered, n.goesOn:
		return "null"
	}
	k.failed = true
	return "failed"
}

// judge holds the run against what it may be.
func (k *walk) judge(mayCancel bool) {
	run, w := k.run, k.w
	k.state, k.may = map[string]string{}, map[string]bool{}
	if run.Status == runtime.RunSkipped {
		if run.StoppedBy != k.r.stoppedBy() {
			w.blame("%s was skipped by %q; its recipe has %q", run.ID, run.StoppedBy, k.r.flow)
		}
		return
	}
	k.block(k.r.nodes, "")
	if handled := run.Status == runtime.RunFailed; (handled || run.Status == runtime.RunCanceled && k.failed) && len(k.r.onError) > 0 {
		h := &walk{w: w, r: k.r, run: run, id: run.EventID, status: k.status, amount: k.amount, state: map[string]string{}, may: map[string]bool{}}
		if k.r.called {
			h.id = run.ID
		}
		h.block(k.r.onError, "on_error.")
		w.entitle(h, handled && !h.failed)
	}
	w.entitle(k, run.Status != runtime.RunFailed && run.Status != runtime.RunCanceled)
	switch run.Status {
	case runtime.RunFailed:
		if !k.failed {
			w.blame("%s of %s failed and must not: %v", run.ID, run.Recipe, run.Error)
		}
	case runtime.RunCanceled:
		if k.r.flow != "cancel_running" && !mayCancel {
			w.blame("%s of %s was canceled", run.ID, run.Recipe)
		}
	case runtime.RunCompleted, runtime.RunFiltered:
		if k.failed || len(k.unfinished) > 0 {
			w.blame("%s of %s %v and must fail; not ended: %v", run.ID, run.Recipe, run.Status, k.unfinished)
		}
		if filtered := k.stopped && !k.ran; filtered != (run.Status == runtime.RunFiltered) {
			w.blame("%s of %s is %v; stopped %v, ran %v", run.ID, run.Recipe, run.Status, k.stopped, k.ran)
		}
	default:
		w.blame("%s of %s is %v", run.ID, run.Recipe, run.Status)
	}
	for _, s := range run.Steps {
		if s.Status == runtime.StepWaiting || s.Status == runtime.StepIntent {
			w.blame("%s of %s ended, and its %s is %v", run.ID, run.Recipe, s.Address, s.Status)
		}
	}
}

func (r *mRecipe) stoppedBy() string {
	switch r.flow {
	case "skip":
		return byConcurrency
	case "deduplicate":
		return byDeduplicate
	case "rate_limit":
		return byRateLimit
	case "debounce":
		return byDebounce
	}
	return "nothing"
}

// entitle says that a run may make its calls, and that it must have made them all.
func (w *mWorld) entitle(k *walk, all bool) {
	for name := range k.may {
		w.entitled[name] = true
		if all && w.names[name] == nil {
			w.blame("%s of %s is %v and did not call %s", k.run.ID, k.run.Recipe, k.run.Status, name)
		}
	}
}

// check looks at all that has been.
func (w *mWorld) check() {
	if len(w.problems) > 0 {
		return
	}
	w.entitled = map[string]bool{}
	for _, r := range w.c.recipes {
		if !r.called {
			w.checkRecipe(r)
		}
	}
	for name, x := range w.names {
		n, f := w.c.node(name), w.c.fateOf(name)
		if !w.entitled[name] {
			w.blame("%s was called, and nothing allows it", name)
		}
		if len(x.keys) != 1 {
			w.blame("%s was called with %d keys", name, len(x.keys))
		}
		if n.effect == "mail" && x.acted > 1 {
			w.blame("%s was done %d times, which it must not be", name, x.acted)
		}
		if limit := callsOf(n, f); !w.cut && x.calls > limit {
			w.blame("%s was called %d times, want %d at most (%+v)", name, x.calls, limit, f)
		}
	}
}

// callsOf is how often a call is made where no process dies.
func callsOf(n *mNode, f mFate) int {
	switch {
	case f.kind == "ok", f.kind == "refused", n.effect == "mail" && f.kind != "rate_limited", n.on != nil && !slices.Contains(n.on, f.kind) && f.kind != "dead":
		return 1
	case f.kind == "dead" && n.on != nil:
		return 1
	case f.kind == "dead":
		return n.attempts
	}
	return f.times + 1
}

func (w *mWorld) checkRecipe(r *mRecipe) {
	lanes := map[string][]*runtime.Run{}
	orders := map[int64]int{}
	for i, ev := range w.events {
		x := w.c.events[i]
		if x.paid || ev == nil {
			continue
		}
		run, err := w.store.Run(context.Background(), runtime.RunID(ev, r.name, ""))
		if errors.Is(err, runtime.ErrNotFound) {
			run = nil
		} else if err != nil {
			w.blame("reading a run: %v", err)
			return
		}
		passes := true
		for _, n := range r.nodes {
			if n.kind != "filter" || n.of != "" {
				break
			}
			passes = passes && x.amount >= n.above
		}
		if run == nil {
			if passes {
				w.blame("there is no run of %s for %s", r.name, ev.ID)
			}
			continue
		}
		if !passes && run.Status != runtime.RunFiltered {
			w.blame("%s of %s is %v, and its first filter holds it back", run.ID, r.name, run.Status)
		}
		k := &walk{w: w, r: r, run: run, id: fmt.Sprintf("o%d", x.order), status: x.status, amount: x.amount}
		k.judge(false)
		if passes {
			key := w.c.keyOf(r, k.id)
			lanes[key] = append(lanes[key], run)
			orders[run.EventSeq] = x.order
		}
	}
	for key, runs := range lanes {
		slices.SortFunc(runs, func(a, b *runtime.Run) int { return int(a.EventSeq - b.EventSeq) })
		w.checkLane(r, key, runs, orders)
	}
}

// checkLane looks at the runs of one key, in the order of their events.
func (w *mWorld) checkLane(r *mRecipe, key string, runs []*runtime.Run, orders map[int64]int) {
	kept := 0
	for _, run := range runs {
		if run.Status != runtime.RunSkipped {
			kept++
		}
	}
	wrong := func(what string) {
		var list []string
		for _, run := range runs {
			list = append(list, fmt.Sprintf("%s %v %s [%v; order %v, %v to %v]", run.EventID, run.Status, run.StoppedBy, run.Error, run.Order.Sub(w.start), run.StartedAt.Sub(w.start), run.EndedAt.Sub(w.start)))
		}
		w.blame("%s of %s, key %s: %s: %s", r.flow, r.name, key, what, strings.Join(list, ", "))
	}
	last := runs[len(runs)-1]
	switch r.flow {
	case "skip":
		if runs[0].Status == runtime.RunSkipped {
			wrong("the first was skipped")
		}
	case "cancel_running":
		if last.Status == runtime.RunCanceled {
			wrong("the last was canceled")
		}
	case "deduplicate":
		if kept != 1 {
			wrong("not one")
		}
	case "rate_limit":
		if kept != min(r.limit, len(runs)) {
			wrong("not those within the limit")
		}
	case "debounce":
		if last.Status == runtime.RunSkipped {
			wrong("the last was dropped")
		}
	case "throttle":
		w.checkPace(r, runs, wrong)
	case "queue":
		if r.limit == 1 {
			w.checkOrder(r, runs, orders, wrong)
		}
	}
}

func (w *mWorld) checkPace(r *mRecipe, runs []*runtime.Run, wrong func(string)) {
	if w.c.jump != 0 {
		return
	}
	var starts []time.Time
	for _, run := range runs {
		starts = append(starts, run.StartedAt)
	}
	slices.SortFunc(starts, time.Time.Compare)
	for i := 2 * r.limit; i < len(starts); i++ {
		if starts[i].Sub(starts[i-2*r.limit]) < time.Minute {
			wrong("too fast")
			return
		}
	}
}

// checkOrder looks whether runs made their first calls in the order of their events.
func (w *mWorld) checkOrder(r *mRecipe, runs []*runtime.Run, orders map[int64]int, wrong func(string)) {
	if n := r.nodes[0]; n.kind != "action" || n.when || n.each > 0 {
		return
	}
	before := -1
	for _, run := range runs {
		x := w.names[fmt.Sprintf("%s/%s/o%d/", r.name, r.nodes[0].name, orders[run.EventSeq])]
		if x == nil {
			continue
		}
		if x.first < before {
			wrong("not in order")
			return
		}
		before = x.first
	}
}
