package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// The model test's cases: recipes as small trees, which are written out as text for the engine and walked as they are by
// the reference, events with the times at which they come, and what goes wrong.

type mNode struct {
	kind     string // filter, action, call, wait, switch
	name     string // unique within the recipe, on_error included
	effect   string // of an action: read, put, send, mail
	above    int    // of a filter: orders of at least this amount pass; -1 where it asks of what `of` answered
	of       string // the action that a filter asks of, or that an action needs; empty for none
	when     bool   // it is done for paid orders only
	each     int    // how many elements; 0 where it is no loop
	parallel int
	goesOn   bool     // on_error = "continue"
	attempts int      // of a retry block; 0 where there is none
	on       []string // kinds that are tried again; nil for those that can pass
	callee   string
	wait     string // for, until, event
	open     []*mNode
	paid     []*mNode // the cases of a switch on the order's status
}

type mRecipe struct {
	name    string
	flow    string // what follows is of this kind: "", queue, skip, cancel_running, deduplicate, rate_limit, debounce, throttle
	keyed   bool   // by customer
	limit   int
	nodes   []*mNode
	onError []*mNode
	called  bool
}

type mEvent struct {
	at       time.Duration
	paid     bool // an order.paid for the order, else the order's order.created
	order    int
	amount   int
	customer string // JSON
	status   string
	again    bool // it is sent twice
}

type mCrash struct {
	point string
	nth   int
}

type mCase struct {
	seed     uint64
	sqlite   bool
	slots    int
	recipes  []*mRecipe
	events   []mEvent
	crashes  []mCrash      // of one life each; then there is peace
	restart  time.Duration // an orderly restart with a changed program at that time; 0 for none
	jumpAt   time.Duration
	jump     time.Duration // by which the clock is set then; 0 for never
	store    int           // one in so many operations of the store fails; 0 for none
	troubled int           // per cent of the calls' names that the vendor has trouble with
}

var crashPoints = []string{"before-admission-recorded", "after-admission-recorded", "before-run-recorded", "after-run-recorded",
	"after-wait-recorded", "after-intent", "before-call", "after-call", "before-resume"}

func newCase(seed uint64) *mCase {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	c := &mCase{seed: seed, sqlite: g.IntN(12) == 0, slots: []int{1, 4, 64}[g.IntN(3)], troubled: []int{0, 20, 60}[g.IntN(3)]}
	callable := g.IntN(2) == 0
	if callable {
		c.recipes = append(c.recipes, g.recipe("c0", ""))
	}
	for i := range 1 + g.IntN(3) {
		callee := ""
		if callable {
			callee = "c0"
		}
		c.recipes = append(c.recipes, g.recipe(fmt.Sprintf("r%d", i), callee))
	}
	g.events(c)
	if g.IntN(2) == 0 {
		for range 1 + g.IntN(2) {
			c.crashes = append(c.crashes, mCrash{crashPoints[g.IntN(len(crashPoints))], 1 + g.IntN(8)})
		}
	}
	if g.IntN(4) == 0 {
		c.restart = time.Duration(1+g.IntN(7200)) * time.Second
	}
	if g.IntN(4) == 0 {
		c.jumpAt, c.jump = time.Duration(1+g.IntN(7200))*time.Second, time.Duration(g.IntN(7200)-600)*time.Second
	}
	if g.IntN(3) == 0 {
		c.store = 10 + g.IntN(100)
	}
	return c
}

type generator struct {
	*rand.Rand
	n    int
	done []string // actions that what follows may ask of
}

func (g *generator) events(c *mCase) {
	n, at := 1+g.IntN(10), time.Duration(0)
	orders := 0
	for range n {
		if g.IntN(2) == 0 {
			at += time.Duration(g.IntN(900)) * time.Second
		}
		if orders > 0 && g.IntN(3) == 0 {
			c.events = append(c.events, mEvent{at: at, paid: true, order: g.IntN(orders), amount: 1, customer: "null", status: "paid", again: g.IntN(8) == 0})
			continue
		}
		c.events = append(c.events, mEvent{at: at, order: orders, amount: g.IntN(100), customer: []string{`"a"`, `"b"`, "null"}[g.IntN(3)],
			status: []string{"open", "paid"}[g.IntN(2)], again: g.IntN(8) == 0})
		orders++
	}
}

