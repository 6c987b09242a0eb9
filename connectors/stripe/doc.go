package stripe

import "strings"

// triggerDoc returns one line on when the event comes, in our words: for the best known events a sentence that says
// what people get wrong about them, for the others one made from the type's name.
func triggerDoc(eventType string) string {
	switch eventType {
	case "charge.failed":
		return "A charge failed; each attempt of a payment is a charge. Where it belongs to a payment intent, payment_intent.payment_failed comes as well"
	case "charge.succeeded":
		return "A charge went through"
	case "charge.refunded":
		return "A charge was refunded, in full or in part"
	case "charge.dispute.created":
		return "A customer disputed a charge with the bank; the payload holds the charge's id, not the customer's"
	case "checkout.session.completed":
		return "A checkout was completed; payment_status tells whether it is paid, since some methods pay days later"
	case "checkout.session.async_payment_succeeded":
		return "A payment method that takes its time paid for a completed checkout"
	case "checkout.session.async_payment_failed":
		return "A payment method that takes its time failed to pay for a completed checkout"
	case "checkout.session.expired":
		return "A checkout was left and can't be completed any more"
	case "customer.created":
		return "A customer was created"
	case "customer.updated":
		return "Something about a customer changed; previous holds the old values"
	case "customer.deleted":
		return "A customer was deleted; the payload is the customer as it was"
	case "customer.subscription.created":
		return "A customer signed up for a plan; the status may still be incomplete or trialing"
	case "customer.subscription.updated":
		return "A subscription changed: plan, status, renewal or cancellation; previous holds the old values"
	case "customer.subscription.deleted":
		return "A subscription ended. A cancellation at the end of the period is a customer.subscription.updated first"
	case "customer.subscription.trial_will_end":
		return "A trial ends in three days, or has just been ended"
	case "invoice.created":
		return "An invoice was created, as a draft or already open"
	case "invoice.paid":
		return "An invoice was paid, or marked as paid out of band"
	case "invoice.payment_failed":
		return "An attempt to collect an invoice failed; attempt_count and next_payment_attempt say what follows"
	case "invoice.payment_succeeded":
		return "An attempt to collect an invoice succeeded"
	case "invoice.upcoming":
		return "An invoice will be created in a few days; it has no id yet"
	case "payment_intent.payment_failed":
		return "An attempt to pay a payment intent failed"
	case "payment_intent.succeeded":
		return "A payment intent was paid"
	case "payment_link.created":
		return "A payment link was created"
	}
	subject, what := eventWords(eventType)
	if strings.HasSuffix(subject, "settings") {
		return sentence(subject + " were " + what)
	}
	article := "a "
	if strings.ContainsRune("aeiou", rune(subject[0])) {
		article = "an "
	}
	if v := verb(what); v != "" {
		return sentence(article + subject + v)
	}
	return sentence(subject + ": " + what)
}

// eventWords returns what an event type is about and what happened to it, in words.
func eventWords(eventType string) (subject, what string) {
	i := strings.LastIndexByte(eventType, '.')
	subject, what = eventType[:i], eventType[i+1:]
	switch subject {
	case "invoiceitem":
		return "invoice item", what
	case "topup":
		return "top-up", what
	case "account.external_account", "test_helpers.test_clock", "reporting.report_run", "reporting.report_type", "sigma.scheduled_query_run":
		_, subject, _ = strings.Cut(subject, ".") // what comes before says where in the dashboard it is
	}
	return spaced(subject), spaced(what)
}

func spaced(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '_' {
			return ' '
		}
		return r
	}, s)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// verb returns the end of the sentence that says what happened, and "" where the word is a thing.
func verb(what string) string {
	switch what {
	case "failed", "succeeded", "expired", "completed", "disconnected":
		return " " + what
	case "sent", "paid":
		return " was " + what
	case "available", "pending", "chargeable", "ready", "expiring", "processing", "advancing":
		return " is " + what
	}
	if strings.HasSuffix(what, "ed") && !strings.Contains(what, " ") {
		return " was " + what
	}
	return ""
}

// fieldDoc returns one line on a field of an object that events carry, for those that recipes read most; "" for others.
func fieldDoc(object, field string) string {
	switch object + "." + field {
	case "charge.billing_details":
		return "What the payer typed in; the e-mail address here is often null"
	case "charge.failure_code":
		return "Why it failed, for machines: card_declined, expired_card and many more"
	case "charge.failure_message":
		return "Why it failed, in a sentence that can be shown to the payer"
	case "charge.payment_intent":
		return "The payment intent it belongs to; null for charges made directly"
	case "charge.outcome":
		return "What the bank and the fraud rules said"
	case "charge.amount_refunded":
		return "How much of it was refunded so far, in the smallest unit of the currency"
	case "checkout.session.payment_status":
		return "Whether it is paid: a completed session may still be unpaid where the method takes its time"
	case "checkout.session.customer_details":
		return "What the customer typed in at the checkout, with the e-mail address"
	case "checkout.session.customer_email":
		return "The address that was filled in beforehand; customer_details has the one that was used"
	case "checkout.session.client_reference_id":
		return "The id that your site gave when it opened the session"
	case "customer.delinquent":
		return "Whether the latest invoice that was due is unpaid"
	case "customer.balance":
		return "Credit where negative, debt where positive, in the smallest unit of the currency"
	case "subscription.status":
		return "Where the subscription stands"
	case "subscription.cancel_at_period_end":
		return "Whether it ends, rather than renews, when the period does"
	case "subscription.canceled_at":
		return "When the cancellation was asked for, which may be long before the end"
	case "subscription.ended_at":
		return "When it really ended"
	case "subscription.items":
		return "The prices it is made of; data[0].price is the plan where there is one"
	case "invoice.attempt_count":
		return "How often a collection was tried"
	case "invoice.next_payment_attempt":
		return "When the next attempt is made; null where there will be none"
	case "invoice.billing_reason":
		return "Why the invoice came to be"
	case "invoice.hosted_invoice_url":
		return "The page on which the customer can pay it"
	case "dispute.evidence_details":
		return "By when evidence must be in"
	}
	switch field {
	case "id":
		return "The object's id"
	case "customer":
		return "The customer's id; stripe_customer_retrieve looks up the rest"
	case "metadata":
		return "Your own keys and values"
	case "livemode":
		return "Whether real money is meant"
	case "created":
		return "When it was created"
	case "currency":
		return "Three-letter code, in lower case"
	case "amount", "amount_total", "amount_due", "amount_paid", "amount_remaining", "total", "subtotal":
		return "In the smallest unit of the currency: cents for usd, whole yen for jpy"
	}
	return ""
}
