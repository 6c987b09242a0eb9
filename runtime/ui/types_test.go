package ui_test

// The page's types of the API are made from the API's own description, so that a field that goes away breaks the build
// of the page and not the page.

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/memstore"
)

// description is what is read of an OpenAPI document.
type description struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	RequestBody *content            `json:"requestBody"`
	Responses   map[string]*content `json:"responses"`
	Events      map[string]*schema  `json:"x-events"`
}

type content struct {
	Content map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Enum       []string           `json:"enum"`
	Items      *schema            `json:"items"`
	Additional *schema            `json:"additionalProperties"`
	Properties map[string]*schema `json:"properties"`
	Required   []string           `json:"required"`
}

func TestTypesOfTheAPI(t *testing.T) {
	door := control.New(control.Config{Store: memstore.New()})
	r := httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/openapi.json", http.NoBody)
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("the description: status %d: %s", w.Code, w.Body)
	}
	var doc description
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	got := typescript(&doc)
	name := filepath.Join("web", "src", "api", "types.gen.ts")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the API is now; UPDATE=1 writes it anew, and then the page must be built", name)
	}
}

func typescript(doc *description) string {
	var b strings.Builder
	b.WriteString("// Made from the description of the API by runtime/ui/types_test.go; UPDATE=1 writes it anew. Not to be edited.\n\n")
	b.WriteString("export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };\n")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		fmt.Fprintf(&b, "\nexport interface %s {\n", name)
		s := doc.Components.Schemas[name]
		for _, field := range slices.Sorted(maps.Keys(s.Properties)) {
			mark := "?"
			if slices.Contains(s.Required, field) {
				mark = ""
			}
			fmt.Fprintf(&b, "  %s%s: %s;\n", field, mark, typeOf(s.Properties[field]))
		}
		b.WriteString("}\n")
	}
	b.WriteString("\n/** What each path takes and answers. */\nexport interface Routes {\n")
	events := map[string]*schema{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			op := doc.Paths[path][method]
			maps.Copy(events, op.Events)
			answer := jsonOf(op.Responses["200"])
			if answer == nil {
				continue
			}
			var query []string
			for _, p := range op.Parameters {
				if p.In == "query" {
					query = append(query, quoted(p.Name))
				}
			}
			if len(query) == 0 {
				query = []string{"never"}
			}
			body := "undefined"
			if in := jsonOf(op.RequestBody); in != nil {
				body = typeOf(in)
			}
			fmt.Fprintf(&b, "  %s: { query: %s; body: %s; answer: %s };\n",
				quoted(strings.ToUpper(method)+" "+path), strings.Join(query, " | "), body, typeOf(answer))
		}
	}
	b.WriteString("}\n\n/** What the stream tells. */\nexport interface StreamEvents {\n")
	for _, name := range slices.Sorted(maps.Keys(events)) {
		fmt.Fprintf(&b, "  %s: %s;\n", name, typeOf(events[name]))
	}
	b.WriteString("}\n")
	return b.String()
}

func jsonOf(c *content) *schema {
	if c == nil {
		return nil
	}
	return c.Content["application/json"].Schema
}

func quoted(s string) string { return `"` + s + `"` }

func typeOf(s *schema) string {
	switch {
	case s == nil:
		return "Json"
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = quoted(w)
		}
		return strings.Join(words, " | ")
	case s.Type == "array":
		item := typeOf(s.Items)
		if strings.Contains(item, " | ") {
			item = "(" + item + ")"
		}
		return item + "[]"
	case s.Type == "object" && s.Additional != nil:
		return "Record<string, " + typeOf(s.Additional) + ">"
	case s.Type == "object":
		return "Record<string, never>"
	case s.Type == "integer" || s.Type == "number":
		return "number"
	case s.Type == "string" || s.Type == "boolean":
		return s.Type
	}
	return "Json"
}