func (g *generator) recipe(name, callee string) *mRecipe {
	r := &mRecipe{name: name, called: strings.HasPrefix(name, "c")}
	g.n, g.done = 0, nil
	if !r.called && g.IntN(2) == 0 {
		r.flow = []string{"queue", "queue", "skip", "cancel_running", "deduplicate", "rate_limit", "debounce", "throttle"}[g.IntN(8)]
		r.keyed, r.limit = g.IntN(2) == 0, 1+g.IntN(2)
	}
	r.nodes = g.block(callee, 2, !r.called)
	if g.IntN(3) == 0 {
		g.done = nil
		r.onError = []*mNode{g.action()}
		r.onError[0].when = false
	}
	return r
}

func (g *generator) block(callee string, depth int, waits bool) []*mNode {
	var nodes []*mNode
	seen := len(g.done)
	for range 1 + g.IntN(4) {
		switch k := g.IntN(12); {
		case k < 6:
			nodes = append(nodes, g.action())
		case k == 6 && callee != "":
			nodes = append(nodes, &mNode{kind: "call", name: g.next(), callee: callee, goesOn: g.IntN(2) == 0})
		case k == 7:
			n := &mNode{kind: "filter", name: g.next(), above: g.IntN(60)}
			if len(g.done) > 0 && g.IntN(2) == 0 {
				n.of, n.above = g.done[g.IntN(len(g.done))], -1
			}
			nodes = append(nodes, n)
		case k < 10 && depth > 0 && waits:
			nodes = append(nodes, &mNode{kind: "wait", name: g.next(), wait: []string{"for", "until", "event", "event"}[g.IntN(4)]})
		case k >= 10 && depth > 1:
			n := &mNode{kind: "switch", name: g.next()}
			n.open = g.block(callee, depth-1, waits)
			n.paid = g.block(callee, depth-1, waits)
			nodes = append(nodes, n)
		default:
			nodes = append(nodes, g.action())
		}
	}
	if depth < 2 {
		g.done = g.done[:seen] // what is in a case is not asked of outside
	}
	return nodes
}

func (g *generator) next() string {
	g.n++
	return fmt.Sprintf("n%d", g.n)
}

func (g *generator) action() *mNode {
	n := &mNode{kind: "action", name: g.next(), effect: []string{"read", "put", "send", "mail"}[g.IntN(4)]}
	n.goesOn = g.IntN(4) == 0
	n.when = g.IntN(5) == 0
	if g.IntN(4) == 0 {
		n.each, n.parallel = 1+g.IntN(4), g.IntN(3)
	}
	if n.effect != "mail" && g.IntN(3) == 0 {
		n.attempts = 2 + g.IntN(3)
		if g.IntN(3) == 0 {
			n.on = []string{"rate_limited", "conflict"}
		}
	}
	if len(g.done) > 0 && g.IntN(2) == 0 {
		n.of = g.done[g.IntN(len(g.done))]
	}
	if n.each == 0 {
		g.done = append(g.done, n.name)
	}
	return n
}

// files writes the recipes as text. version makes programs differ.
func (c *mCase) files(version int) map[string]string {
	files := map[string]string{}
	for _, r := range c.recipes {
		files[r.name+".hcl"] = r.text() + fmt.Sprintf("\n# version %d\n", version)
	}
	return files
}

