package stripe

// What people do most at Stripe, and what they get wrong about it, is written by hand: a sentence on the action, an
// example that a test compiles, and a line on the arguments that a name does not explain.

// hand is what of an operation is written by hand.
type hand struct {
	doc     string
	example string // a JSON object; empty where what must be given says it all
}

// handmade returns what is written by hand of an operation.
func handmade(name string) (hand, bool) {
	switch name {
	case "customer_create":
		return hand{"Creates a customer. Stripe makes another one where the address is known already; stripe_customer_upsert looks first",
			`{"email": "jenny.rosen@example.com", "name": "Jenny Rosen", "metadata": {"plan": "pro"}}`}, true
	case "customer_update":
		return hand{"Updates a customer; what is left out stays as it is, and an empty text takes a value away. A new e-mail address redirects receipts and invoices",
			`{"customer": "cus_NffrFeUfNV2Hib", "description": "moved to the yearly plan", "metadata": {"plan": "pro"}}`}, true
	case "customer_retrieve":
		return hand{"Looks up a customer by id. The answer is null where Stripe has no such customer; a customer that was deleted fails the step with kind gone",
			`{"customer": "cus_NffrFeUfNV2Hib"}`}, true
	case "customer_delete":
		return hand{"Deletes a customer for good and cancels all subscriptions at once; the answer is null where the customer is gone already",
			`{"customer": "cus_NffrFeUfNV2Hib"}`}, true
	case "customer_list":
		return hand{"Lists customers, the newest first. With email it finds all who have exactly that address, at once and with regard to case",
			`{"email": "jenny.rosen@example.com", "limit": 3}`}, true
	case "customer_search":
		return hand{"Searches customers by a query. What was written in the last minute may not be found yet; stripe_customer_find is never late",
			`{"query": "metadata['plan']:'pro' AND name~'Rosen'"}`}, true
	case "customer_balance_transaction_create":
		return hand{"Gives a customer credit (a negative amount) or debt (a positive one), which the next invoices take into account",
			`{"customer": "cus_NffrFeUfNV2Hib", "amount": -500, "currency": "usd", "description": "sorry for the outage"}`}, true
	case "customer_delete_discount":
		return hand{"Takes a customer's discount away; the answer is null where there was none", `{"customer": "cus_NffrFeUfNV2Hib"}`}, true
	case "subscription_create":
		return hand{"Signs a customer up for prices. Where the first payment fails the subscription is there and incomplete, unless payment_behavior says otherwise",
			`{"customer": "cus_NffrFeUfNV2Hib", "items": [{"price": "price_1MowQULkdIwHu7ixraBm864M", "quantity": 1}], "trial_period_days": 14}`}, true
	case "subscription_update":
		return hand{"Updates a subscription. To change its plan name the item by its id, or the new price is added to the old one",
			`{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "items": [{"id": "si_NcLYdDxLHxlFo7", "price": "price_1MowQULkdIwHu7ixraBm864M"}], "proration_behavior": "create_prorations"}`}, true
	case "subscription_cancel":
		return hand{"Ends a subscription now; stripe_subscription_cancel_at_period_end lets it run out. The answer is null where it had ended already",
			`{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "invoice_now": true, "prorate": true}`}, true
	case "subscription_resume":
		return hand{"Resumes a subscription that is paused because its trial ended without a way to pay",
			`{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "billing_cycle_anchor": "now"}`}, true
	case "subscription_retrieve":
		return hand{"Looks up a subscription by id; the answer is null where there is none", `{"subscription": "sub_1MowQVLkdIwHu7ixeRlqHVzs", "expand": ["latest_invoice"]}`}, true
	case "subscription_search":
		return hand{"Searches subscriptions by a query; what was written in the last minute may not be found yet",
			`{"query": "status:'active' AND metadata['team']:'sales'"}`}, true
	case "invoice_create":
		return hand{"Creates a draft of an invoice from a customer's pending items; stripe_invoice_finalize makes it count",
			`{"customer": "cus_NffrFeUfNV2Hib", "collection_method": "send_invoice", "days_until_due": 30, "pending_invoice_items_behavior": "include"}`}, true
	case "invoiceitem_create":
		return hand{"Adds an item to a draft invoice, or to the customer's next invoice where none is named",
			`{"customer": "cus_NffrFeUfNV2Hib", "amount": 2500, "currency": "usd", "description": "setup fee"}`}, true
	case "invoice_finalize":
		return hand{"Makes a draft an open invoice, which can't be changed any more", `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv", "auto_advance": true}`}, true
	case "invoice_send":
		return hand{"Sends an invoice by e-mail now; in test mode nothing is sent", `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`}, true
	case "invoice_pay":
		return hand{"Tries to collect an invoice now, outside of Stripe's own schedule; with paid_out_of_band it is only marked as paid",
			`{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv", "paid_out_of_band": true}`}, true
	case "invoice_void":
		return hand{"Voids an open invoice: it keeps its number and nobody owes it any more. It can't be undone", `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`}, true
	case "invoice_retrieve":
		return hand{"Looks up an invoice by id; the answer is null where there is none", `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv", "expand": ["charge"]}`}, true
	case "invoice_upcoming":
		return hand{"Previews a customer's next invoice; the answer is null where none will come", `{"customer": "cus_NffrFeUfNV2Hib"}`}, true
	case "payment_intent_create":
		return hand{"Starts a payment. It is charged when it is confirmed: by the customer's browser, or here with confirm, a saved payment method and off_session",
			`{"amount": 2000, "currency": "usd", "customer": "cus_NffrFeUfNV2Hib", "payment_method": "pm_1MqLiJLkdIwHu7ixUEgbFdYF", "confirm": true, "off_session": true}`}, true
	case "payment_intent_confirm":
		return hand{"Confirms a payment, which charges the payment method unless the customer must do something first",
			`{"payment_intent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "payment_method": "pm_1MqLiJLkdIwHu7ixUEgbFdYF"}`}, true
	case "payment_intent_capture":
		return hand{"Takes the money that a payment with capture_method manual has reserved; the rest of the sum is released",
			`{"payment_intent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "amount_to_capture": 1500}`}, true
	case "payment_intent_cancel":
		return hand{"Cancels a payment that has not gone through; what was reserved is released",
			`{"payment_intent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "cancellation_reason": "requested_by_customer"}`}, true
	case "payment_intent_retrieve":
		return hand{"Looks up a payment by id; the answer is null where there is none", `{"payment_intent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "expand": ["latest_charge"]}`}, true
	case "charge_retrieve":
		return hand{"Looks up a charge by id; the answer is null where there is none", `{"charge": "ch_3MmlLrLkdIwHu7ix0snN0B15", "expand": ["customer"]}`}, true
	case "refund_create":
		return hand{"Refunds a charge or a payment, in whole or, with an amount, in part. Name one of charge and payment_intent",
			`{"payment_intent": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "amount": 500, "reason": "requested_by_customer"}`}, true
	case "payment_link_create":
		return hand{"Creates a link with which anybody can pay for the items, as often as it is not restricted",
			`{"line_items": [{"price": "price_1MowQULkdIwHu7ixraBm864M", "quantity": 1}], "restrictions": {"completed_sessions": {"limit": 1}}}`}, true
	case "checkout_session_create":
		return hand{"Opens a checkout page for one customer; url in the answer is where to send them, and stops working after 24 hours",
			`{"mode": "payment", "line_items": [{"price": "price_1MowQULkdIwHu7ixraBm864M", "quantity": 2}], "customer_email": "jenny.rosen@example.com", "success_url": "https://example.com/thanks"}`}, true
	case "product_create":
		return hand{"Creates a product; what it costs is a price of its own, or default_price_data",
			`{"name": "Gold plan", "default_price_data": {"currency": "usd", "unit_amount": 1000, "recurring": {"interval": "month"}}}`}, true
	case "price_create":
		return hand{"Creates a price of a product. What it costs can't be changed later: make another price and switch",
			`{"currency": "usd", "unit_amount": 1000, "product": "prod_NWjs8kKbJWmuuc", "recurring": {"interval": "month"}}`}, true
	case "coupon_create":
		return hand{"Creates a discount of a part (percent_off) or a sum (amount_off with currency)",
			`{"percent_off": 25.5, "duration": "repeating", "duration_in_months": 3, "name": "Spring"}`}, true
	case "promotion_code_create":
		return hand{"Creates a code that customers type in to get a coupon", `{"coupon": "nVJYDOag", "code": "SPRING25", "max_redemptions": 100}`}, true
	case "billing_portal_session_create":
		return hand{"Opens the page on which a customer changes plans, cards and addresses; url in the answer is where to send them, and is short-lived",
			`{"customer": "cus_NffrFeUfNV2Hib", "return_url": "https://example.com/account"}`}, true
	case "dispute_update":
		return hand{"Adds evidence to a dispute; with submit it goes to the bank at once, and only one submission is looked at",
			`{"dispute": "dp_1MtJUTLkdIwHu7ixwxzKTQjU", "evidence": {"customer_name": "Jenny Rosen", "uncategorized_text": "The goods were delivered."}, "submit": false}`}, true
	case "dispute_close":
		return hand{"Gives a dispute up as lost. It can't be undone", `{"dispute": "dp_1MtJUTLkdIwHu7ixwxzKTQjU"}`}, true
	case "balance_retrieve":
		return hand{"Looks up what money is available and what is pending", `{}`}, true
	case "usage_record_create":
		return hand{"Reports how much of a metered item was used", `{"subscription_item": "si_NcLYdDxLHxlFo7", "quantity": 100, "action": "increment"}`}, true
	case "account_retrieve_current":
		return hand{"Looks up the account that the key belongs to", ""}, true
	case "quote_pdf":
		return hand{"Fetches a quote as a document, which comes as base64", ""}, true
	case "file_create":
		return hand{"Uploads a file of at most 1 MiB, such as evidence for a dispute", `{"file": "JVBERi0xLjQK", "filename": "receipt.pdf", "purpose": "dispute_evidence"}`}, true
	}
	return hand{}, false
}

