package check

// Shapes that an author declares: what a recipe is called with. A shape is written like the type of a variable, and
// becomes a schema.Object, so that what it describes is decoded, checked and redacted like what a vendor sends.

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
)

// deepestShape bounds how deep shapes are written into each other.
const deepestShape = 16

const shapeWords = "string, number, bool, any, list(…), map(…), object({ … }), and optional(…) for what may be left out"

// declared reads the shape of an object, { name = TYPE }, and reports what is no type; the fields whose type is one are
// there all the same. It returns nil where x is no object.
func (e env) declared(x hclsyntax.Expression, name string) *schema.Object {
	return e.shapeOfObject(x, name, 0)
}

func (e env) shapeOfObject(x hclsyntax.Expression, name string, depth int) *schema.Object {
	obj, ok := unwrap(x).(*hclsyntax.ObjectConsExpr)
	if !ok {
		e.report(diag.BadShape, x.Range(), "the shape is written out as an object: { name = string }.")
		return nil
	}
	var fields []schema.Field
	taken := map[string]hcl.Range{}
	for _, item := range obj.Items {
		key := writtenKey(item)
		if key == "" {
			e.report(diag.BadShape, item.KeyExpr.Range(), "the name of a field must be written out.")
			continue
		}
		if duplicate(e.sc.rep, "field", key, item.KeyExpr.Range(), taken) {
			continue
		}
		t, optional, ok := e.shape(item.ValueExpr, depth)
		if !ok {
			t = anyType
		}
		fields = append(fields, schema.Field{Name: key, Type: t, Required: !optional, Nullable: optional, Role: roleByName(key)})
	}
	return schema.NewObject(name, fields...)
}

// shapeArg takes the argument that declares a shape from the others. ok is false where it is there and is mistaken.
func (e env) shapeArg(args []argument, name string) (others []argument, shape *schema.Type, ok bool) {
	if name == "" {
		return args, nil, true
	}
	ok = true
	for _, a := range args {
		if a.Name != name {
			others = append(others, a)
			continue
		}
		before := len(e.sc.rep.diags)
		t := anyType
		if _, object := unwrap(a.Expr).(*hclsyntax.ObjectConsExpr); object {
			t = schema.ObjectType(e.shapeOfObject(a.Expr, name, 0))
		} else if written, optional, known := e.shape(a.Expr, 0); known {
			t = written
			if optional {
				e.report(diag.BadShape, a.Expr.Range(), "%q is not a field, so that nothing can be left out: optional stands around the type of a field.", name)
			}
		}
		shape, ok = &t, len(e.sc.rep.diags) == before
	}
	return others, shape, ok
}

// writtenKey returns the name of an item that is written out, or "".
func writtenKey(item hclsyntax.ObjectConsItem) string {
	key, ok := item.KeyExpr.(*hclsyntax.ObjectConsKeyExpr)
	if !ok {
		return ""
	}
	if word := hcl.ExprAsKeyword(key.Wrapped); word != "" && !key.ForceNonLiteral {
		return word
	}
	v, ok := literal(key.Wrapped)
	if !ok {
		return ""
	}
	text, _ := textOf(v)
	return text
}

// shape reads one type.
func (e env) shape(x hclsyntax.Expression, depth int) (t schema.Type, optional, ok bool) {
	bad := func() (schema.Type, bool, bool) {
		e.report(diag.BadShape, x.Range(), "%s is not a type. There is %s.", e.source(x.Range()), shapeWords)
		return anyType, false, false
	}
	if depth > deepestShape {
		e.report(diag.BadShape, x.Range(), "shapes are nested %d deep at most.", deepestShape)
		return anyType, false, false
	}
	x = unwrap(x)
	switch hcl.ExprAsKeyword(x) {
	case "string":
		return stringType, false, true
	case "number":
		return numberType, false, true
	case "bool":
		return boolType, false, true
	case "any":
		return anyType, false, true
	}
	call, isCall := x.(*hclsyntax.FunctionCallExpr)
	if !isCall || len(call.Args) != 1 || call.ExpandFinal {
		return bad()
	}
	inner := call.Args[0]
	switch call.Name {
	case "object":
		o := e.shapeOfObject(inner, "", depth+1)
		return schema.ObjectType(o), false, o != nil
	case "optional":
		t, twice, ok := e.shape(inner, depth+1)
		if twice {
			e.report(diag.BadShape, x.Range(), "optional stands once around a type.")
			return t, true, false
		}
		return t, true, ok
	case "list", "set", "map":
		t, optional, ok := e.shape(inner, depth+1)
		if optional {
			e.report(diag.BadShape, inner.Range(), "the elements of a %s can't be left out: optional stands around the type of a field.", call.Name)
			return t, false, false
		}
		if call.Name == "map" {
			return t.MapOf(), false, ok
		}
		return t.ListOf(), false, ok
	}
	return bad()
}

// roleByName guesses what a field tells of a person by its name. It only widens what is redacted.
func roleByName(name string) schema.Role {
	switch strings.ToLower(name) {
	case "email", "e_mail", "email_address", "mail":
		return schema.RoleEmail
	case "name", "full_name", "customer_name":
		return schema.RoleName
	case "first_name":
		return schema.RoleFirstName
	case "last_name":
		return schema.RoleLastName
	case "phone", "phone_number", "mobile":
		return schema.RolePhone
	case "address", "street", "postal_address":
		return schema.RoleAddress
	}
	return ""
}
