package stripe

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
)

// API says what a stand-in for Stripe needs to know of the operations and objects to answer any request sensibly. Its
// methods speak in JSON's own types, so that the stand-in need not import this package.
type API struct {
	c      *catalog
	routes map[string][]route // by method and number of segments
}

type route struct {
	op    operation
	parts []string
}

// NewAPI returns the API of the pinned version.
func NewAPI() *API {
	a := &API{c: newCatalog(catalogText, operationsText), routes: map[string][]route{}}
	for _, op := range a.c.operations {
		parts := strings.Split(op.path, "/")
		key := op.method + strconv.Itoa(len(parts))
		a.routes[key] = append(a.routes[key], route{op, parts})
	}
	return a
}

// Route finds the operation that a request is for, and the values that stand in its path, still encoded. A path that is
// written out goes before one with a placeholder.
func (a *API) Route(method, path string) (operation string, values map[string]string, ok bool) {
	parts := strings.Split(path, "/")
	fewest := len(parts) + 1
	for _, r := range a.routes[method+strconv.Itoa(len(parts))] {
		at := map[string]string{}
		matches := true
		for i, p := range r.parts {
			if name, placeholder := strings.CutPrefix(p, "{"); placeholder {
				matches = matches && parts[i] != ""
				at[strings.TrimSuffix(name, "}")] = parts[i]
				continue
			}
			matches = matches && p == parts[i]
		}
		if matches && len(at) < fewest {
			operation, values, ok, fewest = r.op.name, at, true, len(at)
		}
	}
	return operation, values, ok
}

// Answers says what an operation answers: "one" object, a "list", a "search", "deleted" or a "pdf"; and the object's
// name, of a union those of its members joined by "|". Own says which placeholder of the path is the object's id; it is "" where none is.
func (a *API) Answers(operation string) (kind, object, own string) {
	op, _ := a.c.operation(operation)
	object = strings.TrimPrefix(op.answer[strings.IndexByte(op.answer, ' ')+1:], "@")
	kind = "one"
	switch {
	case op.answer == "pdf":
		return "pdf", "", ""
	case strings.HasPrefix(op.answer, "page "):
		return "list", object, ""
	case strings.HasPrefix(op.answer, "search "):
		return "search", object, ""
	case strings.HasPrefix(object, "deleted_"):
		kind, object = "deleted", strings.ReplaceAll(object, "deleted_", "")
	}
	parts := strings.Split(op.path, "/")
	short := object[strings.LastIndexByte(object, '.')+1:]
	for i, part := range parts {
		name, placeholder := strings.CutPrefix(part, "{")
		// A placeholder names the object where nothing follows it, or a verb.
		if placeholder && (i == len(parts)-1 || strings.TrimSuffix(parts[i-1], "s") == short) {
			own = strings.TrimSuffix(name, "}")
		}
	}
	return kind, object, own
}

// Permission is what a restricted key needs for an operation, as Stripe's messages name it; "" where that is not known.
func (a *API) Permission(operation string) string {
	op, ok := a.c.operation(operation)
	if !ok {
		return ""
	}
	return permissionAt(op.method, op.path).ID
}

// Check refuses arguments that the operation does not take: it returns the parameter's name as Stripe writes it, and
// Stripe's code; both are empty where all is well. Arguments are nested maps, lists and strings.
func (a *API) Check(operation string, args map[string]any) (param, code string) {
	op, _ := a.c.operation(operation)
	at := strings.Split(op.path, "/")
	fields := slices.DeleteFunc(a.c.inputFields(operation), func(f schema.Field) bool { return slices.Contains(at, "{"+f.Name+"}") })
	return checkArgs(schema.NewObject(operation, fields...), args, "")
}

func checkArgs(o *schema.Object, args map[string]any, within string) (param, code string) {
	name := func(n string) string {
		if within == "" {
			return n
		}
		return within + "[" + n + "]"
	}
	names := make([]string, 0, len(args))
	for n := range args {
		names = append(names, n)
	}
	slices.Sort(names) // so that of several mistakes the same one is named each time
	for _, n := range names {
		f := o.Field(n)
		if f == nil {
			return name(n), "parameter_unknown"
		}
		if param, code := checkArg(&f.Type, args[n], name(n)); code != "" {
			return param, code
		}
	}
	for i := range o.Fields() {
		if f := &o.Fields()[i]; f.Required && args[f.Name] == nil {
			return name(f.Name), "parameter_missing"
		}
	}
	return "", ""
}

func checkArg(t *schema.Type, v any, at string) (param, code string) {
	switch v := v.(type) {
	case map[string]any:
		if t.Kind == schema.KindObject {
			return checkArgs(t.Object, v, at)
		}
	case []any:
		if t.Kind == schema.KindList {
			for i, elem := range v {
				if param, code := checkArg(t.Elem, elem, fmt.Sprintf("%s[%d]", at, i)); code != "" {
					return param, code
				}
			}
		}
	case string:
		number := func(t *schema.Type) bool { return t.Kind == schema.KindNumber }
		if t.Or == nil && number(t) {
			if _, err := strconv.ParseFloat(v, 64); err != nil {
				return at, "parameter_invalid_integer"
			}
		}
		if t.Or == nil && len(t.Enum) > 0 && !slices.Contains(t.Enum, v) {
			return at, "parameter_invalid"
		}
	}
	return "", ""
}

