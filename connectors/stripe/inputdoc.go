package stripe

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
)

// operationDoc returns one line on what an operation does: for the best known a sentence of ours, for the others one
// made from the name.
func operationDoc(op operation) string {
	if h, ok := handmade(op.name); ok {
		return h.doc
	}
	if name, test := strings.CutPrefix(op.name, "test_helpers_"); test && !strings.HasPrefix(name, "test_clock_") {
		op.name = name
		doc := operationDoc(op)
		return "In test mode: " + strings.ToLower(doc[:1]) + doc[1:]
	}
	if doc := twoWordDoc(op.name); doc != "" {
		return doc
	}
	subject, verb := operationWords(op.name)
	subject = strings.TrimPrefix(spaced(subject), "test helpers ")
	switch verb {
	case "fail", "succeed":
		return "Makes " + withArticle(subject) + " " + verb
	case "list":
		return "Lists " + plural(subject)
	case "search":
		return "Searches " + plural(subject) + " by a query; what was written in the last minute may not be found yet"
	case "retrieve":
		return "Looks up " + withArticle(subject) + orNull(op)
	case "create":
		return "Creates " + withArticle(subject)
	case "update":
		return "Updates " + withArticle(subject) + "; what is left out stays as it is"
	case "delete":
		return "Deletes " + withArticle(subject) + "; the answer is null where it is gone already"
	}
	first, rest, more := strings.Cut(verb, "_")
	does := sentence(thirdPerson(first))
	switch {
	case !more:
		return does + " " + withArticle(subject)
	case first == "list":
		return does + " the " + spaced(rest) + " of " + withArticle(subject)
	case first == "create":
		return does + " " + spaced(rest) + " for " + withArticle(subject)
	case first == "delete" || first == "retrieve" || first == "update":
		return does + " the " + spaced(rest) + " of " + withArticle(subject) + orNull(op)
	}
	return sentence(subject) + ": " + spaced(verb)
}

// twoWordDoc returns a line on the operations whose verb is more than one word.
func twoWordDoc(name string) string {
	switch name {
	case "apps_secret_delete_where":
		return "Deletes an app's secret by its name and scope"
	case "apps_secret_find":
		return "Finds an app's secret by its name and scope; the answer is null where there is none"
	case "credit_note_preview_lines":
		return "Lists the line items that a credit note would have"
	case "customer_fund_cash_balance":
		return "Puts money on a customer's cash balance"
	case "customer_retrieve_payment_method":
		return "Looks up a payment method of a customer; the answer is null where there is none"
	case "financial_connections_account_subscribe":
		return "Subscribes to the refreshes of a financial connections account"
	case "financial_connections_account_unsubscribe":
		return "Ends a subscription to the refreshes of a financial connections account"
	case "invoice_mark_uncollectible":
		return "Writes an open invoice off as uncollectible; it can still be paid"
	case "invoice_upcoming_lines":
		return "Lists the line items of a customer's next invoice"
	case "issuing_transaction_create_force_capture":
		return "Creates a forced capture, as one that no authorization came before"
	case "issuing_transaction_create_unlinked_refund":
		return "Creates a refund that belongs to no purchase"
	case "payment_intent_apply_customer_balance":
		return "Pays a payment intent from the customer's cash balance"
	case "payment_intent_increment_authorization":
		return "Raises the sum that a payment intent has reserved"
	case "payment_intent_verify_microdeposits":
		return "Verifies the bank account of a payment intent by the small deposits made to it"
	case "setup_intent_verify_microdeposits":
		return "Verifies the bank account of a setup intent by the small deposits made to it"
	case "source_source_transactions":
		return "Lists the transactions of a source"
	case "tax_transaction_create_from_calculation":
		return "Records the tax of a calculation as a transaction"
	case "tax_transaction_create_reversal":
		return "Takes a recorded tax transaction back, in whole or in part"
	case "terminal_reader_cancel_action":
		return "Stops what a terminal reader is doing"
	case "terminal_reader_present_payment_method":
		return "Presents a payment method to a terminal reader"
	case "terminal_reader_process_payment_intent":
		return "Has a terminal reader collect a payment"
	case "terminal_reader_process_setup_intent":
		return "Has a terminal reader save a payment method"
	case "terminal_reader_refund_payment":
		return "Has a terminal reader refund a payment"
	case "terminal_reader_set_reader_display":
		return "Shows a cart on a terminal reader"
	}
	return ""
}

// thirdPerson returns what a verb is where somebody does it: captures, attaches, verifies.
func thirdPerson(verb string) string {
	switch {
	case strings.HasSuffix(verb, "y") && !strings.HasSuffix(verb, "ay"):
		return verb[:len(verb)-1] + "ies"
	case strings.HasSuffix(verb, "ch"), strings.HasSuffix(verb, "sh"), strings.HasSuffix(verb, "ss"):
		return verb + "es"
	}
	return verb + "s"
}

