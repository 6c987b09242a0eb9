package stripe

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// mostExpanded is how deep Stripe expands.
const mostExpanded = 4

// expanded returns the shape of an operation's answer where the paths are expanded: an id becomes the object that it
// names, and what Stripe includes only on demand is there. The error says which path can't be expanded, and why.
func (c *catalog) expanded(op operation, paths []string) (*schema.Object, error) {
	if op.answer == "pdf" {
		if len(paths) > 0 {
			return nil, errors.New("a document has nothing to expand")
		}
		return pdfAnswer(), nil
	}
	base, err := c.typ(op.answer)
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", op.name, err)
	}
	out, err := c.expand(base.Object, paths, 0)
	if err != nil {
		return nil, err
	}
	if base.Object.Name == "customer" {
		return withoutUnasked(out, paths), nil
	}
	return out, nil
}

// expand returns o with the paths expanded.
func (c *catalog) expand(o *schema.Object, paths []string, depth int) (*schema.Object, error) {
	if len(paths) == 0 {
		return o, nil
	}
	fields := slices.Clone(o.Fields())
	below := map[string][]string{}
	for _, path := range paths {
		name, rest, deeper := strings.Cut(path, ".")
		if o.Field(name) == nil {
			return nil, fmt.Errorf("%s has no %q", o.Name, name)
		}
		if _, seen := below[name]; !seen {
			below[name] = nil
		}
		if deeper {
			below[name] = append(below[name], rest)
		}
	}
	for i := range fields {
		rest, wanted := below[fields[i].Name]
		if !wanted {
			continue
		}
		if err := c.expandField(o.Name, &fields[i], rest, depth); err != nil {
			return nil, err
		}
	}
	return schema.NewObject(o.Name, fields...), nil
}

func (c *catalog) expandField(object string, f *schema.Field, rest []string, depth int) error {
	t := &f.Type
	for t.Kind == schema.KindList && t.Elem != nil {
		elem := *t.Elem
		t.Elem = &elem
		t = &elem
	}
	listed := t != &f.Type
	switch {
	case t.Format == schema.ID && t.Refers != "" && f.Name != "id":
		if depth++; depth > mostExpanded {
			return fmt.Errorf("%s of %s would be the fifth level; Stripe expands four", f.Name, object)
		}
		target, err := c.expand(c.object(t.Refers), rest, depth)
		if err != nil {
			return err
		}
		*t = schema.ObjectType(target)
		f.Role = ""
	case t.Kind == schema.KindObject:
		if len(rest) == 0 {
			if listed || f.Required {
				return fmt.Errorf("%s of %s is always there and needs no expanding", f.Name, object)
			}
			f.Required = t.Object.Field("has_more") != nil || includable(object, f.Name)
			return nil
		}
		inner, err := c.expand(t.Object, rest, depth)
		if err != nil {
			return err
		}
		*t = schema.ObjectType(inner)
	case includable(object, f.Name) && len(rest) == 0:
		f.Required = true
	default:
		return fmt.Errorf("%s of %s can't be expanded: it is %s", f.Name, object, t)
	}
	return nil
}

// includable reports whether Stripe sends a field only where it is asked for.
func includable(object, field string) bool {
	return object == "customer" && slices.Contains(unasked(), field)
}

// unasked are the parts of a customer that are included on demand.
func unasked() []string {
	return []string{"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}
}

func withoutUnasked(o *schema.Object, paths []string) *schema.Object {
	fields := slices.DeleteFunc(slices.Clone(o.Fields()), func(f schema.Field) bool {
		return slices.Contains(unasked(), f.Name) && !slices.ContainsFunc(paths, func(p string) bool {
			return p == f.Name || strings.HasPrefix(p, f.Name+".")
		})
	})
	return schema.NewObject(o.Name, fields...)
}
