package control

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// The description of the API is made from the table of routes and the Go types themselves, so that neither can say what
// the other doesn't do.

func (h *Handler) openapi(*http.Request) (any, error) {
	schemas := map[string]any{}
	paths := map[string]map[string]any{}
	for _, r := range h.routes() {
		path := strings.TrimSuffix(r.path, "{$}")
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(r.method)] = operation(r, schemas)
	}
	schemaOf(reflect.TypeFor[problemBody](), schemas)
	doc := map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       "flowrun control",
			"version":     "1",
			"description": "What a flowrun server does and did. Lists page by cursor, the newest first. Who may only view sees what tells of a person masked.",
		},
		"paths": paths,
		"components": map[string]any{
			"schemas": schemas,
			"securitySchemes": map[string]any{
				"token":   map[string]any{"type": "http", "scheme": "bearer"},
				"session": map[string]any{"type": "apiKey", "in": "cookie", "name": "flowrun"},
			},
		},
	}
	return doc, nil
}

func operation(r route, schemas map[string]any) map[string]any {
	params := []any{}
	for part := range strings.SplitSeq(r.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok && name != "$}" {
			params = append(params, map[string]any{"name": strings.TrimSuffix(name, "}"), "in": "path", "required": true,
				"schema": map[string]any{"type": "string"}})
		}
	}
	for _, p := range r.params {
		shape := map[string]any{"type": "string"}
		switch p.name {
		case "limit":
			shape = map[string]any{"type": "integer", "minimum": 1, "maximum": largestPage, "default": defaultPage}
		case "masked":
			shape = map[string]any{"type": "string", "enum": []string{"1"}}
		case "where": // the only one that may be given several times
			shape = map[string]any{"type": "array", "items": shape}
		}
		params = append(params, map[string]any{"name": p.name, "in": "query", "description": p.doc, "schema": shape})
	}
	content := map[string]any{r.media: map[string]any{"schema": map[string]any{"type": "string"}}}
	if r.media == "" {
		content = jsonContent(r.out, schemas)
	}
	refused := func(why string) map[string]any {
		return map[string]any{"description": why, "content": jsonContent(problemBody{}, schemas)}
	}
	responses := map[string]any{
		strconv.Itoa(http.StatusOK): map[string]any{"description": "done", "content": content},
		"default":                   refused("refused"),
	}
	security := []any{map[string]any{}}
	if !r.open {
		// The first is for who needs no token: on this machine, where there is none, or by a trusted proxy.
		security = append(security, map[string]any{"token": []any{}}, map[string]any{"session": []any{}})
		responses[strconv.Itoa(http.StatusUnauthorized)] = refused("nobody is known to ask")
		responses[strconv.Itoa(http.StatusForbidden)] = refused("who asks may not, or comes from another origin")
	}
	op := map[string]any{"summary": r.summary, "parameters": params, "responses": responses, "security": security}
	if !r.open {
		op["x-role"] = r.needs().String()
	}
	if len(r.says) > 0 {
		says := map[string]any{}
		for name, v := range r.says {
			says[name] = schemaOf(reflect.TypeOf(v), schemas)
		}
		op["x-events"] = says
	}
	if r.in != nil {
		op["requestBody"] = map[string]any{"required": true, "content": jsonContent(r.in, schemas)}
	}
	return op
}

func jsonContent(v any, schemas map[string]any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": schemaOf(reflect.TypeOf(v), schemas)}}
}

// schemaOf returns the JSON Schema of a Go type as encoding/json writes it; a struct goes into schemas once and is
// referred to.
func schemaOf(t reflect.Type, schemas map[string]any) map[string]any {
	switch t {
	case reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{} // anything
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem(), schemas)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), schemas)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem(), schemas)}
	case reflect.Struct:
		name := schemaName(t)
		if name == "" { // struct{}
			return map[string]any{"type": "object"}
		}
		if _, ok := schemas[name]; !ok {
			object := map[string]any{"type": "object"}
			schemas[name] = object // before the fields, which may lead back here
			properties, required := map[string]any{}, []string{}
			for _, f := range reflect.VisibleFields(t) {
				if f.Anonymous || !f.IsExported() {
					continue
				}
				tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if tag == "-" {
					continue
				}
				properties[tag] = schemaOf(f.Type, schemas)
				if words := f.Tag.Get("enum"); words != "" {
					properties[tag] = map[string]any{"type": "string", "enum": strings.Split(words, ",")}
				}
				if !strings.Contains(options, "omit") {
					required = append(required, tag)
				}
			}
			object["properties"] = properties
			if len(required) > 0 {
				object["required"] = required
			}
		}
		return map[string]any{"$ref": "#/components/schemas/" + name}
	}
	return map[string]any{} // an interface: anything
}

func schemaName(t reflect.Type) string {
	if t == reflect.TypeFor[problemBody]() {
		return "Error"
	}
	return t.Name()
}
