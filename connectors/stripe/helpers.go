package stripe

// Where one call of the API is clumsy or not enough, flowrun has an action of its own.

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func helperNames() []string {
	return []string{"customer_find", "customer_upsert", "payment_link_deactivate", "subscription_cancel_at_period_end"}
}

// Helpers returns the names of the actions that are no single operation of the API, sorted.
func Helpers() []string {
	names := helperNames()
	for i := range names {
		names[i] = "stripe_" + names[i]
	}
	return names
}

// helper makes one of those; nil where there is none of that name.
func (c *catalog) helper(name string) *connectors.Action {
	switch name {
	case "customer_find":
		return c.customerFind()
	case "customer_upsert":
		return c.customerUpsert()
	case "subscription_cancel_at_period_end":
		return c.fixed(name, "subscription_update", "cancel_at_period_end", cty.True, []string{"subscription", "cancellation_details", "metadata", "proration_behavior"},
			"Lets a subscription run out: it ends, rather than renews, when the period does. stripe_subscription_update with cancel_at_period_end = false takes it back",
			`{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "cancellation_details": {"comment": "asked by mail"}}`)
	case "payment_link_deactivate":
		return c.fixed(name, "payment_link_update", "active", cty.False, []string{"payment_link", "inactive_message", "metadata"},
			"Turns a payment link off: whoever opens it sees that it is no longer there. stripe_payment_link_update with active = true turns it on again",
			`{"payment_link": "plink_1MoC3ULkdIwHu7ixZjtGpVl2"}`)
	}
	return nil
}

// helperAction fills in what helpers have in common; the answer is that of the operation.
func (c *catalog) helperAction(name string, op operation, in []schema.Field, doc, example string) *connectors.Action {
	out := c.answer(op, nil)
	a := &connectors.Action{
		Action:  schema.Action{Name: "stripe_" + name, Service: "stripe", Doc: doc, In: schema.NewObject("stripe_"+name, in...), Out: out, Effect: op.effect(), Emits: c.emits(op)},
		Example: example, Limit: op.limit(), Endpoint: op.endpoint(),
	}
	if object, err := c.answerSample(op, out, op.name, time.Unix(exampleUnix, 0)); err == nil {
		if text, err := json.MarshalIndent(object, "", "  "); err == nil {
			a.Answer = string(text)
		}
	}
	return a
}

// fixed makes an action of an operation with one of its arguments given, and few of the others left.
func (c *catalog) fixed(name, of, field string, value cty.Value, keep []string, doc, example string) *connectors.Action {
	op, _ := c.operation(of)
	in := slices.DeleteFunc(c.inputs(op), func(f schema.Field) bool { return !slices.Contains(keep, f.Name) })
	a := c.helperAction(name, op, in, doc, example)
	whole := schema.NewObject(of, c.inputs(op)...)
	inner := c.caller(op, whole)
	a.Call = connectors.Func(func(ctx context.Context, k *connectors.Call) (connectors.Result, error) {
		return inner.Call(ctx, as(k, whole, map[string]cty.Value{field: value}))
	})
	return a
}

// as returns the call with another shape of input and some of its arguments set.
func as(k *connectors.Call, in *schema.Object, set map[string]cty.Value) *connectors.Call {
	own, action := *k, *k.Action
	action.In = in
	own.Action = &action
	input := map[string]cty.Value{}
	if !k.Input.IsNull() {
		for name, v := range k.Input.AsValueMap() {
			input[name] = v
		}
	}
	for name, v := range set {
		input[name] = v
	}
	own.Input = cty.ObjectVal(input)
	return &own
}

