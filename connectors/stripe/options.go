package stripe

// What people mean is often not one event of Stripe's but one of several, or only some of one kind. The settings of
// triggers that say so are here, and two triggers that are made of several events.

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/lang/schema"
)

// withOptions gives the triggers of single events their settings.
func withOptions(t *schema.Trigger, eventType string) {
	switch eventType {
	case "charge.failed":
		t.Settings = schema.NewObject("settings", schema.Field{
			Name: "ignore_payment_intents", Type: schema.Type{Kind: schema.KindBool}, Default: "false", Example: "true",
			Doc: "Leave out charges that belong to a payment intent, whose failures payment_intent.payment_failed reports as well",
		})
		t.Guards = []schema.Guard{{Setting: "ignore_payment_intents", Path: schema.Path{"payment_intent"}, Null: true}}
	case "checkout.session.completed":
		t.Settings = schema.NewObject("settings", schema.Field{
			Name: "require_paid", Type: schema.Type{Kind: schema.KindBool}, Default: "false", Example: "true",
			Doc: "Fire when the checkout is paid, or needs no payment: at once, or days later where the payment method takes its time",
		})
		t.Choose = chooseWhere("require_paid", []string{"checkout.session.completed"}, []string{"checkout.session.async_payment_succeeded", "checkout.session.completed"},
			schema.Guard{Setting: "require_paid", Path: schema.Path{"payment_status"}, In: []string{"no_payment_required", "paid"}})
	case "customer.subscription.updated":
		t.Settings = schema.NewObject("settings", schema.Field{
			Name: "change", Type: schema.EnumOf(changes()...).ListOf(), Example: `["upgraded", "downgraded"]`,
			Doc: "Fire only for these changes: what is paid per month went up or down, the prices are others, the status is another one",
		})
		t.Choose = chooseChange
	case "customer.subscription.deleted":
		t.Settings = schema.NewObject("settings", schema.Field{
			Name: "scheduled", Type: schema.Type{Kind: schema.KindBool}, Default: "false", Example: "true",
			Doc: "Fire once when the cancellation is asked for, rather than when the subscription ends: at once where it ends at once",
		})
		t.Choose = chooseWhere("scheduled", []string{"customer.subscription.deleted"}, []string{"customer.subscription.deleted", "customer.subscription.updated"},
			schema.Guard{Setting: "scheduled", Types: []string{"customer.subscription.updated"}, Test: cancellationAsked},
			schema.Guard{Setting: "scheduled", Types: []string{"customer.subscription.deleted"}, Test: endedUnasked})
	}
	t.AtFirst = atFirst(eventType)
}

// chooseWhere returns a choice between what is so without a boolean setting and what is so with it.
func chooseWhere(setting string, without, with []string, guards ...schema.Guard) func(map[string]cty.Value) ([]string, []schema.Guard) {
	return func(settings map[string]cty.Value) ([]string, []schema.Guard) {
		if v, ok := settings[setting]; ok && !v.IsNull() && v.Type() == cty.Bool && v.True() {
			return with, guards
		}
		return without, nil
	}
}

// combined are the triggers that are made of several events.
func (c *catalog) combined() []*schema.Trigger {
	statuses := []string{"draft", "open", "paid", "uncollectible", "void"}
	return []*schema.Trigger{
		{
			Name: "stripe_invoice_status", Service: "stripe", Payload: c.object("invoice"),
			Doc: "An invoice reached a status: draft, open, paid, uncollectible or void, whichever of Stripe's events tells it",
			Settings: schema.NewObject("settings", schema.Field{
				Name: "status", Type: schema.EnumOf(statuses...).ListOf(), Example: `["open", "paid"]`, Doc: "Only these; all five where left out",
			}),
			Events: statusEvents(statuses),
			Choose: chooseStatus,
		},
		{
			Name: "stripe_payment_succeeded", Service: "stripe", Payload: c.object("charge"), Settings: schema.NewObject("settings"),
			Doc:    "Money was taken: one event for each payment, however it was started, where Stripe sends one for the charge, the payment intent and the invoice each",
			Events: []string{"charge.captured", "charge.succeeded"},
			Choose: func(map[string]cty.Value) ([]string, []schema.Guard) {
				return []string{"charge.captured", "charge.succeeded"},
					[]schema.Guard{{Path: schema.Path{"captured"}, In: []string{"true"}}}
			},
		},
	}
}

// statusEvents returns the events that tell of an invoice's statuses.
func statusEvents(statuses []string) []string {
	var events []string
	for status, event := range map[string]string{"draft": "invoice.created", "open": "invoice.finalized", "paid": "invoice.paid",
		"uncollectible": "invoice.marked_uncollectible", "void": "invoice.voided"} {
		if slices.Contains(statuses, status) {
			events = append(events, event)
		}
	}
	slices.Sort(events)
	return events
}

func chooseStatus(settings map[string]cty.Value) ([]string, []schema.Guard) {
	statuses := []string{"draft", "open", "paid", "uncollectible", "void"}
	if asked := texts(settings["status"]); len(asked) > 0 {
		statuses = asked
	}
	// Some invoices are open when they are created; that they are open is what invoice.finalized tells.
	return statusEvents(statuses), []schema.Guard{{Setting: "status", Path: schema.Path{"status"}, In: []string{"draft"}, Types: []string{"invoice.created"}}}
}

func changes() []string { return []string{"downgraded", "plan_changed", "status_changed", "upgraded"} }

func chooseChange(settings map[string]cty.Value) ([]string, []schema.Guard) {
	events := []string{"customer.subscription.updated"}
	asked := texts(settings["change"])
	if len(asked) == 0 {
		return events, nil
	}
	return events, []schema.Guard{{Setting: "change", Test: func(object, previous []byte) bool {
		return slices.ContainsFunc(changed(object, previous), func(c string) bool { return slices.Contains(asked, c) })
	}}}
}

