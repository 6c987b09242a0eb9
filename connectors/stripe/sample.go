package stripe

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/flowrun/flowrun/lang/schema"
)

// sample makes an event of the type, as the raw body of a webhook: the shape's own sample, with ids that look like
// Stripe's and, for the events that recipes are mostly written for, values that go together. The same arguments give
// the same bytes.
func (c *catalog) sample(eventType, id string, at time.Time) ([]byte, error) {
	name, ok := c.eventObject(eventType)
	if !ok {
		return nil, fmt.Errorf("stripe has no event type %q", eventType)
	}
	object, err := c.sampleOf(c.object(name), eventType, name, id, at)
	if err != nil {
		return nil, fmt.Errorf("making a sample of %s: %w", eventType, err)
	}
	data := map[string]any{"object": object}
	if hasPrevious(eventType) {
		data["previous_attributes"] = previousOf(eventType, object)
	}
	return json.MarshalIndent(struct {
		ID              string         `json:"id"`
		Object          string         `json:"object"`
		APIVersion      string         `json:"api_version"`
		Created         int64          `json:"created"`
		Data            map[string]any `json:"data"`
		Livemode        bool           `json:"livemode"`
		PendingWebhooks int            `json:"pending_webhooks"`
		Request         map[string]any `json:"request"`
		Type            string         `json:"type"`
	}{id, "event", APIVersion, at.Unix(), data, false, 1, map[string]any{"id": "req_" + token(id, "request", 14), "idempotency_key": nil}, eventType}, "", "  ")
}

// sampleOf makes an object of the shape, which is that of the object called name, as an event of the type would carry
// it; eventType is empty where there is no event.
func (c *catalog) sampleOf(shape *schema.Object, eventType, name, id string, at time.Time) (map[string]any, error) {
	object, err := c.plainSample(shape, id)
	if err != nil {
		return nil, err
	}
	if err := c.fillLists(shape, object, id, at); err != nil {
		return nil, err
	}
	values := map[string]any{"livemode": false, "created": at.Unix(), "currency": "usd", "customer": sampleID("cus_", "customer", id), "metadata": map[string]any{}}
	member, _, _ := strings.Cut(name, "|")
	values["object"] = member
	if prefix := c.usualPrefix(name); prefix != "" {
		values["id"] = sampleID(prefix, member, id)
	}
	maps.Copy(values, sampleValues(eventType, member, id, at))
	return object, c.overlay(shape, object, values, id)
}

// plainSample returns the shape's own sample, with ids that look like Stripe's. Ids that need not be there are left out:
// a failed charge has no transfer.
func (c *catalog) plainSample(shape *schema.Object, id string) (map[string]any, error) {
	object := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(shape.Sample(id)))
	decoder.UseNumber() // so that amounts keep their digits
	if err := decoder.Decode(&object); err != nil {
		return nil, err
	}
	c.nameIDs(shape, object, id)
	return object, nil
}

func (c *catalog) nameIDs(shape *schema.Object, object map[string]any, id string) {
	for name, v := range object {
		f := shape.Field(name)
		switch inner, nested := v.(map[string]any); {
		case nested && f.Type.Kind == schema.KindObject:
			c.nameIDs(f.Type.Object, inner, id)
		case v == nil || f.Type.Format != schema.ID:
		case !f.Required:
			delete(object, name)
		default:
			if prefix := c.usualPrefix(f.Type.Refers); prefix != "" {
				object[name] = sampleID(prefix, name, id)
			}
		}
	}
}

// fillLists gives the lists that Stripe always sends along, such as a subscription's items, their first element.
func (c *catalog) fillLists(shape *schema.Object, object map[string]any, id string, at time.Time) error {
	for name, v := range object {
		page, ok := v.(map[string]any)
		if f := shape.Field(name); !ok || f.Type.Kind != schema.KindObject || page["has_more"] == nil {
			continue
		} else if data := f.Type.Object.Field("data"); data != nil && data.Type.Elem.Kind == schema.KindObject {
			elem := data.Type.Elem.Object
			item, err := c.plainSample(elem, id)
			if err != nil {
				return err
			}
			err = c.overlay(elem, item, map[string]any{"amount": 12000, "currency": "usd", "quantity": 1, "livemode": false, "created": at.Unix(),
				"subscription": "sub_" + token(id, "subscription", 24), "period": map[string]any{"start": at.Unix(), "end": at.AddDate(0, 1, 0).Unix()},
				"price": map[string]any{"active": true, "created": at.Unix(), "currency": "usd", "livemode": false, "type": "recurring", "unit_amount": 12000}}, id)
			if err != nil {
				return err
			}
			page["data"], page["has_more"] = []any{item}, false
		}
	}
	return nil
}

