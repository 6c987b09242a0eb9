package stripe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
)

// fires reports whether a trigger with those settings fires for an event.
func fires(t *testing.T, name string, settings map[string]cty.Value, event, object, previous string) bool {
	t.Helper()
	events, guards := trigger(t, name).Choose(settings)
	if !slices.Contains(events, event) {
		return false
	}
	var before []byte
	if previous != "" {
		before = []byte(previous)
	}
	return !slices.ContainsFunc(guards, func(g schema.Guard) bool { return !g.Admits(event, []byte(object), before) })
}

func asked(name string, values ...string) map[string]cty.Value {
	list := make([]cty.Value, len(values))
	for i, v := range values {
		list[i] = cty.StringVal(v)
	}
	return map[string]cty.Value{name: cty.TupleVal(list)}
}

func item(price, interval string, unit, quantity int) string {
	return fmt.Sprintf(`{"quantity":%d,"price":{"id":%q,"unit_amount_decimal":"%d","recurring":{"interval":%q,"interval_count":1}}}`, quantity, price, unit, interval)
}

func items(list ...string) string {
	return `{"object":"list","data":[` + strings.Join(list, ",") + `]}`
}

func TestChangesOfSubscriptions(t *testing.T) {
	basic, gold, yearly := item("price_basic", "month", 1000, 1), item("price_gold", "month", 3000, 1), item("price_year", "year", 10000, 1)
	for _, tt := range []struct {
		name, object, previous string
		want                   []string
	}{
		{"a dearer plan", `{"items":` + items(gold) + `}`, `{"items":` + items(basic) + `}`, []string{"plan_changed", "upgraded"}},
		{"a cheaper plan", `{"items":` + items(basic) + `}`, `{"items":` + items(gold) + `}`, []string{"downgraded", "plan_changed"}},
		{"by the year, which is cheaper", `{"items":` + items(yearly) + `}`, `{"items":` + items(basic) + `}`, []string{"downgraded", "plan_changed"}},
		{"more seats", `{"items":` + items(item("price_basic", "month", 1000, 3)) + `}`, `{"items":` + items(basic) + `}`, []string{"upgraded"}},
		{"one item more", `{"items":` + items(basic, gold) + `}`, `{"items":` + items(basic) + `}`, []string{"plan_changed", "upgraded"}},
		{"another price that costs the same", `{"items":` + items(item("price_new", "month", 1000, 1)) + `}`, `{"items":` + items(basic) + `}`, []string{"plan_changed"}},
		{"a price in tiers", `{"items":` + items(`{"quantity":1,"price":{"id":"price_t","unit_amount_decimal":null,"recurring":{"interval":"month"}}}`) + `}`,
			`{"items":` + items(basic) + `}`, []string{"plan_changed"}},
		{"an old plan's quantity", `{"plan":{"id":"p","amount_decimal":"500","interval":"month","interval_count":1},"quantity":4}`, `{"quantity":6}`, []string{"downgraded"}},
		{"the status", `{"status":"past_due","items":` + items(basic) + `}`, `{"status":"active"}`, []string{"status_changed"}},
		{"metadata", `{"status":"active","items":` + items(basic) + `}`, `{"metadata":{}}`, nil},
		{"nothing known", `{}`, ``, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range changes() {
				if got := fires(t, "stripe_customer_subscription_updated", asked("change", c), "customer.subscription.updated", tt.object, tt.previous); got != slices.Contains(tt.want, c) {
					t.Errorf("%s: %t", c, got)
				}
			}
			if !fires(t, "stripe_customer_subscription_updated", nil, "customer.subscription.updated", tt.object, tt.previous) {
				t.Error("without the setting it does not fire")
			}
		})
	}
}

