package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/eval"
)

// generation is a program with all that is made of it once, so that an event finds everything ready.
type generation struct {
	digest  string
	program *lang.Program
	conns   map[string]*connectors.Conn
	recipes map[string]*recipe
	routes  map[routeKey]*route
	any     map[string]*route // by connection: recipes that listen to every type, for types without a route
	ordered bool              // a recipe has flow control, so that the order of events matters
	causes  bool              // a recipe may read event.caused_by
}

type routeKey struct{ connection, eventType string }

// recipe is a checked recipe with what running it needs.
type recipe struct {
	*check.Recipe
	locals  []eval.Local
	vars    cty.Value
	secrets bool // a variable is sensitive: nothing else that an expression reads is
	main    graph
	handler graph          // of on_error
	fetches []*check.Node  // those of main that fetch the object of a trigger
	called  *check.Trigger // what stands for a trigger where another recipe calls it; nil where none can
	funcs   map[string]function.Function
	flow    *rules // nil where it has no flow control
}

func (e *Engine) newGeneration(p *lang.Program, b *lang.Bindings) (*generation, error) {
	g := &generation{
		digest:  p.Digest(),
		program: p,
		causes:  asksForCauses(p),
		conns:   make(map[string]*connectors.Conn, len(b.Connections)),
		recipes: make(map[string]*recipe, len(p.Recipes())),
	}
	for _, c := range b.Connections {
		conn := &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: e.cfg.Client,
			State: state{e.cfg.Store, e.clock}}
		e.cfg.Registry.Bind(conn)
		g.conns[c.Name] = conn
	}
	funcs := eval.Table()
	for _, cr := range p.Recipes() {
		r := &recipe{Recipe: cr, vars: b.Vars[cr.Name], funcs: funcs, flow: rulesOf(cr)}
		g.ordered = g.ordered || r.flow != nil
		if r.vars == cty.NilVal {
			r.vars = cty.EmptyObjectVal
		}
		r.secrets = r.vars.ContainsMarked()
		for _, l := range cr.Locals {
			r.locals = append(r.locals, eval.Local{Name: l.Name, Expr: l.Expr})
		}
		r.called = triggerOfCall(cr)
		for _, n := range cr.Nodes {
			if n.Latest != nil {
				r.fetches = append(r.fetches, n)
			}
		}
		var err error
		if r.main, err = e.newGraph(g, cr.Nodes, 0); err == nil {
			r.handler, err = e.newGraph(g, cr.OnError, len(cr.Nodes))
		}
		if err != nil {
			return nil, fmt.Errorf("recipe %s: %w", cr.Name, err)
		}
		g.recipes[cr.Name] = r
	}
	g.buildRoutes()
	return g, nil
}

// newGraph finds what calling the nodes needs.
func (e *Engine) newGraph(g *generation, nodes []*check.Node, base int) (graph, error) {
	out := graph{nodes: nodes, actions: make([]*connectors.Action, len(nodes)), conns: make([]*connectors.Conn, len(nodes)), base: base}
	for i, n := range nodes {
		if n.Kind != check.Action || n.Calls != "" {
			continue
		}
		if out.actions[i] = e.cfg.Registry.Caller(n.Action.Name); out.actions[i] == nil {
			return graph{}, fmt.Errorf("action %q has no caller", n.Action.Name)
		}
		if n.Action.For != nil { // the call is told what the recipe declares
			use := *out.actions[i]
			use.Action = *n.Action
			out.actions[i] = &use
		}
		if out.conns[i] = g.conns[n.Connection]; out.conns[i] == nil {
			return graph{}, fmt.Errorf("connection %q is not bound", n.Connection)
		}
	}
	return out, nil
}

// route returns the recipes that listen to an event, or nil.
func (g *generation) route(connection, eventType string) *route {
	if r := g.routes[routeKey{connection, eventType}]; r != nil {
		return r
	}
	return g.any[connection]
}

// pinnedCache keeps the few older programs that runs go on with. It is bounded: a program is rebuilt from the store
// when it is needed again.
type pinnedCache struct {
	mu    sync.Mutex
	byID  map[string]*generation
	order []string
}

const maxPinned = 8

// pinnedTo returns the generation of a digest: the current one, or one rebuilt from the store.
func (e *Engine) pinnedTo(ctx context.Context, digest string) (*generation, error) {
	if g := e.current.Load(); g != nil && g.digest == digest {
		return g, nil
	}
	c := &e.pinned
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.byID[digest]; g != nil {
		return g, nil
	}
	kept, err := e.cfg.Store.Program(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("reading program %.12s: %w", digest, err)
	}
	if e.cfg.Rebuild == nil {
		return nil, fmt.Errorf("program %.12s is not the current one", digest)
	}
	p, b, err := e.cfg.Rebuild(kept)
	if err != nil {
		return nil, fmt.Errorf("rebuilding program %.12s: %w", digest, err)
	}
	g, err := e.newGeneration(p, b)
	if err != nil {
		return nil, fmt.Errorf("rebuilding program %.12s: %w", digest, err)
	}
	g.digest = digest
	if c.byID == nil {
		c.byID = map[string]*generation{}
	}
	c.byID[digest] = g
	c.order = append(c.order, digest)
	if len(c.order) > maxPinned {
		delete(c.byID, c.order[0])
		c.order = c.order[1:]
	}
	return g, nil
}