// handmadeInput returns a line on an argument of an operation or, with its name, of a shape within one.
func handmadeInput(shape, field string) string {
	switch shape + "." + field {
	case "customer_create.email", "customer_update.email":
		return "Where Stripe sends receipts and invoices; two customers may have the same"
	case "customer_list.email":
		return "Only customers with exactly this address, upper and lower case as they were given"
	case "subscription_create.items", "subscription_update.items":
		return "What is subscribed to, 20 prices at most"
	case "subscription_create.trial_period_days":
		return "Days before the first payment, at most 730"
	case "subscription_create.payment_behavior", "subscription_update.payment_behavior":
		return "What happens where the payment fails; default_incomplete waits for the customer, error_if_incomplete changes nothing"
	case "subscription_create.trial_end", "subscription_update.trial_end":
		return "When the trial ends, or \"now\""
	case "subscription_update.cancel_at_period_end":
		return "Whether it ends, rather than renews, when the period does"
	case "subscription_cancel.prorate":
		return "Whether what was paid and not used becomes credit"
	case "subscription_cancel.invoice_now":
		return "Whether what was used and not billed is billed now"
	case "items.id":
		return "The subscription item that is changed; a new one where left out"
	case "items.quantity", "line_items.quantity":
		return "How many"
	case "invoice_create.auto_advance", "invoice_finalize.auto_advance":
		return "Whether Stripe goes on by itself: finalises, collects, reminds"
	case "invoice_create.collection_method", "subscription_create.collection_method", "subscription_update.collection_method":
		return "Whether the payment method is charged, or an invoice is sent for the customer to pay"
	case "invoice_create.days_until_due":
		return "How long the customer has to pay; only with send_invoice"
	case "invoice_create.pending_invoice_items_behavior":
		return "Whether the customer's pending items go into it"
	case "invoiceitem_create.invoice":
		return "The draft invoice it goes to; the customer's next one where left out"
	case "payment_intent_create.confirm":
		return "Whether the payment is confirmed at once"
	case "payment_intent_create.off_session", "payment_intent_confirm.off_session":
		return "Whether the customer is away, so that nothing can be asked of them"
	case "payment_intent_create.capture_method":
		return "Whether the money is taken at once or only reserved (manual)"
	case "refund_create.amount":
		return "How much is refunded, in the smallest unit of the currency; all that is left where left out"
	case "refund_create.charge":
		return "The charge to refund; or name its payment_intent"
	case "refund_create.payment_intent":
		return "The payment to refund; or name its charge"
	case "refund_create.reason":
		return "Why; fraudulent blocks the card and the address as well"
	case "refund_create.reverse_transfer":
		return "Whether a connected account gives its share back"
	case "refund_create.refund_application_fee":
		return "Whether the application fee is refunded, too"
	case "checkout_session_create.mode":
		return "A single payment, a subscription, or saving a payment method"
	case "checkout_session_create.success_url":
		return "Where the customer is sent after paying; {CHECKOUT_SESSION_ID} in it becomes the session's id"
	case "checkout_session_create.client_reference_id":
		return "Your own id, which the events of the session carry"
	case "coupon_create.duration":
		return "For how long a subscription has it"
	case "coupon_create.percent_off":
		return "How much of the price is taken off, from 0 to 100"
	case "dispute_update.submit":
		return "Whether the evidence goes to the bank now"
	case "usage_record_create.action":
		return "Whether the quantity is added to what there is at that moment, or replaces it"
	case "file_create.file":
		return "The file's content, as base64"
	}
	return ""
}