func orNull(op operation) string {
	if op.mayFindNothing() {
		return "; the answer is null where there is none"
	}
	return ""
}

// operationWords takes a name apart: the resource, and what is done to it.
func operationWords(name string) (subject, verb string) {
	for _, v := range []string{"retrieve_current", "create_from_calculation", "create_reversal", "create_force_capture", "create_unlinked_refund",
		"create_funding_instructions", "delete_discount", "delete_where", "list_payment_methods", "retrieve_payment_method", "list_line_items",
		"list_computed_upfront_line_items", "list_owners", "preview_lines", "upcoming_lines", "mark_uncollectible", "apply_customer_balance",
		"increment_authorization", "verify_microdeposits", "cancel_action", "process_payment_intent", "process_setup_intent", "refund_payment",
		"set_reader_display", "present_payment_method", "fund_cash_balance", "retrieve_features", "update_features", "source_transactions"} {
		if s, ok := strings.CutSuffix(name, "_"+v); ok {
			return s, v
		}
	}
	i := strings.LastIndexByte(name, '_')
	return name[:i], name[i+1:]
}

func withArticle(s string) string {
	if strings.HasSuffix(s, "settings") || strings.HasSuffix(s, "details") {
		return s
	}
	if strings.ContainsRune("aeio", rune(s[0])) {
		return "an " + s
	}
	return "a " + s
}

func plural(s string) string {
	switch {
	case strings.HasSuffix(s, "y") && !strings.HasSuffix(s, "ey"):
		return s[:len(s)-1] + "ies"
	case strings.HasSuffix(s, "s"):
		return s
	}
	return s + "s"
}

// inputDoc returns one line on an argument, in our words. Most of Stripe's names say what they are.
func inputDoc(shape string, f *schema.Field) string {
	if doc := handmadeInput(shape, f.Name); doc != "" {
		return doc
	}
	switch f.Name {
	case "expand":
		return "What of the answer comes as an object rather than as its id, such as \"customer\" or \"data.customer\"; it must be written out"
	case "metadata":
		return "Your own keys and values: at most 50, keys of 40 characters, values of 500; an empty value removes its key"
	case "limit":
		return "How many a page holds, from 1 to 100; 10 where left out"
	case "starting_after":
		return "The id of the last one of the page before"
	case "ending_before":
		return "The id of the first one of the page after"
	case "page":
		return "The next_page of the page before"
	case "query":
		return "What is searched for, in Stripe's query language, such as \"email:'jo@example.com'\""
	case "created":
		return "Only those created at that moment, or between moments: { gte = …, lt = … }"
	case "currency":
		return "Three-letter code, in lower case"
	case "amount", "unit_amount", "amount_off", "application_fee_amount", "amount_to_capture", "unit_amount_off":
		return "In the smallest unit of the currency: cents for usd, whole yen for jpy"
	case "unit_amount_decimal":
		return "As unit_amount, with up to 12 decimal places, as a string"
	case "customer":
		return "The customer's id"
	case "description":
		return "A text for yourself; customers may see it on receipts"
	case "statement_descriptor":
		return "What stands on the bank statement, 22 characters at most"
	case "idempotency_key":
		return "A key"
	case "gt", "gte", "lt", "lte":
		return map[string]string{"gt": "Later than", "gte": "At or later than", "lt": "Earlier than", "lte": "At or earlier than"}[f.Name]
	case "email":
		return "An e-mail address"
	case "return_url":
		return "Where the customer is sent afterwards"
	case "proration_behavior":
		return "What happens to the part of a period that was paid already"
	}
	switch {
	case f.Type.Format == schema.ID && f.Type.Refers != "":
		member, _, _ := strings.Cut(f.Type.Refers, "|")
		return "The id of " + withArticle(spaced(member))
	case f.Type.Format == schema.UnixTime:
		return sentence(spaced(f.Name)) + ", in seconds since 1970"
	case f.Type.Format == schema.MinorUnit:
		return sentence(spaced(f.Name)) + ", in the smallest unit of the currency"
	}
	return sentence(spaced(f.Name))
}

// inputExample returns an example of an argument, as JSON; "" where its type says enough.
func (c *catalog) inputExample(op string, f *schema.Field) string {
	switch {
	case op == "customer_retrieve" && f.Name == "customer":
		return `"cus_NffrFeUfNV2Hib"`
	case f.Name == "query" && f.Type.Kind == schema.KindString:
		return `"metadata['order']:'6735'"`
	case f.Type.Format == schema.ID && f.Type.Or == nil:
		if prefix := c.usualPrefix(f.Type.Refers); prefix != "" {
			return `"` + prefix + `example"`
		}
	}
	return ""
}

