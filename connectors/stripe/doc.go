package stripe

import "strings"

// triggerDoc returns one line on when the event comes, in our words: for the best known events a sentence that says
// what people get wrong about them, for the others one made from the type's name.
func triggerDoc(eventType string) string {
	switch eventType {
	case "charge.failed":
		return "A charge failed. Retries of one payment fail once each; payment_intent.payment_failed comes as well where the charge belongs to a payment intent"
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
	words := strings.Split(strings.ReplaceAll(eventType, "_", " "), ".")
	subject, what := strings.Join(words[:len(words)-1], " "), words[len(words)-1]
	article := "A "
	if strings.ContainsRune("aeiou", rune(subject[0])) {
		article = "An "
	}
	switch {
	case strings.Contains(what, " "):
		return strings.ToUpper(subject[:1]) + subject[1:] + ": " + what
	case done(what):
		return article + subject + " was " + what
	}
	return article + subject + ": " + what
}

// done reports whether a word says what somebody did to the thing, as against what became of it.
func done(word string) bool {
	switch word {
	case "failed", "succeeded", "expired", "completed", "disconnected":
		return false
	case "sent", "paid":
		return true
	}
	return strings.HasSuffix(word, "ed")
}
