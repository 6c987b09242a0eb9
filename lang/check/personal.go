package check

import (
	"slices"

	"github.com/flowrun/flowrun/lang/schema"
)

// What tells of a person is followed like what is secret, through every expression, so that it is known which inputs
// of a step carry it and must be redacted wherever they are shown. It is never a mistake.

// taint makes a value as secret and as personal as what it is made of.
func (i *info) taint(from ...info) {
	for _, f := range from {
		i.secret = i.secret || f.secret
		i.personal = i.personal || f.personal
	}
}

// take is taint for the parts of what is written out: a mistake in one is one in the whole.
func (i *info) take(part info) {
	i.taint(part)
	i.bad = i.bad || part.bad
}

// roleOf is the role of a field that a recipe makes of a value.
func roleOf(i info) schema.Role {
	if i.personal {
		return schema.RoleName
	}
	return ""
}

func (e env) tellsOfPerson(i info) bool { return i.personal || e.c.tellsOfPerson(i.t) }

// traced is a value that has become a part of another whose type no longer tells what the part's did.
func (e env) traced(i info) info {
	i.personal = e.tellsOfPerson(i)
	return i
}

// kept makes a value as secret and as personal as what its parts hold, where its type no longer tells.
func (e env) kept(i info, parts ...info) info {
	for _, p := range parts {
		i.secret = i.secret || e.c.holdsSecret(p.t) && !e.c.holdsSecret(i.t)
		i.personal = i.personal || e.c.tellsOfPerson(p.t) && !e.c.tellsOfPerson(i.t)
	}
	return i
}

// mostObjects bounds the search through objects that refer to each other; what is larger is taken to be personal.
const mostObjects = 100

// tellsOfPerson reports whether values of the type hold fields that tell of a person, at any depth.
func (c *checker) tellsOfPerson(t schema.Type) bool {
	if c.personal == nil {
		c.personal = map[*schema.Object]bool{}
	}
	return holds(t, c.personal, func(f schema.Field, met int) bool { return f.Role.Personal() || met > mostObjects })
}

// holdsSecret reports whether values of the type hold fields that are secret, at any depth.
func (c *checker) holdsSecret(t schema.Type) bool {
	if c.secrets == nil {
		c.secrets = map[*schema.Object]bool{}
	}
	return holds(t, c.secrets, func(f schema.Field, _ int) bool { return f.Secret })
}

// holds looks for a field in the objects of a type, the nearest first. is is also told how many objects were met.
func holds(t schema.Type, answers map[*schema.Object]bool, is func(f schema.Field, met int) bool) bool {
	root := objectIn(t)
	if root == nil {
		return false
	}
	if answer, ok := answers[root]; ok {
		return answer
	}
	queue := []*schema.Object{root}
	seen := map[*schema.Object]bool{root: true}
	found := false
	for n := 0; n < len(queue) && n < 10*mostObjects && !found; n++ {
		for _, f := range queue[n].Fields() {
			found = found || is(f, len(queue))
			if o := objectIn(f.Type); o != nil && !seen[o] {
				seen[o] = true
				queue = append(queue, o)
			}
		}
	}
	if root.Name != "" { // the vendor's: those that recipes write out are never met again
		answers[root] = found
	}
	return found
}

// objectIn returns the object that a type holds directly or as elements, or nil.
func objectIn(t schema.Type) *schema.Object {
	for t.Elem != nil {
		t = *t.Elem
	}
	return t.Object
}

// tellsOf adds inputs that carry data of a person, for one of the triggers.
func (n *nodeSrc) tellsOf(inputs []string) {
	n.Personal = append(n.Personal, inputs...)
	slices.Sort(n.Personal)
	n.Personal = slices.Compact(n.Personal)
}
