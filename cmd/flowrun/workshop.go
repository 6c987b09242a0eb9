package main

// The recipes as texts, for the control door: what is in one, what it reads of an event, what the folder on disk says
// where it was refused, and which connection serves whom.

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/check"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/draw"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
)

var _ control.Workshop = (*machine)(nil)

// judgement is what was said of a folder when it was applied.
type judgement struct {
	project *project
	diags   hcl.Diagnostics
	at      time.Time
}

// judged are the newest judgements: of the folder that is served, and of one that was refused since.
type judged struct {
	mu              sync.Mutex
	served, refused *judgement
}

func (j *judged) took(v judgement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.served, j.refused = &v, nil
}

func (j *judged) refusedOne(v judgement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.refused = &v
}

func (j *judged) now() (served, refused *judgement) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.served, j.refused
}

// Describe implements control.Workshop.
func (x *machine) Describe(ctx context.Context, name, program string, d *control.RecipeDetail) bool {
	p := x.engine.Program()
	if program != "" && (p == nil || p.Digest() != program) {
		p = x.older.get(program, func() *lang.Program { return x.compileOld(ctx, program) })
		if p == nil || p.Recipe(name) == nil {
			return false
		}
		r := p.Recipe(name)
		d.Name, d.Filename = r.Name, r.Filename
		describe(d, p, r)
		return true
	}
	served, refused := x.judged.now()
	known := false
	if p != nil {
		if r := p.Recipe(name); r != nil {
			known = true
			describe(d, p, r)
			if served != nil {
				d.Diagnostics = x.diagnostics(served.diags, r.Filename)
			}
		}
	}
	if refused == nil {
		return known
	}
	filename := cmp.Or(d.Filename, name+".hcl")
	text, ok := refused.project.files()[filename]
	if !ok {
		return known
	}
	d.Name, d.Filename = name, filename
	d.Draft = &control.Draft{Source: x.hidden(string(text)), Diagnostics: x.diagnostics(refused.diags, filename), At: refused.at.UTC()}
	return true
}

// hidden takes the secrets out of a text.
func (x *machine) hidden(text string) string { return (*server)(x).hide(text) }

func describe(d *control.RecipeDetail, p *lang.Program, r *check.Recipe) {
	d.Source = string(p.Files()[r.Filename])
	d.Graph = draw.Of(r, p.Files())
	for _, n := range slices.Concat(r.Nodes, r.OnError) {
		if n.Kind == check.Action {
			d.Effects = append(d.Effects, control.RecipeEffect{Step: n.Address, Action: n.Action.Name, Effect: n.Action.Effect.String()})
		}
		if n.Calls != "" && !slices.Contains(d.Calls, n.Calls) {
			d.Calls = append(d.Calls, n.Calls)
		}
	}
	for _, other := range p.Recipes() {
		if slices.ContainsFunc(slices.Concat(other.Nodes, other.OnError), func(n *check.Node) bool { return n.Calls == r.Name }) {
			d.Callers = append(d.Callers, other.Name)
		}
	}
	eachPath(r.Reads, "trigger", func(path string) { d.Reads = append(d.Reads, path) })
	eachPath(r.ReadsPrevious, "previous", func(path string) { d.Reads = append(d.Reads, path) })
}

// eachPath calls f with the paths of a set, sorted, each after what stands before them.
func eachPath(p *schema.Paths, before string, f func(string)) {
	switch {
	case p.Empty():
	case p.All:
		f(before)
	default:
		for _, name := range slices.Sorted(maps.Keys(p.Next)) {
			at := name
			if before != "" {
				at = before + "." + name
			}
			eachPath(p.Next[name], at, f)
		}
	}
}

// diagnostics returns those that are of a file.
func (x *machine) diagnostics(diags hcl.Diagnostics, filename string) []control.Diagnostic {
	out := []control.Diagnostic{}
	for _, d := range diags {
		if d.Subject == nil || d.Subject.Filename != filename {
			continue
		}
		out = append(out, x.diagnostic(d))
	}
	return out
}

