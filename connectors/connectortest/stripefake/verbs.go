package stripefake

import (
	"fmt"
	"net/http"
	"slices"
)

// transition is what a verb does to an object: from which status, to which, and what else becomes of it.
type transition struct {
	from []string // any where empty
	to   string
	set  map[string]any
	code string // of the refusal
}

// transitions are the verbs that people use most, by operation.
func transitions() map[string]transition {
	open := []string{"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture", "processing"}
	return map[string]transition{
		"invoice_finalize":              {from: []string{"draft"}, to: "open", code: "invoice_not_editable"},
		"invoice_pay":                   {from: []string{"open", "uncollectible"}, to: "paid", set: map[string]any{"paid": true, "attempted": true, "amount_remaining": 0}, code: "invoice_not_open"},
		"invoice_void":                  {from: []string{"open", "uncollectible"}, to: "void", code: "invoice_not_open"},
		"invoice_mark_uncollectible":    {from: []string{"open"}, to: "uncollectible", code: "invoice_not_open"},
		"payment_intent_confirm":        {from: open, to: "succeeded", code: "payment_intent_unexpected_state"},
		"payment_intent_capture":        {from: []string{"requires_capture"}, to: "succeeded", set: map[string]any{"amount_capturable": 0}, code: "payment_intent_unexpected_state"},
		"payment_intent_cancel":         {from: open, to: "canceled", code: "payment_intent_unexpected_state"},
		"setup_intent_confirm":          {to: "succeeded"},
		"setup_intent_cancel":           {to: "canceled"},
		"charge_capture":                {set: map[string]any{"captured": true}},
		"refund_cancel":                 {to: "canceled"},
		"subscription_cancel":           {from: []string{"active", "trialing", "past_due", "incomplete", "unpaid", "paused"}, to: "canceled", code: "resource_missing"},
		"subscription_resume":           {from: []string{"paused"}, to: "active", code: "subscription_not_paused"},
		"subscription_schedule_cancel":  {to: "canceled"},
		"subscription_schedule_release": {to: "released"},
		"checkout_session_expire":       {from: []string{"open"}, to: "expired", set: map[string]any{"url": nil}, code: "checkout_session_not_open"},
		"dispute_close":                 {to: "lost"},
		"quote_finalize":                {from: []string{"draft"}, to: "open", code: "quote_unexpected_state"},
		"quote_accept":                  {from: []string{"open"}, to: "accepted", code: "quote_unexpected_state"},
		"quote_cancel":                  {to: "canceled"},
		"payout_cancel":                 {to: "canceled"},
		"topup_cancel":                  {to: "canceled"},
		"credit_note_void":              {to: "void"},
	}
}

// take changes the object, or refuses where its status does not allow it.
func (t transition) take(data map[string]any) (a answer, refused bool) {
	status, _ := data["status"].(string)
	if len(t.from) > 0 && !slices.Contains(t.from, status) {
		code := http.StatusBadRequest
		if t.code == "resource_missing" {
			code = http.StatusNotFound // Stripe no longer knows a subscription that has ended
		}
		return refuse(code, problem{Code: t.code, Message: fmt.Sprintf("This object can't be changed so: its status is %s.", status)}), true
	}
	if t.to != "" {
		data["status"] = t.to
	}
	for name, v := range t.set {
		data[name] = v
	}
	return answer{}, false
}

// begin gives a new object the status that it starts in.
func begin(object string, data, args map[string]any) {
	switch object {
	case "invoice":
		data["status"], data["paid"] = "draft", false
	case "payment_intent":
		data["status"], data["amount_received"] = "requires_payment_method", 0
		switch {
		case args["confirm"] == "true" && args["capture_method"] == "manual":
			data["status"], data["amount_capturable"] = "requires_capture", data["amount"]
		case args["confirm"] == "true":
			data["status"], data["amount_received"] = "succeeded", data["amount"]
		case args["payment_method"] != nil:
			data["status"] = "requires_confirmation"
		}
	case "checkout.session":
		data["status"], data["payment_status"], data["customer_details"] = "open", "unpaid", nil
		data["url"] = fmt.Sprintf("https://checkout.stripe.com/c/pay/%v", data["id"])
	case "subscription":
		data["status"] = "active"
		if args["trial_end"] != nil || args["trial_period_days"] != nil {
			data["status"] = "trialing"
		}
	}
}
