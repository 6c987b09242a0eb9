package stripe

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// actions returns what recipes can do at Stripe.
func (c *catalog) actions() []*connectors.Action {
	return []*connectors.Action{c.customerRetrieve()}
}

// customerRetrieve looks a customer up: most events name the customer and hold no e-mail address.
func (c *catalog) customerRetrieve() *connectors.Action {
	out := c.customerAnswer()
	return &connectors.Action{
		Action: schema.Action{
			Name:    "stripe_customer_retrieve",
			Service: "stripe",
			Doc: "Looks up a customer by id. The answer is null where Stripe has no such customer; a customer that was deleted " +
				"fails the step with kind gone",
			In: schema.NewObject("stripe_customer_retrieve", schema.Field{
				Name: "customer", Required: true, Role: schema.RoleCustomerID, Example: `"cus_NffrFeUfNV2Hib"`,
				Type: schema.Type{Kind: schema.KindString, Format: schema.ID, Prefix: promisedPrefix("customer"), Refers: "customer", Max: 255},
				Doc:  "The customer's id, as events carry it",
			}),
			Out:          out,
			Effect:       schema.Read,
			OutMayBeNull: true,
		},
		Call: &call{
			request: newRequest(http.MethodGet, "/v1/customers/{customer}"),
			decode:  decodeCustomer,
			missing: func(*connectors.Call) cty.Value { return cty.NullVal(cty.DynamicPseudoType) },
		},
		Example: `{"customer": "cus_NffrFeUfNV2Hib"}`,
		Answer: `{
  "id": "cus_NffrFeUfNV2Hib",
  "object": "customer",
  "address": null,
  "balance": 0,
  "created": 1680893993,
  "currency": null,
  "default_source": null,
  "delinquent": false,
  "description": null,
  "discount": null,
  "email": "jenny.rosen@example.com",
  "invoice_prefix": "0759376C",
  "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
  "livemode": false,
  "metadata": {},
  "name": "Jenny Rosen",
  "next_invoice_sequence": 1,
  "phone": null,
  "preferred_locales": [],
  "shipping": null,
  "tax_exempt": "none",
  "test_clock": null
}`,
	}
}

// customerAnswer is the shape of a customer as a look-up answers it: without the parts that Stripe includes only where
// they are asked for.
func (c *catalog) customerAnswer() *schema.Object {
	return schema.LazyObject("customer", func() []schema.Field {
		asked := []string{"cash_balance", "invoice_credit_balance", "sources", "subscriptions", "tax", "tax_ids"}
		return slices.DeleteFunc(slices.Clone(c.object("customer").Fields()), func(f schema.Field) bool {
			return slices.Contains(asked, f.Name)
		})
	})
}

func decodeCustomer(c *connectors.Call, body []byte) (cty.Value, error) {
	if deleted, _ := schema.BoolOf(schema.Lookup(body, "deleted")); deleted {
		return cty.NilVal, &connectors.Error{Kind: connectors.KindGone, Message: "the customer was deleted at Stripe", Code: "deleted"}
	}
	return decodeAnswer(c.Action.Out, body)
}

// decodeAnswer makes a value of the shape. Where one of its own fields is not as promised, the later steps, which were
// checked against the promise, must not run. What is amiss deeper inside fails where a recipe reads it: a look-up for
// an e-mail address should not fail for the sake of a coupon.
func decodeAnswer(out *schema.Object, body []byte) (cty.Value, error) {
	v, drifts, err := out.Decode(body, &schema.Paths{All: true})
	if err != nil {
		return cty.NilVal, fmt.Errorf("reading Stripe's answer: %w", err)
	}
	for _, d := range drifts {
		if len(d.Path) == 1 {
			return cty.NilVal, fmt.Errorf("the answer is not of its declared shape: %s", d)
		}
	}
	return v, nil
}