// customerFind finds a customer by e-mail address, through the list, which knows at once what was written; the search
// knows it a minute later, or an hour.
func (c *catalog) customerFind() *connectors.Action {
	list, _ := c.operation("customer_list")
	retrieve, _ := c.operation("customer_retrieve")
	a := c.helperAction("customer_find", retrieve, []schema.Field{emailField()},
		"Finds a customer by e-mail address, the newest where several have it; the answer is null where nobody has. Upper and lower case count",
		`{"email": "jenny.rosen@example.com"}`)
	a.Effect, a.OutMayBeNull, a.Endpoint = schema.Read, true, list.endpoint()
	a.Call = c.finder(list, a.Out)
	return a
}

func emailField() schema.Field {
	return schema.Field{Name: "email", Required: true, Role: schema.RoleEmail, Type: schema.Type{Kind: schema.KindString, Format: schema.Email, Max: 512, Runes: true},
		Doc: "The address, exactly as it was given to Stripe", Example: `"jenny.rosen@example.com"`}
}

// finder is the call that finds a customer. Its answer is null where there is none.
func (c *catalog) finder(list operation, out *schema.Object) connectors.Caller {
	request := newRequest(http.MethodGet, list.path)
	request.Query = []string{"email", "limit"}
	found := &call{request: request, decode: func(_ *connectors.Call, body []byte) (cty.Value, error) {
		data := schema.Lookup(body, "data")
		if data == nil {
			return decodeAnswer(out, body) // a stand-in that answers with an example of what is found
		}
		first, more := firstOf(data)
		if !more {
			return cty.NullVal(cty.DynamicPseudoType), nil
		}
		return decodeAnswer(out, first)
	}}
	return connectors.Func(func(ctx context.Context, k *connectors.Call) (connectors.Result, error) {
		return found.Call(ctx, as(k, k.Action.In, map[string]cty.Value{"limit": cty.NumberIntVal(1)}))
	})
}

// firstOf returns the first element of a JSON list.
func firstOf(list []byte) (first json.RawMessage, ok bool) {
	var elems []json.RawMessage
	if json.Unmarshal(list, &elems) != nil || len(elems) == 0 {
		return nil, false
	}
	return elems[0], true
}

// customerUpsert updates the customer with an e-mail address or creates one.
func (c *catalog) customerUpsert() *connectors.Action {
	list, _ := c.operation("customer_list")
	create, _ := c.operation("customer_create")
	update, _ := c.operation("customer_update")
	both := c.inputFields("customer_update")
	in := []schema.Field{emailField()}
	for _, f := range c.inputs(create) {
		known := slices.ContainsFunc(both, func(u schema.Field) bool { return u.Name == f.Name })
		if known && f.Name != "email" && f.Name != "expand" {
			in = append(in, f)
		}
	}
	a := c.helperAction("customer_upsert", create, in,
		"Updates the newest customer with an e-mail address, or creates one where nobody has it. Two runs at the same moment may still create two",
		`{"email": "jenny.rosen@example.com", "name": "Jenny Rosen", "metadata": {"plan": "pro"}}`)
	a.Endpoint = list.endpoint() // which each call asks; it then creates or updates
	if _, ok := c.eventObject("customer.updated"); ok {
		a.Emits = append(a.Emits, "customer.updated")
	}
	finder := c.finder(list, a.Out)
	whole := schema.NewObject("customer", append([]schema.Field{{Name: "customer", Type: schema.Type{Kind: schema.KindString}}}, in...)...)
	creator, updater := c.caller(create, a.In), c.caller(update, whole)
	a.Call = connectors.Func(func(ctx context.Context, k *connectors.Call) (connectors.Result, error) {
		found, err := finder.Call(ctx, k)
		if err != nil {
			return found, err
		}
		// The two calls have keys of their own: where a customer was created and the answer was lost, the next attempt
		// finds it and updates it, and one key for two different calls would be refused.
		next := *k
		if found.Output.IsNull() {
			next.Key += "-create"
			return creator.Call(ctx, &next)
		}
		next.Key += "-update"
		return updater.Call(ctx, as(&next, whole, map[string]cty.Value{"customer": found.Output.GetAttr("id")}))
	})
	return a
}
