package stripe

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/lang/schema"
)

const lastingFile = "testdata/lasting.txt"

// TestLasting holds what can't be undone against the list that was gone through by hand. A line is the kind, the
// operation, and where there are such the inputs that say how much and when.
func TestLasting(t *testing.T) {
	spec := Spec()
	var got bytes.Buffer
	for _, name := range spec.AllActions() {
		a := spec.Action(name)
		l := a.Lasting
		if l.Kind == 0 {
			if l != (schema.Lasting{}) {
				t.Errorf("%s: %+v", name, l)
			}
			continue
		}
		if a.Effect == schema.Read {
			t.Errorf("%s reads, and is said to be a %s", name, l.Kind)
		}
		for _, in := range []string{l.Amount, l.Currency, l.Only} {
			if in != "" && a.In.Field(in) == nil {
				t.Errorf("%s has no input %q", name, in)
			}
		}
		if l.Amount != "" && a.In.Field(l.Amount).Type.Format != schema.MinorUnit {
			t.Errorf("%s.%s is not in the smallest unit", name, l.Amount)
		}
		if l.Kind != schema.MovesMoney && (l.Amount != "" || l.Currency != "") {
			t.Errorf("%s moves no money, and has an amount: %+v", name, l)
		}
		fmt.Fprintln(&got, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", l.Kind, strings.TrimPrefix(name, "stripe_"), l.Amount, l.Currency, l.Only)))
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(lastingFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(lastingFile)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("what can't be undone has changed; look at each, and update %s:\n%s", lastingFile, got.String())
	}
}

// TestLastingOfTheBestKnown names those of which a mistake would be dear.
func TestLastingOfTheBestKnown(t *testing.T) {
	spec := Spec()
	for name, want := range map[string]schema.Lasting{
		"stripe_refund_create":                     {Kind: schema.MovesMoney, Amount: "amount", Currency: "currency"},
		"stripe_payout_create":                     {Kind: schema.MovesMoney, Amount: "amount", Currency: "currency"},
		"stripe_transfer_create":                   {Kind: schema.MovesMoney, Amount: "amount", Currency: "currency"},
		"stripe_payment_intent_create":             {Kind: schema.MovesMoney, Amount: "amount", Currency: "currency", Only: "confirm"},
		"stripe_payment_intent_capture":            {Kind: schema.MovesMoney, Amount: "amount_to_capture"},
		"stripe_invoice_pay":                       {Kind: schema.MovesMoney},
		"stripe_customer_delete":                   {Kind: schema.Deletes},
		"stripe_subscription_cancel":               {Kind: schema.Cancels},
		"stripe_invoice_void":                      {Kind: schema.Cancels},
		"stripe_invoice_send":                      {Kind: schema.SendsMessage},
		"stripe_subscription_cancel_at_period_end": {},
		"stripe_customer_delete_discount":          {},
		"stripe_customer_update":                   {},
		"stripe_customer_retrieve":                 {},
	} {
		if got := spec.Action(name).Lasting; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

func TestEndpointsOfActions(t *testing.T) {
	spec := Spec()
	for name, want := range map[string]string{
		"stripe_refund_create":                     "POST /v1/refunds",
		"stripe_subscription_cancel_at_period_end": "POST /v1/subscriptions/{subscription}",
		"stripe_customer_find":                     "GET /v1/customers",
		"stripe_customer_list":                     "GET /v1/customers",
		"stripe_customer_search":                   "", // apart, with a limit of its own
		"stripe_file_create":                       "",
	} {
		if got := spec.Action(name).Endpoint; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
