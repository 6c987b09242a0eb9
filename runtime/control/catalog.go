package control

// What recipes can be made of: the catalogue of services, triggers and actions, and recipes for pairs of them.

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// Catalog is what recipes can be made of. It does not change while the server runs.
type Catalog interface {
	// List returns all of it, services and entries by name.
	List() *CatalogList

	// Entry returns a service, a trigger or an action, whichever has the name where no kind is given, or, with a path, the fields of an object within it. It returns
	// nil where there is none.
	Entry(name, kind, path string) *CatalogEntry

	// Pair writes the recipe for a trigger and an action. Its errors that wrap ErrRefused say why not, in words for people.
	Pair(ctx context.Context, trigger, action string) (*CatalogPair, error)
}

// CatalogList is the services, and what each of them has.
type CatalogList struct {
	Services []CatalogService `json:"services"`
	Entries  []CatalogItem    `json:"entries"`
}

// CatalogService is a service in a list.
type CatalogService struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Doc      string `json:"doc"`
	Triggers int    `json:"triggers"`
	Actions  int    `json:"actions"`
	Pairs    bool   `json:"pairs,omitempty"` // its triggers and actions can be paired with those of others
}

// CatalogItem is a trigger or an action in a list.
type CatalogItem struct {
	Kind    string `json:"kind"` // "trigger" or "action"
	Name    string `json:"name"`
	Service string `json:"service"`
	Doc     string `json:"doc,omitempty"`
	Effect  string `json:"effect,omitempty"` // of an action: "read", "idempotent", "keyed" or "at_most_once"
	Offered bool   `json:"offered"`          // it can be paired
}

// CatalogEntry is a service, a trigger or an action.
type CatalogEntry struct {
	Kind    string `json:"kind"` // "service", "trigger" or "action"
	Name    string `json:"name"`
	Service string `json:"service"`
	Title   string `json:"title"` // in words: "Charge failed"
	Doc     string `json:"doc,omitempty"`
	Path    string `json:"path,omitempty"` // what Fields are in, where it was asked for

	// Settings are what a connection block, or the trigger's block, takes.
	Settings []CatalogField `json:"settings"`

	// Fields are what a trigger carries, or what is at the path.
	Fields []CatalogField  `json:"fields"`
	Events []string        `json:"events,omitempty"` // of a trigger: the vendor's types; none where a setting says which
	Sample json.RawMessage `json:"sample,omitempty"` // of a trigger: what `trigger` may look like

	// Of an action.
	Effect    string         `json:"effect,omitempty"`
	Repeat    string         `json:"repeat,omitempty"` // what a repeat of it would be, the rest of a sentence
	Inputs    []CatalogField `json:"inputs"`
	OneOf     [][]string     `json:"one_of,omitempty"` // of each group exactly one is given
	Outputs   []CatalogField `json:"outputs"`
	MayBeNull bool           `json:"may_be_null,omitempty"` // the whole answer may be null
	Limit     string         `json:"limit,omitempty"`       // the class that its calls count for

	Example string `json:"example,omitempty"` // how it stands in a recipe

	// Of a service.
	Limits []ConnLimit `json:"limits,omitempty"`
}

// CatalogField is one field of a shape.
type CatalogField struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Doc      string   `json:"doc,omitempty"`
	Required bool     `json:"required,omitempty"` // of an input: it must be given
	Nullable bool     `json:"nullable,omitempty"` // of what is read: it may be null
	Secret   bool     `json:"secret,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Role     string   `json:"role,omitempty"`
	Example  string   `json:"example,omitempty"`
	Default  string   `json:"default,omitempty"`
	Env      string   `json:"env,omitempty"`    // of a setting: the environment variable that serves for it
	Object   bool     `json:"object,omitempty"` // it is, or is made of, objects whose fields can be asked for
}

// CatalogPair is a recipe for a trigger and an action.
type CatalogPair struct {
	Trigger   string            `json:"trigger"`
	Action    string            `json:"action"`
	Title     string            `json:"title"` // "When charge failed in Stripe, track in Customer.io"
	Recipe    string            `json:"recipe"`
	Filename  string            `json:"filename"` // a name that it could have
	Variables []CatalogVariable `json:"variables"`
	LookUps   []string          `json:"look_ups"` // actions that find what the trigger does not carry
	Guarded   bool              `json:"guarded"`  // what it does can't be undone, so that a variable must say that it is meant
	NotNull   []string          `json:"not_null"` // what of the trigger must be there for the action to be made
}

// CatalogVariable is one that a recipe needs a value for.
type CatalogVariable struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Doc     string `json:"doc,omitempty"`
	Example string `json:"example,omitempty"` // as JSON
}

// catalogue makes a handler of what needs a catalogue.
func (h *Handler) catalogue(f func(r *http.Request, c Catalog) (any, error)) http.Handler {
	return h.json(func(r *http.Request) (any, error) {
		if h.cfg.Catalog == nil {
			return nil, problem(http.StatusNotFound, "not_found", "this server has no catalogue")
		}
		v, err := f(r, h.cfg.Catalog)
		if errors.Is(err, ErrRefused) {
			return nil, problem(http.StatusConflict, "refused", refusal(err))
		}
		return v, err
	})
}

func (h *Handler) catalog(r *http.Request, c Catalog) (any, error) {
	q, err := onlyParams(r, "service", "kind", "q")
	if err != nil {
		return nil, err
	}
	service, kind := q.Get("service"), q.Get("kind")
	if kind != "" && kind != "trigger" && kind != "action" {
		return nil, badParam("kind", kind, "trigger or action")
	}
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(q.Get("q"), "_", " ")))
	all := c.List()
	if service == "" && kind == "" && len(words) == 0 {
		return all, nil
	}
	out := &CatalogList{Services: all.Services, Entries: []CatalogItem{}}
	var byDoc []CatalogItem
	for _, item := range all.Entries {
		if service != "" && item.Service != service || kind != "" && item.Kind != kind {
			continue
		}
		switch name := strings.ReplaceAll(item.Name, "_", " "); {
		case hasAll(name, words):
			out.Entries = append(out.Entries, item)
		case hasAll(name+" "+strings.ToLower(item.Doc), words):
			byDoc = append(byDoc, item)
		}
	}
	out.Entries = append(out.Entries, byDoc...) // what has the words in its name comes first
	return out, nil
}

func hasAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func (h *Handler) catalogEntry(r *http.Request, c Catalog) (any, error) {
	q, err := onlyParams(r, "kind", "path")
	if err != nil {
		return nil, err
	}
	name, path := r.PathValue("name"), q.Get("path")
	e := c.Entry(name, q.Get("kind"), path)
	switch {
	case e == nil && path != "":
		return nil, problem(http.StatusNotFound, "not_found", name+" has no object at "+path)
	case e == nil:
		return nil, problem(http.StatusNotFound, "not_found", "there is no service, trigger or action of that name: "+name)
	}
	return e, nil
}

func (h *Handler) catalogPair(r *http.Request, c Catalog) (any, error) {
	q, err := onlyParams(r, "trigger", "action")
	if err != nil {
		return nil, err
	}
	if q.Get("trigger") == "" || q.Get("action") == "" {
		return nil, problem(http.StatusBadRequest, "bad_parameter", "trigger and action are needed")
	}
	return c.Pair(r.Context(), q.Get("trigger"), q.Get("action"))
}
