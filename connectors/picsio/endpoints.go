package picsio

import (
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// endpoint is a row of the table of calls. None of the paths, inputs and answers is confirmed by the vendor.
type endpoint struct {
	name   string // of the action, without the service
	doc    string
	at     string // the connection's setting that replaces the path
	method string
	path   string
	effect schema.Effect
	in     []schema.Field
	out    *schema.Object
	listIn string // the field of out that a bare list becomes

	example, answer string
}

func endpoints() []endpoint {
	return []endpoint{
		{
			name: "collection_root", doc: "Get the root collection, which holds all others", at: "root_collection_path",
			method: http.MethodGet, path: "/collections/root", effect: schema.Read, out: collection(),
			example: "{}", answer: `{"_id": "58dd4ac1e5d0d4d4a4b7a6a1", "name": "My collections", "parentId": null}`,
		},
		{
			name: "collection_create", doc: "Create a collection below another, or below the root where no parent is given", at: "create_collection_path",
			method: http.MethodPost, path: "/collections", effect: schema.AtMostOnce, out: collection(),
			in: []schema.Field{
				{Name: "name", Type: text(), Required: true, Doc: "Name of the collection", Example: `"Spring 2026"`},
				{Name: "parentId", Type: text(), Doc: "Collection that it goes into, by id", Example: `"58dd4ac1e5d0d4d4a4b7a6a1"`},
			},
			example: `{"name": "Spring 2026"}`, answer: `{"_id": "58dd4ac1e5d0d4d4a4b7a6b2", "name": "Spring 2026", "parentId": "58dd4ac1e5d0d4d4a4b7a6a1"}`,
		},
		{
			name: "custom_field_list", doc: "List the custom fields of the library", at: "custom_fields_path",
			method: http.MethodGet, path: "/customFields", effect: schema.Read, listIn: "customFields",
			out:     list("customFields", "custom fields", "The custom fields, as Pics.io lists them", "title", "Name of the field", "type", "Kind of its values"),
			example: "{}", answer: `{"customFields": [{"_id": "58dd4ac1e5d0d4d4a4b7a6c3", "title": "Photographer", "type": "text"}]}`,
		},
		{
			name: "keyword_list", doc: "List the keywords of the library", at: "keywords_path",
			method: http.MethodGet, path: "/keywords", effect: schema.Read, listIn: "keywords",
			out:     list("keywords", "keywords", "The keywords, as Pics.io lists them", "name", "The keyword", "parentId", "Keyword that it is below, by id"),
			example: "{}", answer: `{"keywords": [{"_id": "58dd4ac1e5d0d4d4a4b7a6d4", "name": "beach", "parentId": null}]}`,
		},
	}
}

func text() schema.Type { return schema.Type{Kind: schema.KindString} }

// loose is a field of which nothing is promised.
func loose(name, doc string) schema.Field {
	return schema.Field{Name: name, Type: text(), Nullable: true, Doc: doc}
}

func collection() *schema.Object {
	o := schema.NewObject("collection", loose("_id", "Its id"), loose("name", "Its name"), loose("parentId", "Collection that it is in, by id; null of the root"))
	o.Open = true
	return o
}

// list is an answer that holds a list of things with an id and two texts; both the answer and the things may hold more.
func list(field, name, doc, first, firstDoc, second, secondDoc string) *schema.Object {
	thing := schema.NewObject(name, loose("_id", "Its id"), loose(first, firstDoc), loose(second, secondDoc))
	thing.Open = true
	o := schema.NewObject(name, schema.Field{Name: field, Type: schema.ObjectType(thing).ListOf(), Nullable: true, Doc: doc})
	o.Open = true
	return o
}

// setting is the connection's setting that replaces the path.
func (e *endpoint) setting() connectors.Setting {
	return connectors.Setting{Env: "PICSIO_" + strings.ToUpper(e.at), Field: schema.Field{Name: e.at, Type: text(), Default: `"` + e.path + `"`,
		Doc: "Path of " + service + "_" + e.name + ", which is unverified"}}
}

func (e *endpoint) action(s *settings) *connectors.Action {
	h := &connectors.HTTP{Method: e.method, Path: e.path, PathSetting: e.at, ListIn: e.listIn}
	if e.method == http.MethodGet {
		h.Encode = connectors.NoBody
	}
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + e.name, Service: service, Doc: e.doc, Effect: e.effect,
			In: schema.NewObject(e.name, e.in...), Out: e.out},
		Call: s.call(h), Example: e.example, Answer: e.answer,
	}
}
