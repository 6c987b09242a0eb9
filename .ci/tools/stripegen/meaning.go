package main

import (
	"fmt"
	"slices"
	"strings"
)

// scalar returns the type of a plain value. The description says little of what a string or an integer means; Stripe's
// own names say more, and they are uniform, so that a few rules cover them.
func scalar(object, name string, n *schemaNode) (typ, error) {
	switch n.Type {
	case "boolean":
		return typ{base: "bool"}, nil
	case "number":
		return typ{base: "number"}, nil
	case "integer":
		switch {
		case n.Format == "unix-time":
			return typ{base: "time"}, nil
		case minor(name):
			return typ{base: "minor"}, nil
		}
		return typ{base: "int"}, nil
	case "string":
		if len(n.Enum) > 0 {
			values := make([]string, len(n.Enum))
			for i, v := range n.Enum {
				text, ok := v.(string)
				if !ok || text == "" || strings.ContainsAny(text, "(), \n") {
					return typ{}, fmt.Errorf("enum value %v can't be written", v)
				}
				values[i] = text
			}
			return typ{base: "enum", names: values}, nil
		}
		t := typ{base: "string", max: n.MaxLength}
		switch {
		case name == "id":
			t = typ{base: "id", names: []string{object}}
		case name == "email" || strings.HasSuffix(name, "_email"):
			t.base = "email"
		case name == "url" || strings.HasSuffix(name, "_url"):
			t.base = "url"
		case name == "currency" || strings.HasSuffix(name, "_currency"):
			t = typ{base: "currency"}
		case name == "country":
			t = typ{base: "country"}
		}
		return t, nil
	}
	return typ{}, fmt.Errorf("type %q is not known", n.Type)
}

// minor reports whether an integer of that name is an amount in the smallest unit of a currency.
func minor(name string) bool {
	return name == "amount" || strings.HasPrefix(name, "amount_") || strings.HasSuffix(name, "_amount") ||
		slices.Contains([]string{"total", "subtotal", "total_excluding_tax", "subtotal_excluding_tax", "starting_balance",
			"ending_balance", "balance", "fee", "net"}, name)
}

// named are the objects whose `name` is a person's or a customer's, as against a product's or a bank's.
var named = []string{"customer", "billing_details", "shipping", "card", "person", "source_owner",
	"payment_pages_checkout_session_customer_details", "issuing.cardholder", "treasury_shared_resource_billing_details",
	"payment_method_details_card_wallet", "issuing_card_shipping"}

// roleOf returns what a field means to other services, where that is certain.
func roleOf(object string, f *field) string {
	switch text := f.typ.base == "string"; {
	case f.typ.base == "email":
		return "email"
	case text && (f.name == "customer_name" || f.name == "name" && slices.Contains(named, object)):
		return "name"
	case text && (f.name == "first_name" || f.name == "last_name"):
		return f.name
	case text && (f.name == "phone" || f.name == "customer_phone" || f.name == "phone_number"):
		return "phone"
	case f.typ.String() == "@address":
		return "address"
	case text && strings.HasPrefix(f.name, "address_") && !strings.HasSuffix(f.name, "_check"):
		return "address"
	case f.typ.base == "minor" && (f.name == "amount" || strings.HasPrefix(f.name, "amount_") || f.name == "total"):
		return "amount"
	case f.typ.base == "currency" && f.name == "currency":
		return "currency"
	case f.typ.base == "id" && slices.Contains(f.typ.names, "customer") && (f.name == "customer" || object == "customer"):
		return "customer_id"
	case f.typ.base == "time" && f.name == "created":
		return "created_at"
	}
	return ""
}

// unpromised reports whether Stripe's own example of an object lacks a field that its description says is always there.
// A recipe must not be told that it is.
func unpromised(object, name string) bool {
	return object == "outbound_payments_payment_method_details" && name == "billing_details"
}