func (r *mRecipe) text() string {
	var b strings.Builder
	id := "${trigger.id}"
	if r.called {
		id = "${trigger.who}"
		b.WriteString("trigger \"recipe_call\" {\n inputs = {\n who = string\n status = string\n amount = number\n }\n}\noutput {\n who = trigger.who\n}\n")
	} else {
		b.WriteString("trigger \"acme_order_created\" {}\n")
	}
	key := ""
	if r.keyed {
		key = " key = trigger.customer\n"
	}
	switch r.flow {
	case "queue", "skip", "cancel_running":
		fmt.Fprintf(&b, "recipe {\nconcurrency {\n%s limit = %d\n on_conflict = %q\n}\n}\n", key, r.limit, r.flow)
	case "deduplicate":
		b.WriteString("recipe {\ndeduplicate {\n key = coalesce(trigger.customer, \"none\")\n for = \"90d\"\n}\n}\n")
	case "rate_limit":
		fmt.Fprintf(&b, "recipe {\nrate_limit {\n%s limit = %d\n period = \"31d\"\n}\n}\n", strings.ReplaceAll(key, "trigger.customer", "coalesce(trigger.customer, \"none\")"), r.limit)
	case "debounce":
		fmt.Fprintf(&b, "recipe {\ndebounce {\n%s period = \"2m\"\n}\n}\n", strings.ReplaceAll(key, "trigger.customer", "coalesce(trigger.customer, \"none\")"))
	case "throttle":
		fmt.Fprintf(&b, "recipe {\nthrottle {\n%s limit = %d\n period = \"1m\"\n}\n}\n", key, r.limit)
	}
	writeNodes(&b, r.nodes, r.name, id)
	if len(r.onError) > 0 {
		b.WriteString("on_error {\n")
		if r.called {
			id = "${run.id}"
		} else {
			id = "${event.id}"
		}
		writeNodes(&b, r.onError, r.name, id)
		b.WriteString("}\n")
	}
	return b.String()
}

func writeNodes(b *strings.Builder, nodes []*mNode, recipe, id string) {
	for _, n := range nodes {
		switch n.kind {
		case "filter":
			if n.above >= 0 {
				fmt.Fprintf(b, "filter %q {\n condition = trigger.amount >= %d\n}\n", n.name, n.above)
			} else {
				fmt.Fprintf(b, "filter %q {\n condition = try(action.%s.email, null) != null\n}\n", n.name, n.of)
			}
		case "wait":
			switch n.wait {
			case "for":
				fmt.Fprintf(b, "wait %q {\n for = \"10m\"\n}\n", n.name)
			case "until":
				fmt.Fprintf(b, "wait %q {\n until = timeadd(event.received_at, \"20m\")\n}\n", n.name)
			case "event":
				fmt.Fprintf(b, "wait %q {\n event \"acme_order_paid\" {\n match = incoming.trigger.id == trigger.id\n }\n timeout = \"30m\"\n}\n", n.name)
			}
		case "switch":
			b.WriteString("switch {\n on = trigger.status\n case \"open\" {\n")
			writeNodes(b, n.open, recipe, id)
			b.WriteString("}\n default {\n")
			writeNodes(b, n.paid, recipe, id)
			b.WriteString("}\n}\n")
		case "call":
			fmt.Fprintf(b, "action \"recipe_run\" %q {\n recipe = %q\n inputs = {\n who = \"%s-%s-%s\"\n status = trigger.status\n amount = trigger.amount\n }\n", n.name, n.callee, recipe, n.name, id)
			if n.goesOn {
				b.WriteString(" on_error = \"continue\"\n")
			}
			b.WriteString("}\n")
		case "action":
			n.write(b, recipe, id)
		}
	}
}

func (n *mNode) write(b *strings.Builder, recipe, id string) {
	fmt.Fprintf(b, "action \"acme_%s\" %q {\n", n.effect, n.name)
	if n.each > 0 {
		fmt.Fprintf(b, " name = \"%s/%s/%s/${each.value}\"\n for_each = %s\n", recipe, n.name, id, elements(n.each))
		if n.parallel > 0 {
			fmt.Fprintf(b, " max_parallel = %d\n", n.parallel)
		}
	} else {
		fmt.Fprintf(b, " name = \"%s/%s/%s/\"\n", recipe, n.name, id)
	}
	if n.of != "" {
		fmt.Fprintf(b, " data = action.%s\n", n.of)
	}
	if n.when {
		b.WriteString(" when = trigger.status == \"paid\"\n")
	}
	if n.goesOn {
		b.WriteString(" on_error = \"continue\"\n")
	}
	if n.attempts > 0 {
		fmt.Fprintf(b, " retry {\n attempts = %d\n", n.attempts)
		if n.on != nil {
			fmt.Fprintf(b, " on = [\"%s\"]\n", strings.Join(n.on, "\", \""))
		}
		b.WriteString(" }\n")
	}
	b.WriteString("}\n")
}

func elements(n int) string {
	return "[" + `"e0", "e1", "e2", "e3"`[:6*n-2] + "]"
}