func (x *machine) diagnostic(d *hcl.Diagnostic) control.Diagnostic {
	m, _ := diag.MetaOf(d)
	out := control.Diagnostic{Severity: "error", Code: string(m.Code), Summary: d.Summary, Detail: x.hidden(d.Detail), Context: x.hidden(m.Context)}
	if d.Severity == hcl.DiagWarning {
		out.Severity = "warning"
	}
	if at := d.Subject; at != nil {
		out.Filename, out.Line, out.Column, out.EndLine, out.EndColumn = at.Filename, at.Start.Line, at.Start.Column, at.End.Line, at.End.Column
	}
	return out
}

// Reads implements control.Workshop.
func (x *machine) Reads(e *runtime.Event) []control.Read {
	p := x.engine.Program()
	if p == nil {
		return nil
	}
	data, previous := "", ""
	if spec := x.registry.Spec(e.Service); spec != nil && spec.Webhook != nil {
		data, previous = spec.Webhook.Data.String(), spec.Webhook.Previous.String()
	}
	readers := map[string][]string{}
	for _, r := range listeners(p, e) {
		add := func(path string) { readers[path] = append(readers[path], r.Name) }
		eachPath(r.Reads, data, add)
		if previous != "" {
			eachPath(r.ReadsPrevious, previous, add)
		}
	}
	var out []control.Read
	for _, path := range slices.Sorted(maps.Keys(readers)) {
		out = append(out, control.Read{Path: path, Recipes: readers[path]})
	}
	return out
}

// Uses implements control.Workshop.
func (x *machine) Uses() map[string]control.ConnectionUse {
	p := x.engine.Program()
	if p == nil {
		return nil
	}
	out := map[string]control.ConnectionUse{}
	for _, c := range p.Connections() {
		u := control.ConnectionUse{}
		if spec := x.registry.Spec(c.Service.Name); spec != nil {
			u.Title = spec.Title
			if conn := x.engine.Connection(c.Name); conn != nil {
				u.Limits = limitsOf(spec, func(class string) connectors.Limit { return spec.Limit(conn, class).Of(conn) })
			}
		}
		out[c.Name] = u
	}
	for _, r := range p.Recipes() {
		if r.Disabled {
			continue
		}
		triggers := slices.Clone(r.Triggers)
		for _, n := range slices.Concat(r.Nodes, r.OnError) {
			switch {
			case n.Kind == check.Action && n.Calls == "":
				u := out[n.Connection]
				u.Callers = withName(u.Callers, r.Name)
				out[n.Connection] = u
			case n.Wait != nil && n.Wait.Event != nil:
				triggers = append(triggers, n.Wait.Event)
			}
		}
		for _, t := range triggers {
			u := out[t.Connection]
			u.Listeners = withName(u.Listeners, r.Name)
			for _, typ := range t.Events {
				u.Events = withName(u.Events, typ)
			}
			slices.Sort(u.Events)
			out[t.Connection] = u
		}
	}
	return out
}

func withName(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

// limitsOf lists the limits that there are, the default first.
func limitsOf(spec *connectors.Spec, limit func(class string) connectors.Limit) []control.ConnLimit {
	classes := slices.Sorted(maps.Keys(spec.Limits))
	if !slices.Contains(classes, "") {
		classes = append([]string{""}, classes...)
	}
	var out []control.ConnLimit
	for _, class := range classes {
		if l := limit(class); l.Rate > 0 || l.Concurrency > 0 {
			out = append(out, control.ConnLimit{Class: class, Rate: l.Rate, Burst: l.Burst, Concurrency: l.Concurrency})
		}
	}
	return out
}

// Fixture implements control.Workshop.
func (x *machine) Fixture(e *runtime.Event, keep []string) (*control.Fixture, error) {
	c := &capturer{registry: x.registry, salt: x.m.env("FLOWRUN_CAPTURE_SALT"), keep: keep, kept: map[string]bool{}}
	shown := control.EventOf(e)
	shown.Payload = e.Payload
	raw, err := c.fixture(&shown)
	if err != nil {
		return nil, refusal{err}
	}
	for _, path := range keep {
		if !c.kept[path] {
			return nil, refusal{fmt.Errorf("the event has no value at %s that would be replaced", path)}
		}
	}
	return &control.Fixture{Event: raw, Replaced: sortedSet(c.replaced), Dropped: sortedSet(c.dropped)}, nil
}
