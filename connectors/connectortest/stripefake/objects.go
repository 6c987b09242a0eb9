package stripefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// API is what the fake must know of Stripe to answer any operation. Arguments and objects are as JSON has them: nested
// maps, lists and strings.
type API interface {
	// Route finds the operation of a request and the values in its path, still encoded.
	Route(method, path string) (operation string, values map[string]string, ok bool)
	// Answers says what it answers: "one", "list", "search", "deleted" or "pdf"; of which object; and which value of the
	// path is that object's id, "" where none is.
	Answers(operation string) (kind, object, own string)
	// Check names a parameter that is refused, and Stripe's code for why; both are empty where none is.
	Check(operation string, args map[string]any) (param, code string)
	// Permission is what a restricted key needs for an operation, as Stripe's messages name it; "" where that is not known.
	Permission(operation string) string
	// New makes an example of an object, with that id.
	New(object, id string, at time.Time) (map[string]any, error)
	// Blank empties what of the object could have been given and was not; Apply puts in what was.
	Blank(operation, object string, data, args map[string]any)
	Apply(object string, data, args map[string]any) error
	// Prefix is how an object's ids begin; Refers is the object that the id in a field names.
	Prefix(object string) string
	Refers(object, field string) string
}

// stored is an object that the fake keeps.
type stored struct {
	object  string
	data    map[string]any
	deleted bool
	order   int // the later, the newer
}

// put keeps an object, or replaces it. It is called with mu held.
func (f *Fake) put(object, id string, data map[string]any) *stored {
	f.made++
	s := &stored{object: object, data: data, order: f.made}
	f.objects[id] = s
	return s
}

// newID returns an id that no object has. It is called with mu held.
func (f *Fake) newID(prefix string) string { return fmt.Sprintf("%sfake%010d", prefix, f.made+1) }

// customer returns what the fake's users see of a customer.
func (s *stored) customer() Customer {
	text := func(name string) string {
		v, _ := s.data[name].(string)
		return v
	}
	c := Customer{ID: text("id"), Email: text("email"), Name: text("name"), Phone: text("phone"), Description: text("description"),
		Currency: text("currency"), Metadata: map[string]string{}, Deleted: s.deleted}
	switch m := s.data["metadata"].(type) {
	case map[string]string:
		c.Metadata = maps.Clone(m)
	case map[string]any:
		for k, v := range m {
			c.Metadata[k], _ = v.(string)
		}
	}
	if n, ok := number(s.data["created"]); ok {
		c.Created = time.Unix(int64(n), 0)
	}
	if s.deleted {
		c = Customer{ID: c.ID, Created: c.Created, Deleted: true}
	}
	return c
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}

// Object returns a copy of an object as JSON; nil where there is none of that id, or it was deleted.
func (f *Fake) Object(id string) json.RawMessage {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.objects[id]
	if s == nil || s.deleted {
		return nil
	}
	raw, err := json.Marshal(s.data)
	if err != nil {
		return nil
	}
	return raw
}

// PutObject keeps an object as JSON has it, unless there is one of its id already, or was. It reports whether it did.
func (f *Fake) PutObject(raw []byte) bool {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	data := map[string]any{}
	if d.Decode(&data) != nil {
		return false
	}
	object, _ := data["object"].(string)
	id, _ := data["id"].(string)
	f.mu.Lock()
	defer f.mu.Unlock()
	if object == "" || id == "" || f.objects[id] != nil {
		return false
	}
	f.put(object, id, data)
	return true
}

// operate answers an operation of the API.
func (f *Fake) operate(r *http.Request, req *Request) answer {
	op, values, found := f.opts.API.Route(r.Method, req.Path)
	if !found {
		return unrecognized(r.Method, req.Path)
	}
	if a, denied := f.denies(r, f.opts.API.Permission(op)); denied {
		return a
	}
	for name, v := range values {
		plain, err := url.PathUnescape(v)
		if err != nil {
			return unrecognized(r.Method, req.Path)
		}
		values[name] = plain
	}
	form := req.Form
	if r.Method == http.MethodGet {
		form = req.Query
	}
	args := nested(form)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		args = map[string]any{}
	} else if param, code := f.opts.API.Check(op, args); code != "" {
		return refuse(http.StatusBadRequest, problem{Code: code, Param: param, Message: parameterMessage(param, code)})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o := &operating{f: f, name: op, method: r.Method, values: values, args: args}
	o.kind, o.object, o.own = f.opts.API.Answers(op)
	return o.answer()
}

func parameterMessage(param, code string) string {
	switch code {
	case "parameter_unknown":
		return "Received unknown parameter: " + param
	case "parameter_missing":
		return "Missing required param: " + param + "."
	}
	return "Invalid value for " + param
}

// operating is one operation under way. It is done with the fake's mu held.
type operating struct {
	f                 *Fake
	name, method      string
	values            map[string]string
	args              map[string]any
	kind, object, own string
}

func (o *operating) answer() answer {
	switch o.kind {
	case "pdf":
		return answer{status: http.StatusOK, body: []byte("%PDF-1.4\n")}
	case "list", "search":
		return o.list()
	case "deleted":
		return o.delete()
	}
	if o.own != "" {
		return o.existing()
	}
	if o.method == http.MethodPost {
		return o.create()
	}
	return o.only()
}