// subscription is what of one tells what it costs.
type subscription struct {
	Status   string
	Quantity json.Number
	Plan     *plan
	Items    *struct {
		Data []struct {
			Quantity json.Number
			Price    *plan
			Plan     *plan
		}
	}
	CancelAtPeriodEnd *bool        `json:"cancel_at_period_end"`
	CancelAt          *json.Number `json:"cancel_at"`
}

// plan is a price, or what came before prices.
type plan struct {
	ID         string
	UnitAmount json.Number `json:"unit_amount_decimal"`
	Amount     json.Number `json:"amount_decimal"`
	Recurring  *interval
	interval
}

type interval struct {
	Interval string
	Count    float64 `json:"interval_count"`
}

// changed returns what an update of a subscription changed, of what the setting can ask for.
func changed(object, previous []byte) []string {
	var now, before subscription
	if json.Unmarshal(object, &now) != nil || json.Unmarshal(previous, &before) != nil {
		return nil
	}
	var out []string
	if before.Status != "" && before.Status != now.Status {
		out = append(out, "status_changed")
	}
	if before.Items == nil && before.Plan == nil && before.Quantity == "" {
		return out
	}
	if before.Items == nil {
		// Only what changed is there: the rest is as it is now.
		if before.Plan == nil {
			before.Plan = now.Plan
		}
		if before.Quantity == "" {
			before.Quantity = now.Quantity
		}
		if now.Items != nil && len(now.Items.Data) > 1 {
			return out // one plan among several does not say what all of them cost
		}
		now.Items = nil
	}
	was, ids, ok := before.monthly()
	is, newIDs, both := now.monthly()
	if !maps.Equal(ids, newIDs) {
		out = append(out, "plan_changed")
	}
	switch {
	case !ok || !both:
	case is > was:
		out = append(out, "upgraded")
	case is < was:
		out = append(out, "downgraded")
	}
	return out
}

// monthly returns what a subscription costs a month, in the smallest unit, and the ids of its prices; ok is false where
// a price does not say, as one in tiers does not.
func (s *subscription) monthly() (amount float64, ids map[string]bool, ok bool) {
	ids, ok = map[string]bool{}, true
	add := func(p *plan, quantity json.Number) {
		if p == nil {
			ok = false
			return
		}
		ids[p.ID] = true
		text := p.UnitAmount
		if text == "" {
			text = p.Amount
		}
		unit, err := strconv.ParseFloat(string(text), 64)
		per := p.interval
		if p.Recurring != nil {
			per = *p.Recurring
		}
		days := map[string]float64{"day": 1, "week": 7, "month": 365.25 / 12, "year": 365.25}[per.Interval] * max(per.Count, 1)
		if err != nil || days == 0 {
			ok = false
			return
		}
		n := 1.0
		if quantity != "" {
			if n, err = quantity.Float64(); err != nil {
				ok = false
			}
		}
		amount += unit * n * 365.25 / 12 / days
	}
	if s.Items == nil {
		add(s.Plan, s.Quantity)
		return amount, ids, ok
	}
	for _, item := range s.Items.Data {
		p := item.Price
		if p == nil {
			p = item.Plan
		}
		add(p, item.Quantity)
	}
	return amount, ids, ok
}

// cancellationAsked reports whether an update is the moment when the end of a subscription was fixed.
func cancellationAsked(object, previous []byte) bool {
	var now, before subscription
	if json.Unmarshal(object, &now) != nil || json.Unmarshal(previous, &before) != nil {
		return false
	}
	if now.CancelAtPeriodEnd != nil && *now.CancelAtPeriodEnd && before.CancelAtPeriodEnd != nil && !*before.CancelAtPeriodEnd {
		return true
	}
	was := schema.Lookup(previous, "cancel_at")
	return now.CancelAt != nil && was != nil && schema.IsNull(was)
}

// endedUnasked reports whether a subscription ended without its end having been fixed before.
func endedUnasked(object, _ []byte) bool {
	var s subscription
	if json.Unmarshal(object, &s) != nil {
		return true
	}
	return s.CancelAt == nil && (s.CancelAtPeriodEnd == nil || !*s.CancelAtPeriodEnd)
}

// atFirst returns what is so, as a rule, of what was just created.
func atFirst(eventType string) []schema.Guard {
	only := func(why, field string, values ...string) []schema.Guard {
		return []schema.Guard{{Path: schema.Path{field}, In: values, Why: why}}
	}
	switch eventType {
	case "invoice.created":
		const why = "a new invoice is a draft, or open; stripe_invoice_status tells when it is paid"
		return append(only(why, "status", "draft", "open"), only(why, "paid", "false")...)
	case "customer.subscription.created":
		return only("a new subscription is incomplete, in its trial or active; stripe_customer_subscription_updated tells what becomes of it",
			"status", "active", "incomplete", "trialing")
	case "charge.dispute.created":
		return only("a new dispute has not been decided; stripe_charge_dispute_closed tells how it ends",
			"status", "lost", "needs_response", "under_review", "warning_needs_response", "warning_under_review")
	case "payment_intent.created":
		return only("a new payment intent has not been paid; stripe_payment_intent_succeeded tells when it is",
			"status", "processing", "requires_action", "requires_confirmation", "requires_payment_method")
	case "payment_link.created":
		return only("a new payment link is active; stripe_payment_link_updated tells when it is turned off", "active", "true")
	case "quote.created":
		return only("a new quote is a draft; stripe_quote_accepted tells when it is accepted", "status", "draft")
	}
	return nil
}
