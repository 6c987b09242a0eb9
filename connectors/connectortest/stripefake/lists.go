package stripefake

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const mostListed = 100

// list answers a page of the objects that the arguments select, the newest first.
func (o *operating) list() answer {
	limit := 10
	if text, given := o.args["limit"].(string); given {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostListed {
			return refuse(http.StatusBadRequest, problem{Code: "parameter_invalid_integer", Param: "limit", Message: "Invalid limit: it must be between 1 and 100."})
		}
		limit = n
	}
	selects, err := o.selection()
	if err != nil {
		return refuse(http.StatusBadRequest, problem{Param: "query", Message: err.Error()})
	}
	var all []*stored
	for _, s := range o.f.objects {
		if s.object == o.object && !s.deleted && selects(s.data) {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *stored) int { return cmp.Compare(b.order, a.order) })
	start, end := 0, len(all)
	if o.kind == "search" {
		if page, given := o.args["page"].(string); given {
			n, err := strconv.Atoi(strings.TrimPrefix(page, "page_"))
			if err != nil || n < 0 || n > len(all) {
				return refuse(http.StatusBadRequest, problem{Param: "page", Message: "Invalid page: " + page})
			}
			start = n
		}
	} else {
		for name, to := range map[string]*int{"starting_after": &start, "ending_before": &end} {
			id, given := o.args[name].(string)
			if !given {
				continue
			}
			i := slices.IndexFunc(all, func(s *stored) bool { return s.data["id"] == id })
			if i < 0 {
				return missing(o.object, id)
			}
			if *to = i; name == "starting_after" {
				*to = i + 1
			}
		}
	}
	if _, backwards := o.args["ending_before"]; backwards {
		start = max(start, end-limit)
	}
	stop := min(end, start+limit)
	page := map[string]any{"object": "list", "url": "/v1/" + strings.ReplaceAll(o.object, ".", "/") + "s", "has_more": stop < end}
	if o.kind == "search" {
		page["object"], page["next_page"] = "search_result", nil
		if stop < end {
			page["next_page"] = fmt.Sprintf("page_%d", stop)
		}
	}
	data := []any{}
	for _, s := range all[start:max(start, stop)] {
		data = append(data, clone(s.data))
	}
	page["data"] = data
	return o.show(page)
}

// selection returns what the arguments ask of an object: each that is no page's is a field's value.
func (o *operating) selection() (func(map[string]any) bool, error) {
	if o.kind == "search" {
		query, _ := o.args["query"].(string)
		return parseQuery(query)
	}
	return func(data map[string]any) bool {
		for name, want := range o.args {
			switch name {
			case "limit", "starting_after", "ending_before", "expand", "page", "query":
				continue
			}
			if have, kept := data[name]; kept && !selected(have, want) {
				return false
			}
		}
		for name, id := range o.values {
			if have, ok := data[name].(string); ok && have != id {
				return false
			}
		}
		return true
	}, nil
}

// selected reports whether a field is what a list asks for: an equal value, or one between two.
func selected(have, want any) bool {
	switch want := want.(type) {
	case string:
		if have, ok := have.(map[string]any); ok {
			return have["id"] == want
		}
		return fmt.Sprint(have) == want || want == "all"
	case map[string]any:
		n, ok := number(have)
		if !ok {
			return false
		}
		for op, text := range want {
			s, _ := text.(string)
			limit, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return false
			}
			if op == "gt" && n <= limit || op == "gte" && n < limit || op == "lt" && n >= limit || op == "lte" && n > limit {
				return false
			}
		}
	}
	return true
}

// parseQuery reads the part of Stripe's query language that people write most: clauses joined by AND, each a field, or
// a key of metadata, that equals (:) or holds (~) a text.
func parseQuery(query string) (func(map[string]any) bool, error) {
	type clause struct {
		path  []string
		value string
		part  bool
	}
	var clauses []clause
	for text := range strings.SplitSeq(query, " AND ") {
		text = strings.TrimSpace(text)
		i := strings.IndexAny(text, ":~")
		if i <= 0 {
			return nil, fmt.Errorf("your search query can't be read: %q", text)
		}
		c := clause{value: strings.Trim(text[i+1:], `'"`), part: text[i] == '~', path: []string{text[:i]}}
		if name, key, nested := strings.Cut(text[:i], "["); nested {
			c.path = []string{name, strings.Trim(key, `'"]`)}
		}
		clauses = append(clauses, c)
	}
	return func(data map[string]any) bool {
		for _, c := range clauses {
			var v any = data
			for _, name := range c.path {
				switch m := v.(type) {
				case map[string]any:
					v = m[name]
				case map[string]string:
					v = m[name]
				default:
					v = nil
				}
			}
			have := fmt.Sprint(v)
			if v == nil || c.part && !strings.Contains(strings.ToLower(have), strings.ToLower(c.value)) || !c.part && have != c.value {
				return false
			}
		}
		return true
	}, nil
}