// overlay puts the values into object, nested ones too, where the shape has a place for them.
func (c *catalog) overlay(shape *schema.Object, object, values map[string]any, id string) error {
	for name, v := range values {
		f := shape.Field(name)
		if f == nil {
			continue
		}
		if inner, ok := v.(map[string]any); ok && f.Type.Kind == schema.KindObject {
			into, _ := object[name].(map[string]any)
			if into == nil {
				var err error
				if into, err = c.plainSample(f.Type.Object, id); err != nil {
					return err
				}
			}
			if err := c.overlay(f.Type.Object, into, inner, id); err != nil {
				return err
			}
			object[name] = into
			continue
		}
		switch _, text := v.(string); {
		case v == nil && !f.Nullable:
			delete(object, name)
		case text && f.Type.Kind != schema.KindString:
			// A field of the same name that is something else here, such as a customer that is expanded.
		default:
			object[name] = v
		}
	}
	return nil
}

// sampleValues returns what makes a sample of a well-known event read like a real one.
func sampleValues(eventType, object, id string, at time.Time) map[string]any {
	const email, person = "jenny.rosen@example.com", "Jenny Rosen"
	payment := "pi_" + token(id, "payment_intent", 24)
	month := at.AddDate(0, 1, 0).Unix()
	switch object {
	case "customer":
		return map[string]any{"email": email, "name": person, "currency": nil, "description": nil, "balance": 0, "delinquent": false,
			"tax_exempt": "none", "address": nil, "shipping": nil, "phone": nil, "discount": nil, "test_clock": nil}
	case "charge":
		v := map[string]any{"amount": 12000, "amount_captured": 12000, "amount_refunded": 0, "captured": true, "paid": true, "refunded": false,
			"disputed": false, "status": "succeeded", "failure_code": nil, "failure_message": nil, "payment_intent": payment, "receipt_email": email,
			"billing_details": map[string]any{"email": email, "name": person}}
		switch eventType {
		case "charge.failed":
			maps.Copy(v, map[string]any{"amount_captured": 0, "captured": false, "paid": false, "status": "failed", "failure_code": "card_declined",
				"failure_message": "Your card has insufficient funds."})
		case "charge.refunded":
			maps.Copy(v, map[string]any{"amount_refunded": 12000, "refunded": true})
		case "charge.pending":
			maps.Copy(v, map[string]any{"paid": false, "status": "pending"})
		}
		return v
	case "checkout.session":
		v := map[string]any{"amount_total": 12000, "amount_subtotal": 12000, "mode": "payment", "payment_status": "paid", "status": "complete",
			"payment_intent": payment, "subscription": nil, "setup_intent": nil, "customer_email": email, "payment_method_types": []string{"card"},
			"customer_details": map[string]any{"email": email, "name": person}, "expires_at": at.Add(24 * time.Hour).Unix()}
		switch eventType {
		case "checkout.session.expired":
			maps.Copy(v, map[string]any{"payment_status": "unpaid", "status": "expired", "payment_intent": nil})
		case "checkout.session.async_payment_failed":
			v["payment_status"] = "unpaid"
		}
		return v
	case "subscription":
		v := map[string]any{"status": "active", "cancel_at": nil, "canceled_at": nil, "ended_at": nil, "cancel_at_period_end": false,
			"start_date": at.Unix(), "billing_cycle_anchor": at.Unix(), "current_period_start": at.Unix(), "current_period_end": month}
		switch eventType {
		case "customer.subscription.deleted":
			maps.Copy(v, map[string]any{"status": "canceled", "canceled_at": at.Unix(), "ended_at": at.Unix()})
		case "customer.subscription.paused":
			v["status"] = "paused"
		case "customer.subscription.trial_will_end":
			maps.Copy(v, map[string]any{"status": "trialing", "trial_start": at.Unix(), "trial_end": at.AddDate(0, 0, 3).Unix()})
		case "customer.subscription.updated":
			maps.Copy(v, map[string]any{"cancel_at_period_end": true, "cancel_at": month, "canceled_at": at.Unix()})
		}
		return v
	case "invoice":
		return sampleInvoice(eventType, id, email, person, at)
	case "payment_intent":
		v := map[string]any{"amount": 12000, "amount_capturable": 0, "amount_received": 12000, "status": "succeeded", "receipt_email": email}
		if eventType == "payment_intent.payment_failed" {
			maps.Copy(v, map[string]any{"amount_received": 0, "status": "requires_payment_method"})
		}
		return v
	case "dispute":
		return map[string]any{"amount": 12000, "charge": "ch_" + token(id, "charge", 24), "payment_intent": payment, "reason": "fraudulent",
			"status": "needs_response"}
	case "refund":
		return map[string]any{"amount": 12000, "charge": "ch_" + token(id, "charge", 24), "payment_intent": payment, "status": "succeeded"}
	case "payment_link":
		return map[string]any{"active": true, "url": "https://buy.stripe.com/test_" + token(id, "url", 12)}
	}
	return nil
}

