package stripe

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const (
	mostListed = 1000    // objects that one step fetches
	pageSize   = 100     // the most that Stripe gives at once
	maxList    = 8 << 20 // bytes of all pages together
)

// pager is a list: one page as Stripe gives it, or with `all` one after the other.
type pager struct {
	*call
	search bool // goes on by a page's token rather than by the last id
}

// Call implements connectors.Caller.
func (p *pager) Call(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	if all := connectors.Input(c, "all"); all.IsNull() || !all.True() {
		return p.call.Call(ctx, c)
	}
	input := c.Input.AsValueMap()
	if limit := input["limit"]; limit.IsNull() {
		input["limit"] = cty.NumberIntVal(pageSize)
	}
	var whole connectors.Result
	var elems []cty.Value
	bytes := 0
	for {
		page := *c
		page.Input = cty.ObjectVal(input)
		size := 0
		one := *p.call
		inner := one.decode
		one.decode = func(c *connectors.Call, body []byte) (cty.Value, error) {
			size = len(body)
			return inner(c, body)
		}
		res, err := one.Call(ctx, &page)
		if err != nil {
			return res, err
		}
		whole = res
		data := res.Output.GetAttr("data")
		for it := data.ElementIterator(); it.Next(); {
			_, elem := it.Element()
			elems = append(elems, elem)
		}
		bytes += size
		next, more := p.next(res.Output)
		if !more || len(elems) >= mostListed || bytes >= maxList {
			break
		}
		name := "starting_after"
		if p.search {
			name = "page"
		}
		if !input[name].IsNull() && input[name].RawEquals(next) {
			return res, &connectors.Error{Kind: connectors.KindDrift, Status: res.Status, Message: "the list does not go on: a page is followed by itself"}
		}
		input[name] = next
	}
	out := whole.Output.AsValueMap()
	out["data"] = cty.TupleVal(elems)
	if len(elems) == 0 {
		out["data"] = whole.Output.GetAttr("data")
	} else if cty.CanListVal(elems) {
		out["data"] = cty.ListVal(elems)
	}
	whole.Output = cty.ObjectVal(out)
	return whole, nil
}

// next returns what the page after this one is asked by.
func (p *pager) next(page cty.Value) (cty.Value, bool) {
	if more := page.GetAttr("has_more"); more.IsNull() || more.Type() != cty.Bool || !more.True() {
		return cty.NilVal, false
	}
	if p.search {
		token := page.GetAttr("next_page")
		return token, !token.IsNull() && token.Type() == cty.String
	}
	data := page.GetAttr("data")
	if n := data.LengthInt(); n > 0 {
		last := data.Index(cty.NumberIntVal(int64(n - 1)))
		if last.Type().IsObjectType() && last.Type().HasAttribute("id") {
			id := last.GetAttr("id")
			return id, !id.IsNull() && id.Type() == cty.String
		}
	}
	return cty.NilVal, false
}

// searchPage is the shape of what a search finds: a page, and the token of the next one.
func searchPage(elem schema.Type, of string) *schema.Object {
	return schema.NewObject("search of "+of,
		schema.Field{Name: "data", Type: elem.ListOf(), Required: true, Doc: "What was found"},
		schema.Field{Name: "has_more", Type: schema.Type{Kind: schema.KindBool}, Required: true, Doc: "Whether there is more"},
		schema.Field{Name: "next_page", Type: schema.Type{Kind: schema.KindString}, Nullable: true, Doc: "What the next page is asked by, as page"},
		schema.Field{Name: "object", Type: schema.EnumOf("search_result"), Required: true},
		schema.Field{Name: "total_count", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer}, Doc: "How many there are, where it was asked for"},
		schema.Field{Name: "url", Type: schema.Type{Kind: schema.KindString}, Required: true},
	)
}
