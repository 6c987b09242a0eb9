package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// foundJSON is one line of what a search finds.
type foundJSON struct {
	Kind string `json:"kind"` // "trigger" or "action"
	Name string `json:"name"`
	Doc  string `json:"doc"`
}

// searchCatalogue lists the triggers and actions, of the services named or of all, in whose name or description all the
// words occur. What has them in its name comes first.
func searchCatalogue(w io.Writer, r *connectors.Registry, services []string, query string, asJSON bool) error {
	if len(services) == 0 {
		services = r.ServiceNames()
	}
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(query, "_", " ")))
	var byName, byDoc []foundJSON
	look := func(kind, name, doc string) {
		plain := strings.ReplaceAll(name, "_", " ")
		in := func(text string) bool {
			return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
		}
		switch found := (foundJSON{kind, name, doc}); {
		case in(plain):
			byName = append(byName, found)
		case in(plain + " " + strings.ToLower(doc)):
			byDoc = append(byDoc, found)
		}
	}
	for _, service := range services {
		spec := r.Spec(service)
		if spec == nil {
			return usagef("there is no service %q.%s", service, diag.DidYouMean(service, r.ServiceNames()))
		}
		for _, name := range spec.AllActions() {
			look("action", name, r.Action(name).Doc)
		}
		for _, t := range spec.Triggers {
			look("trigger", t.Name, t.Doc)
		}
	}
	found := slices.Concat(byName, byDoc)
	if asJSON {
		return printJSON(w, struct {
			Found []foundJSON `json:"found"`
		}{append([]foundJSON{}, found...)})
	}
	if len(found) == 0 {
		fmt.Fprintf(w, "no trigger and no action has %q\n", query)
		return nil
	}
	t := newTable(w)
	for _, f := range found {
		t.row(f.Kind, f.Name, f.Doc)
	}
	return t.flush()
}

// showInside shows the fields of an object that an action takes or answers, or that a trigger carries.
func showInside(w io.Writer, r *connectors.Registry, name, path string, asJSON bool) error {
	var roots []*schema.Object
	mark := inputMark
	if a := r.Action(name); a != nil {
		roots = []*schema.Object{a.In, a.Out}
	} else if t := r.Trigger(name); t != nil {
		roots, mark = []*schema.Object{t.Payload}, outputMark
	} else {
		return usagef("there is no trigger or action %q.%s", name, diag.DidYouMean(name, slices.Concat(r.ActionNames(), r.TriggerNames())))
	}
	var known []string
	for i, root := range roots {
		if root == nil {
			continue
		}
		o, names := objectAt(root, strings.Split(path, "."))
		known = append(known, names...)
		if o == nil {
			continue
		}
		if asJSON {
			return printJSON(w, describeFields(o))
		}
		if i > 0 {
			mark = outputMark
		}
		fmt.Fprintf(w, "%s of %q\n", path, name)
		return showFields(w, o, mark)
	}
	return usagef("%s has no object at %s.%s", name, path, diag.DidYouMean(path[strings.LastIndexByte(path, '.')+1:], known))
}

// objectAt follows names to an object, through lists and maps; where it ends it returns the names that would go on.
func objectAt(o *schema.Object, names []string) (*schema.Object, []string) {
	for _, name := range names {
		f := o.Field(name)
		if f == nil {
			return nil, o.Names()
		}
		if o = objectIn(&f.Type); o == nil {
			return nil, nil
		}
	}
	return o, nil
}

// objectIn returns the object that a type is or is made of; nil where there is none.
func objectIn(t *schema.Type) *schema.Object {
	for t.Elem != nil {
		t = t.Elem
	}
	if t.Kind != schema.KindObject {
		return nil
	}
	return t.Object
}

// describeInputs describes an input with the objects within it; inputs end, as answers need not.
func describeInputs(o *schema.Object) []fieldJSON {
	out := describeFields(o)
	for i := range out {
		if inner := objectIn(&o.Fields()[i].Type); inner != nil {
			out[i].Fields = describeInputs(inner)
		}
	}
	return out
}
