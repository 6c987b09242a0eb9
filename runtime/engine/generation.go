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
}

type routeKey struct{ connection, eventType string }

// recipe is a checked recipe with what running it needs.
type recipe struct {
	*check.Recipe
	locals  []eval.Local
	vars    cty.Value
	secrets bool                 // a variable is sensitive: nothing else that an expression reads is
	actions []*connectors.Action // by node; nil for filters
	conns   []*connectors.Conn   // by node
	funcs   map[string]function.Function
}

func (e *Engine) newGeneration(p *lang.Program, b *lang.Bindings) (*generation, error) {
	g := &generation{
		digest:  p.Digest(),
		program: p,
		conns:   make(map[string]*connectors.Conn, len(b.Connections)),
		recipes: make(map[string]*recipe, len(p.Recipes())),
	}
	for _, c := range b.Connections {
		conn := &connectors.Conn{Name: c.Name, Service: c.Service, Settings: c.Settings, Client: e.cfg.Client}
		e.cfg.Registry.Bind(conn)
		g.conns[c.Name] = conn
	}
	funcs := eval.Table()
	for _, cr := range p.Recipes() {
		r := &recipe{Recipe: cr, vars: b.Vars[cr.Name], funcs: funcs}
		if r.vars == cty.NilVal {
			r.vars = cty.EmptyObjectVal
		}
		r.secrets = r.vars.ContainsMarked()
		for _, l := range cr.Locals {
			r.locals = append(r.locals, eval.Local{Name: l.Name, Expr: l.Expr})
		}
		r.actions = make([]*connectors.Action, len(cr.Nodes))
		r.conns = make([]*connectors.Conn, len(cr.Nodes))
		for i, n := range cr.Nodes {
			if n.Kind != check.Action {
				continue
			}
			if r.actions[i] = e.cfg.Registry.Caller(n.Action.Name); r.actions[i] == nil {
				return nil, fmt.Errorf("recipe %s: action %q has no caller", cr.Name, n.Action.Name)
			}
			if r.conns[i] = g.conns[n.Connection]; r.conns[i] == nil {
				return nil, fmt.Errorf("recipe %s: connection %q is not bound", cr.Name, n.Connection)
			}
		}
		g.recipes[cr.Name] = r
	}
	g.buildRoutes()
	return g, nil
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