// example returns an input that is valid, and what Stripe then answers.
func (c *catalog) example(op operation, in, out *schema.Object) (input, answer string) {
	if h, ok := handmade(op.name); ok && h.example != "" {
		input = h.example
	} else {
		input = "{}"
		if slices.ContainsFunc(in.Fields(), func(f schema.Field) bool { return f.Required }) {
			input = string(required(in).Sample(op.name))
		}
	}
	if op.answer == "pdf" {
		return input, `{"content": "JVBERi0xLjQK"}`
	}
	object, err := c.answerSample(op, out, op.name, time.Unix(exampleUnix, 0))
	if err != nil {
		return input, "{}"
	}
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return input, "{}"
	}
	return input, string(text)
}

// exampleUnix is when the examples were answered.
const exampleUnix = 1700049600

// answerSample makes what an operation answers: one object, or a list with one element.
func (c *catalog) answerSample(op operation, out *schema.Object, seed string, at time.Time) (map[string]any, error) {
	name := strings.TrimPrefix(op.answer[strings.IndexByte(op.answer, ' ')+1:], "@")
	if !op.lists() {
		return c.sampleOf(out, "", name, seed, at)
	}
	object, err := c.sampleOf(c.object(name), "", name, seed, at)
	if err != nil {
		return nil, err
	}
	page := map[string]any{"object": "list", "url": op.path, "has_more": false, "data": []any{object}}
	if strings.HasPrefix(op.answer, "search ") {
		page["object"], page["next_page"] = "search_result", nil
	}
	return page, nil
}

// required returns the shape of the fields that must be given. An object that must be given has something in it, since a
// form can't say that it is there and empty.
func required(o *schema.Object) *schema.Object {
	fields := slices.DeleteFunc(slices.Clone(o.Fields()), func(f schema.Field) bool { return !f.Required })
	if len(fields) == 0 && len(o.Fields()) > 0 {
		fields = slices.Clone(o.Fields()[:1])
		fields[0].Required = true
	}
	for i := range fields {
		if inner := fields[i].Type.Object; fields[i].Type.Kind == schema.KindObject && inner != nil {
			fields[i].Type = schema.ObjectType(required(inner))
		}
	}
	return schema.NewObject(o.Name, fields...)
}

// emits returns the events that a call makes Stripe send, where the names tell.
func (c *catalog) emits(op operation) []string {
	switch op.name {
	case "charge_create":
		return []string{"charge.failed", "charge.succeeded"}
	case "charge_refund", "charge_refund_create", "refund_create":
		return []string{"charge.refunded", "refund.created"}
	case "invoice_pay":
		return []string{"invoice.paid", "invoice.payment_failed", "invoice.payment_succeeded"}
	case "payment_intent_capture":
		return []string{"charge.captured", "payment_intent.succeeded"}
	case "payment_intent_confirm":
		return []string{"charge.failed", "charge.succeeded", "payment_intent.payment_failed", "payment_intent.succeeded"}
	case "payment_intent_create": // which may confirm at once
		return []string{"charge.failed", "charge.succeeded", "payment_intent.created", "payment_intent.payment_failed", "payment_intent.succeeded"}
	case "subscription_cancel", "customer_subscription_delete":
		return []string{"customer.subscription.deleted"}
	case "dispute_close", "charge_dispute_close":
		return []string{"charge.dispute.closed"}
	}
	subject, verb := operationWords(op.name)
	past := pastOf(verb)
	object := strings.TrimPrefix(strings.TrimPrefix(op.answer, "@"), "deleted_")
	for _, name := range []string{object + past, "customer." + object + past, "charge." + object + past, strings.ReplaceAll(subject, "_", ".") + past} {
		if _, ok := c.eventObject(name); ok && past != "" {
			return []string{name}
		}
	}
	return nil
}

// pastOf returns how event types say that a verb has been done, "" where none does.
func pastOf(verb string) string {
	switch verb {
	case "create", "update", "delete", "finalize", "capture", "expire", "resume", "release", "close", "approve":
		return "." + verb + "d"
	case "void", "attach", "detach", "accept", "refund", "submit":
		return "." + verb + "ed"
	case "cancel":
		return ".canceled"
	case "send":
		return ".sent"
	case "mark_uncollectible":
		return ".marked_uncollectible"
	}
	return ""
}

// actionNames lists the actions, sorted.
func (c *catalog) actionNames() []string {
	names := make([]string, 0, len(c.operations)+8)
	for _, op := range c.operations {
		names = append(names, "stripe_"+op.name)
	}
	for _, name := range helperNames() {
		names = append(names, "stripe_"+name)
	}
	slices.Sort(names)
	return names
}
