package check

import (
	"slices"
	"testing"
)

func TestSuggestions(t *testing.T) {
	triggers := []string{
		"stripe_charge_dispute_closed", "stripe_charge_dispute_created", "stripe_charge_failed", "stripe_charge_refunded", "stripe_charge_succeeded",
		"stripe_checkout_session_completed", "stripe_checkout_session_expired", "stripe_customer_created", "stripe_customer_deleted",
		"stripe_customer_subscription_created", "stripe_customer_subscription_deleted", "stripe_customer_subscription_trial_will_end",
		"stripe_invoice_paid", "stripe_invoice_payment_failed", "stripe_payment_intent_canceled", "stripe_payment_intent_payment_failed",
		"stripe_payment_method_attached", "stripe_refund_created", "stripe_refund_updated", "stripe_subscription_schedule_canceled",
	}
	for name, want := range map[string]string{
		"stripe_subscription_canceled":         "stripe_customer_subscription_deleted",
		"stripe_subscription_cancelled":        "stripe_customer_subscription_deleted",
		"stripe_canceled_subscription":         "stripe_customer_subscription_deleted",
		"stripe_SubscriptionCanceled":          "stripe_customer_subscription_deleted",
		"stripe.customer.subscription.deleted": "stripe_customer_subscription_deleted",
		"StripeSubscriptionsDeleted":           "stripe_customer_subscription_deleted",
		"stripe_new_subscription":              "stripe_customer_subscription_created",
		"stripe_payment_failed":                "stripe_charge_failed",
		"stripe_failed_payment":                "stripe_charge_failed",
		"stripe_card_declined":                 "",
		"stripe_charge_declined":               "stripe_charge_failed",
		"stripe_payment_succeeded":             "stripe_charge_succeeded",
		"stripe_payment_refunded":              "stripe_charge_refunded",
		"stripe_refunded":                      "stripe_charge_refunded",
		"stripe_refund":                        "stripe_refund_created",
		"stripe_chargeback":                    "stripe_charge_dispute_created",
		"stripe_dispute_opened":                "stripe_charge_dispute_created",
		"stripe_checkout_completed":            "stripe_checkout_session_completed",
		"stripe_new_customer":                  "stripe_customer_created",
		"stripe_user_created":                  "stripe_customer_created",
		"stripe_trial_ending":                  "stripe_customer_subscription_trial_will_end",
		"stripe_payment_method_added":          "stripe_payment_method_attached",
		"stripe_charge_faild":                  "stripe_charge_failed",
		"slack_message":                        "",
	} {
		if got := suggest(name, triggers); got != want {
			t.Errorf("%s: %q, want %q (%q)", name, got, want, suggestions(name, triggers))
		}
	}
	several := suggestions("stripe_payment_failed", triggers)
	if !slices.Equal(several, []string{"stripe_charge_failed", "stripe_invoice_payment_failed", "stripe_payment_intent_payment_failed"}) {
		t.Error(several)
	}
	if got := suggest("cancelled", []string{"active", "canceled", "paused"}); got != "canceled" {
		t.Error(got)
	}
	if got := didYouMean("stripe_payment_failed", triggers[2:14]); got != ` Did you mean "stripe_charge_failed" or "stripe_invoice_payment_failed"?` {
		t.Error(got)
	}
}
