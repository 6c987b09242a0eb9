package stripe

// What of Stripe's operations can't be undone, which a recipe's limits count. Stripe's description does not say it, so
// it is said here: by rule where the name or the method tells, by name for the rest. A test keeps the whole list
// (testdata/lasting.txt), so that an operation which a newer version adds is looked at by somebody.

import (
	"net/http"
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// lasting says what of an operation can't be undone. in is the shape of what it takes, in which the amount is found.
func (op operation) lasting(in *schema.Object) schema.Lasting {
	l := schema.Lasting{Kind: op.lastingKind()}
	if l.Kind != schema.MovesMoney {
		return l
	}
	for i := range in.Fields() {
		switch f := &in.Fields()[i]; {
		case f.Role == schema.RoleAmount && l.Amount == "":
			l.Amount = f.Name
		case f.Role == schema.RoleCurrency && l.Currency == "":
			l.Currency = f.Name
		}
	}
	if op.name == "payment_intent_create" {
		l.Only = "confirm" // before that nothing is charged
	}
	return l
}

func (op operation) lastingKind() schema.LastingKind {
	if strings.HasPrefix(op.name, "test_helpers_") {
		return 0 // there is no test mode in which anything matters
	}
	switch op.name {
	case "application_fee_refund", "charge_capture", "charge_create", "charge_refund", "charge_refund_create", "climate_order_create",
		"credit_note_create", "fee_refund_create", "invoice_pay", "issuing_authorization_approve",
		"payment_intent_apply_customer_balance", "payment_intent_capture", "payment_intent_confirm", "payment_intent_create",
		"payout_create", "payout_reverse", "refund_create", "terminal_reader_process_payment_intent", "terminal_reader_refund_payment",
		"topup_create", "transfer_create", "transfer_reversal_create", "treasury_credit_reversal_create",
		"treasury_debit_reversal_create", "treasury_inbound_transfer_create", "treasury_outbound_payment_create",
		"treasury_outbound_transfer_create":
		return schema.MovesMoney
	case "invoice_send":
		return schema.SendsMessage
	case "apps_secret_delete_where", "identity_verification_session_redact", "payment_method_detach":
		return schema.Deletes
	case "subscription_cancel", "customer_subscription_delete", // which are a DELETE by method
		"account_reject", "charge_dispute_close", "checkout_session_expire", "dispute_close",
		"financial_connections_account_disconnect", "invoice_mark_uncollectible", "linked_account_disconnect",
		"subscription_schedule_release":
		return schema.Cancels
	case "customer_delete_discount", "customer_subscription_discount_delete", "subscription_delete_discount", // can be given again
		"ephemeral_key_delete": // ends within the hour in any case
		return 0
	}
	switch {
	case op.method == http.MethodDelete:
		return schema.Deletes
	case strings.HasSuffix(op.name, "_cancel"), strings.HasSuffix(op.name, "_void"):
		return schema.Cancels
	}
	return 0
}