// create keeps a new object.
func (o *operating) create() answer {
	id, _ := o.args["id"].(string)
	if id == "" {
		id = o.f.newID(o.f.opts.API.Prefix(o.object))
	}
	if a, refused := o.fullOf(); refused {
		return a
	}
	if old := o.f.objects[id]; old != nil && !old.deleted {
		return refuse(http.StatusBadRequest, problem{Code: "resource_already_exists", Param: "id", Message: "The object already exists: " + id})
	}
	data, err := o.f.opts.API.New(o.object, id, o.f.opts.Now())
	if err != nil {
		return refuse(http.StatusInternalServerError, problem{Type: "api_error", Message: err.Error()})
	}
	o.f.opts.API.Blank(o.name, o.object, data, o.args)
	if o.f.opts.API.Refers(o.object, "customer") != "" && o.values["customer"] != "" {
		data["customer"] = o.values["customer"]
	}
	if a, refused := o.apply(data); refused {
		return a
	}
	begin(o.object, data, o.args)
	o.settleEndpoint(data)
	o.f.put(o.object, id, data)
	return o.show(o.withSecret(data))
}

func (o *operating) apply(data map[string]any) (a answer, refused bool) {
	given := maps.Clone(o.args)
	delete(given, "id")
	if err := o.f.opts.API.Apply(o.object, data, given); err != nil {
		return refuse(http.StatusInternalServerError, problem{Type: "api_error", Message: err.Error()}), true
	}
	return answer{}, false
}

// find returns the object of that id, made up where the fake makes up what it is asked for; nil where there is none.
func (o *operating) find(object, id string) *stored {
	s := o.f.objects[id]
	if s != nil || !o.f.opts.AutoCreate || id == "" {
		return s
	}
	if prefix := o.f.opts.API.Prefix(object); prefix != "" && !strings.HasPrefix(id, prefix) && !strings.Contains(object, "|") {
		return nil
	}
	if object == "customer" {
		return o.f.put("customer", id, o.f.invent(id).object())
	}
	data, err := o.f.opts.API.New(object, id, o.f.opts.Now())
	if err != nil {
		return nil
	}
	return o.f.put(object, id, data)
}

// existing looks an object up, changes it, or does to it what the operation says.
func (o *operating) existing() answer {
	id := o.values[o.own]
	s := o.find(o.object, id)
	if s == nil {
		return missing(o.object, id)
	}
	if s.deleted {
		if o.method == http.MethodGet && (o.object == "customer" || strings.HasPrefix(o.object, "terminal.")) {
			return ok(deleted(o.object, id))
		}
		return missing(o.object, id)
	}
	if o.method == http.MethodGet {
		return o.show(s.data)
	}
	data := clone(s.data)
	if a, refused := o.apply(data); refused {
		return a
	}
	if t, ok := transitions()[o.name]; ok {
		if a, refused := t.take(data); refused {
			return a
		}
	}
	o.settleEndpoint(data)
	s.data = data
	return o.show(data)
}

// delete forgets an object. What was never there is missing, as it is the second time.
func (o *operating) delete() answer {
	id := o.values[o.own]
	s := o.find(o.object, id)
	if s == nil || s.deleted {
		return missing(o.object, id)
	}
	s.deleted = true
	return ok(deleted(o.object, id))
}

// only answers what there is one of, such as the balance, or what is worked out, such as the next invoice.
func (o *operating) only() answer {
	data, err := o.f.opts.API.New(o.object, o.f.newID(o.f.opts.API.Prefix(o.object)), o.f.opts.Now())
	if err != nil {
		return refuse(http.StatusInternalServerError, problem{Type: "api_error", Message: err.Error()})
	}
	if a, refused := o.apply(data); refused {
		return a
	}
	return o.show(data)
}

// show answers with an object, expanded where that was asked for.
func (o *operating) show(data map[string]any) answer {
	out := clone(data)
	paths, _ := o.args["expand"].([]any)
	for _, p := range paths {
		if path, ok := p.(string); ok {
			o.expand(o.object, out, strings.Split(path, "."))
		}
	}
	return ok(out)
}

// expand puts objects in the place of their ids.
func (o *operating) expand(object string, data map[string]any, path []string) {
	switch v := data[path[0]].(type) {
	case string:
		to := o.f.opts.API.Refers(object, path[0])
		s := o.find(to, v)
		if to == "" || s == nil {
			return
		}
		inner := clone(s.data)
		if len(path) > 1 {
			o.expand(s.object, inner, path[1:])
		}
		data[path[0]] = inner
	case map[string]any:
		if name, _ := v["object"].(string); len(path) > 1 {
			o.expand(name, v, path[1:])
		}
	case []any:
		for _, elem := range v {
			if m, ok := elem.(map[string]any); ok && len(path) > 1 {
				name, _ := m["object"].(string)
				o.expand(name, m, path[1:])
			}
		}
	}
}

// clone copies an object to its depths, by way of its text: numbers stay as they are.
func clone(data map[string]any) map[string]any {
	raw, err := json.Marshal(data)
	if err != nil {
		return maps.Clone(data)
	}
	out := map[string]any{}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return maps.Clone(data)
	}
	return out
}

// nested makes maps and lists of a form's names.
func nested(form url.Values) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		first, rest, _ := strings.Cut(name, "[")
		parts := []string{first}
		for part := range strings.SplitSeq(strings.TrimSuffix(rest, "]"), "][") {
			if rest != "" {
				parts = append(parts, part)
			}
		}
		at := out
		for _, part := range parts[:len(parts)-1] {
			next, ok := at[part].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[part] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = form.Get(name)
	}
	listed, _ := lists(out).(map[string]any)
	if listed == nil {
		return out
	}
	return listed
}

// lists makes lists of the maps whose keys are 0, 1, 2 and so on.
func lists(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for k := range m {
		m[k] = lists(m[k])
	}
	if len(m) == 0 {
		return m
	}
	list := make([]any, len(m))
	for i := range list {
		elem, ok := m[strconv.Itoa(i)]
		if !ok {
			return m
		}
		list[i] = elem
	}
	return list
}
