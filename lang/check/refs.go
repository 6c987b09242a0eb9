package check

import (
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang/schema"
)

// refs is what expressions name, without regard to whether it exists.
type refs struct {
	locals map[string]hcl.Range // each with the place of its first mention
	steps  map[string]hcl.Range
	vars   map[string]bool
	run    hcl.Range // empty where `run` is not read
	trig   []hcl.Traversal
	prev   []hcl.Traversal

	waits    map[string]hcl.Range
	waited   map[string][]hcl.Traversal // of the payload of a wait's event, from "trigger" on
	incoming []hcl.Traversal            // the same of the event that might be the one
}

func newRefs() *refs {
	return &refs{locals: map[string]hcl.Range{}, steps: map[string]hcl.Range{}, vars: map[string]bool{},
		waits: map[string]hcl.Range{}, waited: map[string][]hcl.Traversal{}}
}

func (r *refs) add(exprs ...hcl.Expression) {
	for _, x := range exprs {
		if x == nil {
			continue
		}
		for _, t := range x.Variables() {
			switch t.RootName() {
			case "trigger":
				r.trig = append(r.trig, t)
			case "previous":
				r.prev = append(r.prev, t)
			case "run":
				if r.run == (hcl.Range{}) {
					r.run = t.SourceRange()
				}
			case "incoming":
				r.incoming = append(r.incoming, payloadPart(t[1:])...)
			}
			if len(t) < 2 {
				continue
			}
			attr, ok := t[1].(hcl.TraverseAttr)
			if !ok {
				continue
			}
			rng := hcl.RangeBetween(t[0].SourceRange(), attr.SrcRange)
			switch t.RootName() {
			case "local":
				addFirst(r.locals, attr.Name, rng)
			case "action":
				addFirst(r.steps, attr.Name, rng)
			case "wait":
				addFirst(r.waits, attr.Name, rng)
				r.waited[attr.Name] = append(r.waited[attr.Name], payloadPart(t[2:])...)
			case "var":
				r.vars[attr.Name] = true
			}
		}
	}
}

// payloadPart returns what a traversal goes on with in `trigger`. Where all is read that is `trigger` itself.
func payloadPart(rest hcl.Traversal) []hcl.Traversal {
	whole := hcl.Traversal{hcl.TraverseRoot{Name: "trigger"}}
	if len(rest) == 0 {
		return []hcl.Traversal{whole}
	}
	if attr, ok := rest[0].(hcl.TraverseAttr); ok && attr.Name != "trigger" {
		return nil
	}
	return []hcl.Traversal{append(whole, rest[1:]...)}
}

func addFirst(m map[string]hcl.Range, name string, rng hcl.Range) {
	if old, ok := m[name]; !ok || rng.Start.Byte < old.Start.Byte {
		m[name] = rng
	}
}

// through adds what the locals that are named read in turn. A step that is read through a local stands at the place of
// the local's mention.
func (r *refs) through(locals map[string]*refs) {
	todo := slices.Sorted(maps.Keys(r.locals))
	done := map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		sub := locals[name]
		if done[name] || sub == nil {
			continue
		}
		done[name] = true
		at := r.locals[name]
		for _, l := range slices.Sorted(maps.Keys(sub.locals)) {
			if _, ok := r.locals[l]; !ok {
				r.locals[l] = at
			}
			todo = append(todo, l)
		}
		for s := range sub.steps {
			if _, ok := r.steps[s]; !ok {
				r.steps[s] = at
			}
		}
		for w := range sub.waits {
			if _, ok := r.waits[w]; !ok {
				r.waits[w] = at
			}
		}
		for w, list := range sub.waited {
			r.waited[w] = append(r.waited[w], list...)
		}
		if r.run == (hcl.Range{}) && sub.run != r.run {
			r.run = at
		}
		maps.Copy(r.vars, sub.vars)
		r.trig = append(r.trig, sub.trig...)
		r.prev = append(r.prev, sub.prev...)
	}
}

// pathsOf turns what is read into paths within an object: down by attributes as long as there are objects, and all of
// what stands there.
func pathsOf(list []hcl.Traversal, payloads []*schema.Object) *schema.Paths {
	out := &schema.Paths{}
	for _, t := range list {
		for _, o := range payloads {
			var path []string
			for _, step := range t[1:] {
				attr, ok := step.(hcl.TraverseAttr)
				if !ok || o == nil {
					break
				}
				f := o.Field(attr.Name)
				path = append(path, attr.Name)
				if f == nil || f.Type.Kind != schema.KindObject {
					break
				}
				o = f.Type.Object
			}
			out.Add(path...)
		}
	}
	return out
}
