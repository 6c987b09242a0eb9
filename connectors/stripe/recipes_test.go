package stripe

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
)

// TestRecipes checks what the checker makes of arguments that are more than one type, and of what is expanded.
func TestRecipes(t *testing.T) {
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, steps, want string }{
		{"a moment", "action \"stripe_subscription_update\" {\n subscription = \"sub_1\"\n trial_end = trigger.created + 86400\n}", ""},
		{"the word for it", "action \"stripe_subscription_update\" {\n subscription = \"sub_1\"\n trial_end = \"now\"\n}", ""},
		{"another word", "action \"stripe_subscription_update\" {\n subscription = \"sub_1\"\n trial_end = \"later\"\n}", `"trial_end" needs a number or "now"; "later" is a string.`},
		{"one of both", "action \"stripe_subscription_update\" {\n subscription = \"sub_1\"\n trial_end = trigger.paid ? \"now\" : trigger.created\n}", ""},
		{"unset", "action \"stripe_customer_update\" {\n customer = \"cus_1\"\n address = \"\"\n metadata = \"\"\n}", ""},
		{"unset by something else", "action \"stripe_customer_update\" {\n customer = \"cus_1\"\n address = \"none\"\n}", `"address" needs an object (address) or ""; "none" is a string.`},
		{"inside", "action \"stripe_customer_update\" {\n customer = \"cus_1\"\n address = { cty = \"x\" }\n}", `"address" takes no "cty". Did you mean "city"?`},
		{"a list's elements", "action \"stripe_subscription_create\" {\n customer = \"cus_1\"\n items = [{ price = \"price_1\", quantity = true }]\n}", `"quantity" needs a number; true is a bool.`},
		{"too long", "action \"stripe_customer_update\" {\n customer = \"cus_1\"\n metadata = { a = \"" + strings.Repeat("é", 501) + "\" }\n}", `"a" takes at most 500 characters; this has 501.`},
		{"as long as may be", "action \"stripe_customer_update\" {\n customer = \"cus_1\"\n metadata = { a = \"" + strings.Repeat("é", 500) + "\" }\n}", ""},
		{"the wrong id", "action \"stripe_customer_delete\" {\n customer = \"sub_1\"\n}", `"customer" needs an identifier that begins with "cus_"; "sub_1" is none.`},
		{"expanded", "action \"stripe_invoice_retrieve\" \"i\" {\n invoice = \"in_1\"\n expand = [\"customer\"]\n}\naction \"stripe_refund_create\" {\n charge = trigger.id\n metadata = { email = try(action.i.customer.email, \"\") }\n}", ""},
		{"not expanded", "action \"stripe_invoice_retrieve\" \"i\" {\n invoice = \"in_1\"\n}\naction \"stripe_refund_create\" {\n charge = trigger.id\n metadata = { email = action.i.customer.email }\n}", "has no attribute"},
		{"what isn't there", "action \"stripe_invoice_retrieve\" \"i\" {\n invoice = \"in_1\"\n expand = [\"custmer\"]\n}", `invoice has no "custmer".`},
		{"not written out", "action \"stripe_invoice_retrieve\" \"i\" {\n invoice = \"in_1\"\n expand = [trigger.id]\n}", `"expand" must be written out: it says what the answer of stripe_invoice_retrieve holds.`},
		{"a secret answer", "action \"stripe_payment_intent_create\" \"p\" {\n amount = 5\n currency = \"usd\"\n}\naction \"stripe_refund_create\" {\n charge = trigger.id\n metadata = { s = action.p.client_secret }\n}", "is not secret"},
		{"a look-up that may find nothing", "action \"stripe_product_retrieve\" \"p\" {\n product = \"prod_1\"\n}\naction \"stripe_refund_create\" {\n charge = trigger.id\n reason = action.p.name\n}", "may be null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := lang.CompileFiles(map[string][]byte{"r.hcl": []byte("trigger \"stripe_charge_succeeded\" {}\n\n" + tt.steps + "\n")}, r)
			switch {
			case tt.want == "" && diags.HasErrors():
				t.Errorf("%v", diags)
			case tt.want != "" && !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return strings.Contains(d.Detail, tt.want) }):
				t.Errorf("%v, want %s", diags, tt.want)
			}
		})
	}
}