func TestScheduledCancellations(t *testing.T) {
	const updated, deleted = "customer.subscription.updated", "customer.subscription.deleted"
	scheduled := map[string]cty.Value{"scheduled": cty.True}
	for _, tt := range []struct {
		name, event, object, previous string
		with, without                 bool
	}{
		{"at the period's end", updated, `{"cancel_at_period_end":true,"cancel_at":1}`, `{"cancel_at_period_end":false,"cancel_at":null}`, true, false},
		{"at a date", updated, `{"cancel_at_period_end":false,"cancel_at":1}`, `{"cancel_at":null}`, true, false},
		{"at another date", updated, `{"cancel_at_period_end":false,"cancel_at":2}`, `{"cancel_at":1}`, false, false},
		{"taken back", updated, `{"cancel_at_period_end":false,"cancel_at":null}`, `{"cancel_at_period_end":true,"cancel_at":1}`, false, false},
		{"something else", updated, `{"cancel_at_period_end":true,"cancel_at":1}`, `{"metadata":{}}`, false, false},
		{"it ended as was fixed", deleted, `{"cancel_at_period_end":true,"cancel_at":1}`, ``, false, true},
		{"it ended at once", deleted, `{"cancel_at_period_end":false,"cancel_at":null}`, ``, true, true},
	} {
		if got := fires(t, "stripe_customer_subscription_deleted", scheduled, tt.event, tt.object, tt.previous); got != tt.with {
			t.Errorf("%s, scheduled: %t", tt.name, got)
		}
		if got := fires(t, "stripe_customer_subscription_deleted", nil, tt.event, tt.object, tt.previous); got != tt.without {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

func TestPaidCheckouts(t *testing.T) {
	paid := map[string]cty.Value{"require_paid": cty.True}
	for _, tt := range []struct {
		event, status string
		with, without bool
	}{
		{"checkout.session.completed", "paid", true, true},
		{"checkout.session.completed", "no_payment_required", true, true},
		{"checkout.session.completed", "unpaid", false, true},
		{"checkout.session.async_payment_succeeded", "paid", true, false},
		{"checkout.session.async_payment_failed", "unpaid", false, false},
	} {
		object := `{"payment_status":"` + tt.status + `"}`
		if got := fires(t, "stripe_checkout_session_completed", paid, tt.event, object, ""); got != tt.with {
			t.Errorf("%s %s, paid: %t", tt.event, tt.status, got)
		}
		if got := fires(t, "stripe_checkout_session_completed", nil, tt.event, object, ""); got != tt.without {
			t.Errorf("%s %s: %t", tt.event, tt.status, got)
		}
	}
}

// TestInvoiceStatus sends the events of an invoice's life: each status is told once.
func TestInvoiceStatus(t *testing.T) {
	life := []struct{ event, status string }{
		{"invoice.created", "draft"}, {"invoice.updated", "open"}, {"invoice.finalized", "open"}, {"invoice.payment_failed", "open"},
		{"invoice.payment_succeeded", "paid"}, {"invoice.paid", "paid"}, {"invoice.marked_uncollectible", "uncollectible"}, {"invoice.voided", "void"},
		{"invoice.created", "open"},
	}
	told := func(settings map[string]cty.Value) []string {
		var out []string
		for _, e := range life {
			if fires(t, "stripe_invoice_status", settings, e.event, `{"status":"`+e.status+`"}`, "") {
				out = append(out, e.status)
			}
		}
		return out
	}
	if got := told(nil); !slices.Equal(got, []string{"draft", "open", "paid", "uncollectible", "void"}) {
		t.Errorf("all: %q", got)
	}
	for _, status := range []string{"draft", "open", "paid", "uncollectible", "void"} {
		if got := told(asked("status", status)); !slices.Equal(got, []string{status}) {
			t.Errorf("%s: %q", status, got)
		}
	}
}

// TestOneEventPerPayment sends what Stripe sends of one payment, in the ways that payments are made.
func TestOneEventPerPayment(t *testing.T) {
	for name, events := range map[string][][2]string{
		"an invoice":        {{"payment_intent.succeeded", "{}"}, {"charge.succeeded", `{"captured":true}`}, {"invoice.paid", "{}"}, {"invoice.payment_succeeded", "{}"}},
		"captured later":    {{"charge.succeeded", `{"captured":false}`}, {"payment_intent.amount_capturable_updated", "{}"}, {"charge.captured", `{"captured":true}`}, {"payment_intent.succeeded", "{}"}},
		"a bank that waits": {{"charge.pending", `{"captured":true}`}, {"charge.succeeded", `{"captured":true}`}, {"payment_intent.succeeded", "{}"}},
	} {
		n := 0
		for _, e := range events {
			if fires(t, "stripe_payment_succeeded", nil, e[0], e[1], "") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: %d events", name, n)
		}
	}
}

// TestFiltersThatComeTooEarly checks what the checker says of filters on what was just created, and of settings.
func TestFiltersThatComeTooEarly(t *testing.T) {
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ trigger, condition, want string }{
		{`trigger "stripe_invoice_created" {}`, `trigger.status == "paid"`, "Condition can't be true yet"},
		{`trigger "stripe_invoice_created" {}`, `trigger.paid`, "Condition can't be true yet"},
		{`trigger "stripe_invoice_created" {}`, `trigger.status != null && trigger.status == "void" && trigger.amount_due > 5`, "Condition can't be true yet"},
		{`trigger "stripe_invoice_created" {}`, `trigger.status == "open"`, ""},
		{`trigger "stripe_invoice_created" {}`, `trigger.status != "paid"`, ""},
		{`trigger "stripe_invoice_paid" {}`, `trigger.status == "paid"`, ""},
		{`trigger "stripe_customer_subscription_created" {}`, `trigger.status == "canceled"`, "Condition can't be true yet"},
		{`trigger "stripe_payment_link_created" {}`, `!trigger.active`, "Condition can't be true yet"},
		{"trigger \"stripe_checkout_session_completed\" {\n  require_paid = true\n}", `trigger.payment_status == "unpaid"`, "Condition is always the same"},
		{"trigger \"stripe_checkout_session_completed\" {}", `trigger.payment_status == "unpaid"`, ""},
		{"trigger \"stripe_customer_subscription_updated\" {\n  change = [\"upgrade\"]\n}", `trigger.status == "active"`, "Value is not among those allowed"},
		{"trigger \"stripe_invoice_status\" {\n  status = [\"void\", \"paid\"]\n}", `trigger.amount_due > 5`, ""},
	} {
		text := tt.trigger + "\n\nfilter {\n  condition = " + tt.condition + "\n}\n\naction \"stripe_balance_retrieve\" {}\n"
		_, diags := lang.CompileFiles(map[string][]byte{"r.hcl": []byte(text)}, r)
		var got []string
		for _, d := range diags {
			got = append(got, d.Summary)
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s, %s: %v, want %q", tt.trigger, tt.condition, diags, tt.want)
		}
	}
}
