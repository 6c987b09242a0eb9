package engine

import (
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// awaited is what waits look for, of the current program and of those that runs are pinned to. It is immutable. An event
// of a type that nobody looks for costs one look-up.
type awaited struct {
	byType map[routeKey][]runtime.Await
}

// awaitsOf returns what a program's waits may look for, without keys.
func awaitsOf(p *lang.Program) []runtime.Await {
	var list []runtime.Await
	for _, r := range p.Recipes() {
		for _, nodes := range [][]*check.Node{r.Nodes, r.OnError} {
			for _, n := range nodes {
				if n.Kind != check.Wait || n.Wait.Event == nil {
					continue
				}
				for _, typ := range n.Wait.Event.Events {
					a := runtime.Await{Connection: n.Wait.Event.Connection, EventType: typ}
					if n.Wait.By != nil {
						a.Path = n.Wait.By.String()
					}
					if !slices.Contains(list, a) {
						list = append(list, a)
					}
				}
			}
		}
	}
	return list
}

// lookFor adds to what is looked for. Nothing is taken away while the process lives: a run of an older program may be
// about to begin its wait.
func (e *Engine) lookFor(more []runtime.Await) {
	if len(more) == 0 {
		return
	}
	next := &awaited{byType: map[routeKey][]runtime.Await{}}
	if old := e.awaited.Load(); old != nil {
		for key, list := range old.byType {
			next.byType[key] = slices.Clone(list)
		}
	}
	for _, a := range more {
		a.Key = ""
		key := routeKey{a.Connection, a.EventType}
		if !slices.Contains(next.byType[key], a) {
			next.byType[key] = append(next.byType[key], a)
		}
	}
	e.awaited.Store(next)
}

// keys returns what an event can be looked for by.
func (l *awaited) keys(e *Engine, ev *runtime.Event) []runtime.Await {
	looks := l.byType[routeKey{ev.Connection, ev.Type}]
	any := l.byType[routeKey{ev.Connection, "*"}]
	if len(looks)+len(any) == 0 {
		return nil
	}
	object, _ := e.payload(ev)
	var keys []runtime.Await
	for _, list := range [][]runtime.Await{looks, any} {
		for _, a := range list {
			if a.Path != "" {
				var ok bool
				if a.Key, ok = runtime.AwaitKeyOf(schema.Lookup(object, strings.Split(a.Path, ".")...)); !ok {
					continue
				}
			}
			keys = append(keys, a)
		}
	}
	return keys
}