func sampleInvoice(eventType, id, email, person string, at time.Time) map[string]any {
	v := map[string]any{"customer_email": email, "customer_name": person, "amount_due": 12000, "amount_paid": 0, "amount_remaining": 12000,
		"total": 12000, "subtotal": 12000, "status": "open", "amount_shipping": 0, "starting_balance": 0,
		"pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0, "period_start": at.AddDate(0, -1, 0).Unix(), "period_end": at.Unix(), "paid": false, "attempted": false, "attempt_count": 0,
		"billing_reason": "subscription_cycle", "subscription": "sub_" + token(id, "subscription", 24), "next_payment_attempt": nil}
	switch eventType {
	case "invoice.created":
		maps.Copy(v, map[string]any{"status": "draft", "next_payment_attempt": at.Add(time.Hour).Unix()})
	case "invoice.upcoming":
		maps.Copy(v, map[string]any{"status": "draft", "id": nil, "next_payment_attempt": at.AddDate(0, 0, 7).Unix()})
	case "invoice.payment_failed":
		maps.Copy(v, map[string]any{"attempted": true, "attempt_count": 1, "next_payment_attempt": at.AddDate(0, 0, 3).Unix()})
	case "invoice.paid", "invoice.payment_succeeded":
		maps.Copy(v, map[string]any{"status": "paid", "paid": true, "attempted": true, "attempt_count": 1, "amount_paid": 12000, "amount_remaining": 0})
	case "invoice.voided":
		v["status"] = "void"
	case "invoice.marked_uncollectible":
		v["status"] = "uncollectible"
	}
	return v
}

// previousOf returns the old values of what an update changed.
func previousOf(eventType string, object map[string]any) map[string]any {
	switch eventType {
	case "customer.updated":
		return map[string]any{"email": "jenny@example.com"}
	case "customer.subscription.updated":
		return map[string]any{"cancel_at": nil, "cancel_at_period_end": false, "canceled_at": nil}
	}
	if _, ok := object["metadata"]; ok {
		return map[string]any{"metadata": map[string]any{}}
	}
	return map[string]any{}
}

// sampleID returns an id as long as Stripe's. What is called the same in one event is the same: a subscription's items
// name the subscription.
func sampleID(prefix, word, id string) string {
	if prefix == "cus_" {
		return prefix + token(id, word, 14)
	}
	return prefix + token(id, word, 24)
}

// token returns n letters and digits that belong to an event's id and a word.
func token(id, word string, n int) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(word + "\x00" + id))
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[int(binary.BigEndian.Uint16(sum[(2*i)%len(sum):])+uint16(i))%len(alphabet)]
	}
	return string(out)
}
