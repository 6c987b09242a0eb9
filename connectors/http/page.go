package http

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
)

// paging says how the next page is found.
type paging struct {
	items, next, cursor, param string
	max                        int
}

func pagingOf(v cty.Value) (paging, bool) {
	if v == cty.NilVal || v.IsNull() || !v.Type().IsObjectType() {
		return paging{}, false
	}
	get := func(name string) string {
		if !v.Type().HasAttribute(name) {
			return ""
		}
		if x := v.GetAttr(name); x != cty.NilVal && x.IsKnown() && !x.IsNull() && x.Type() == cty.String {
			return x.AsString()
		}
		return ""
	}
	p := paging{items: get("items"), next: get("next"), cursor: get("cursor"), param: get("param"), max: defaultPages}
	if v.Type().HasAttribute("max") {
		if x := v.GetAttr("max"); x.IsKnown() && !x.IsNull() && x.Type() == cty.Number {
			n, _ := x.AsBigFloat().Int64()
			p.max = int(min(n, mostPages+1))
		}
	}
	return p, true
}

// rest fetches the pages after the first, and puts the lists of all into the first one's body.
func (r *requesting) rest(ctx context.Context, target *url.URL, first *answered) (*answered, error) {
	drift := func(message string) error {
		return &connectors.Error{Kind: connectors.KindDrift, Status: first.status, Message: message}
	}
	var all []json.RawMessage
	page, size := first, 0
	seen := map[string]bool{target.String(): true}
	for n := 1; ; n++ {
		list := lookup(page.body, r.listAt)
		var items []json.RawMessage
		if err := json.Unmarshal(list, &items); err != nil || len(list) == 0 || list[0] != '[' {
			return nil, drift("a page has no list where the items should be")
		}
		if size += len(page.body); size > maxTogether {
			return nil, drift("the pages together are too large")
		}
		all = append(all, items...)
		next := r.after(target, page, len(items), n)
		if next == nil {
			break
		}
		if n == min(max(r.paging.max, 1), mostPages) {
			return nil, drift("there are more than " + strconv.Itoa(n) + " pages, as paging.max allows: what is on the others would be missed")
		}
		if seen[next.String()] {
			return nil, drift("the pages lead in a circle")
		}
		seen[next.String()] = true
		if !strings.EqualFold(next.Host, target.Host) || next.Scheme != target.Scheme {
			return nil, drift("the next page is on another host")
		}
		var err error
		if page, err = r.once(ctx, next, nil, ""); err != nil {
			return nil, err
		}
	}
	body, err := join(first.body, r.listAt, all)
	if err != nil {
		return nil, drift("the pages can't be put together")
	}
	return &answered{first.status, first.header, body}, nil
}

// after returns the address of the page that follows the nth, or nil.
func (r *requesting) after(target *url.URL, page *answered, items, n int) *url.URL {
	with := func(value string) *url.URL {
		u := *target
		q := u.Query()
		q.Set(r.paging.param, value)
		u.RawQuery = q.Encode()
		return &u
	}
	switch r.paging.next {
	case "link":
		return nextLink(page.header, target)
	case "cursor":
		if raw := lookup(page.body, r.paging.cursor); raw != nil {
			if value := scalar(raw); value != "" {
				if u, err := url.Parse(value); err == nil && u.IsAbs() && u.Host != "" {
					return u
				}
				return with(value)
			}
		}
	case "page":
		if items > 0 {
			from, err := strconv.Atoi(target.Query().Get(r.paging.param))
			if err != nil {
				from = 1
			}
			return with(strconv.Itoa(from + n))
		}
	}
	return nil
}

// nextLink reads the header Link of RFC 8288.
func nextLink(h http.Header, base *url.URL) *url.URL {
	for _, line := range h.Values("Link") {
		for part := range strings.SplitSeq(line, ",") {
			ref, params, ok := strings.Cut(strings.TrimSpace(part), ">")
			if !ok || !strings.HasPrefix(ref, "<") {
				continue
			}
			for param := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
				if strings.EqualFold(name, "rel") && strings.EqualFold(strings.Trim(value, `"`), "next") {
					if u, err := base.Parse(ref[1:]); err == nil {
						return u
					}
				}
			}
		}
	}
	return nil
}

// join puts a list where the path leads in a body.
func join(body []byte, path string, all []json.RawMessage) ([]byte, error) {
	if all == nil {
		all = []json.RawMessage{}
	}
	list, err := json.Marshal(all)
	if err != nil || path == "" {
		return list, err
	}
	name, rest, _ := strings.Cut(path, ".")
	var m map[string]json.RawMessage
	if err := json.Unmarshal(bytes.TrimSpace(body), &m); err != nil {
		return nil, err
	}
	inner, err := join(m[name], rest, all)
	if err != nil {
		return nil, err
	}
	m[name] = inner
	return json.Marshal(m)
}