// New makes an object of that name and id as an example has it.
func (a *API) New(object, id string, at time.Time) (map[string]any, error) {
	if _, ok := a.c.index()[object]; !ok {
		return nil, fmt.Errorf("there is no object %q at Stripe", object)
	}
	made, err := a.c.sampleOf(a.c.object(object), "", object, id, at)
	if err != nil {
		return nil, err
	}
	if a.c.object(object).Field("id") != nil {
		made["id"] = id
	}
	return made, nil
}

// Prefix is how the ids of an object begin, "" where they don't begin in one way.
func (a *API) Prefix(object string) string {
	object, _, _ = strings.Cut(object, "|")
	return a.c.usualPrefix(object)
}

// Refers returns the object that the id in a field names, "" where it names none.
func (a *API) Refers(object, field string) string {
	if _, ok := a.c.index()[object]; !ok {
		return ""
	}
	f := a.c.object(object).Field(field)
	if f == nil || f.Type.Format != schema.ID || f.Name == "id" {
		return ""
	}
	return f.Type.Refers
}

// Blank empties what an operation could have been given of an object and was not.
func (a *API) Blank(operation, object string, data, args map[string]any) {
	shape := a.c.object(object)
	for _, in := range a.c.inputFields(operation) {
		f := shape.Field(in.Name)
		if _, given := args[in.Name]; given || f == nil || !f.Nullable {
			continue
		}
		data[in.Name] = nil
	}
}

// Apply puts arguments into an object where it has a place for them.
func (a *API) Apply(object string, data, args map[string]any) error {
	return a.apply(a.c.object(object), data, args)
}

func (a *API) apply(shape *schema.Object, data, args map[string]any) error {
	for name, v := range args {
		f := shape.Field(name)
		if f == nil || name == "object" {
			continue
		}
		value, ok, err := a.value(&f.Type, data[name], v)
		if err != nil {
			return err
		}
		if ok {
			data[name] = value
		}
	}
	return nil
}

// value makes of an argument what an object holds; ok is false where it has no place there. Old is what was there.
func (a *API) value(t *schema.Type, old, v any) (value any, ok bool, err error) {
	text, plain := v.(string)
	switch t.Kind {
	case schema.KindString:
		if !plain {
			return nil, false, nil
		}
		if text == "" {
			return nil, true, nil
		}
		return text, true, nil
	case schema.KindNumber:
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text), true, nil
		}
		return nil, plain && text == "", nil
	case schema.KindBool:
		return text == "true", plain, nil
	case schema.KindMap, schema.KindAny:
		return merged(old, v), true, nil
	case schema.KindList:
		return a.elements(t, v)
	case schema.KindObject:
		return a.object(t.Object, old, v)
	}
	return nil, false, nil
}

// merged is how Stripe treats metadata: keys are added, an empty value removes its key, an empty text removes all.
func merged(old, v any) any {
	given, ok := v.(map[string]any)
	if !ok {
		return map[string]any{}
	}
	out := map[string]any{}
	if before, ok := old.(map[string]any); ok {
		for k, v := range before {
			out[k] = v
		}
	}
	for k, v := range given {
		if v == "" {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}

func (a *API) elements(t *schema.Type, v any) (value any, ok bool, err error) {
	list, isList := v.([]any)
	if !isList {
		return []any{}, v == "", nil
	}
	out := []any{}
	for _, elem := range list {
		made, ok, err := a.value(t.Elem, nil, elem)
		if err != nil {
			return nil, false, err
		}
		if ok {
			out = append(out, made)
		}
	}
	return out, true, nil
}

func (a *API) object(shape *schema.Object, old, v any) (value any, ok bool, err error) {
	blank := func(shape *schema.Object, seed string) (map[string]any, error) {
		made, err := a.c.plainSample(shape, seed)
		if err != nil {
			return nil, err
		}
		return made, a.c.overlay(shape, made, map[string]any{"created": exampleUnix, "currency": "usd", "livemode": false}, seed)
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil, true, nil
		}
		if shape.Field("id") == nil {
			return nil, false, nil
		}
		made, err := blank(shape, v)
		if err != nil {
			return nil, false, err
		}
		made["id"] = v
		return made, true, nil
	case []any:
		data := shape.Field("data") // what is given as a list is kept as a page
		if data == nil || data.Type.Elem == nil || data.Type.Elem.Object == nil {
			return nil, false, nil
		}
		elems := []any{}
		for i, elem := range v {
			args, ok := elem.(map[string]any)
			if !ok {
				continue
			}
			made, err := blank(data.Type.Elem.Object, fmt.Sprint(args, i))
			if err != nil {
				return nil, false, err
			}
			if err := a.apply(data.Type.Elem.Object, made, args); err != nil {
				return nil, false, err
			}
			elems = append(elems, made)
		}
		return map[string]any{"object": "list", "data": elems, "has_more": false, "url": "/v1"}, true, nil
	case map[string]any:
		into, _ := old.(map[string]any)
		if into == nil {
			if into, err = blank(shape, fmt.Sprint(v)); err != nil {
				return nil, false, err
			}
		}
		return into, true, a.apply(shape, into, v)
	}
	return nil, false, nil
}
