package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/langtest"
)

// TestOneMistakeOneMessage compiles recipes that hold one mistake each against the real services: each gets one message,
// at the place and in the words of the golden file, which is there to be read. UPDATE=1 writes it.
func TestOneMistakeOneMessage(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	registry := all.Registry()
	var got bytes.Buffer
	for _, f := range archive.Files {
		p, diags := lang.CompileFiles(map[string][]byte{f.Name: f.Data}, registry)
		if len(diags) != 1 {
			t.Errorf("%s: %d messages", f.Name, len(diags))
		}
		for _, d := range diags {
			if err := langtest.InFile(p.Files(), d); err != nil {
				t.Error(err)
			}
			if err := langtest.Sentence(p.Files(), d); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
		fmt.Fprintf(&got, "=== %s\n\n", strings.TrimSuffix(f.Name, ".hcl"))
		if err := diag.WriteText(&got, diags, p.Files(), diag.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
	}
	const golden = "testdata/mistakes.golden"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s is stale (UPDATE=1 writes it):\n%s", golden, d)
	}
}

var meant = regexp.MustCompile(`Did you mean "([^"]+)"`)

// TestNamesThatPeopleUse looks up triggers and actions by what people call them, among all that there are.
func TestNamesThatPeopleUse(t *testing.T) {
	registry := all.Registry()
	for name, want := range map[string]string{
		"canceled subscription":         "stripe_customer_subscription_deleted",
		"stripe_subscription_canceled":  "stripe_customer_subscription_deleted",
		"stripe_subscription_cancelled": "stripe_customer_subscription_deleted",
		"StripeSubscriptionDeleted":     "stripe_customer_subscription_deleted",
		"customer.subscription.deleted": "stripe_customer_subscription_deleted",
		"stripe_new_subscription":       "stripe_customer_subscription_created",
		"stripe_new_customer":           "stripe_customer_created",
		"stripe_payment_failed":         "stripe_charge_failed",
		"stripe_charge_declined":        "stripe_charge_failed",
		"stripe_chargeback":             "stripe_charge_dispute_created",
		"stripe_dispute_opened":         "stripe_charge_dispute_created",
		"stripe_trial_ending":           "stripe_customer_subscription_trial_will_end",
		"stripe_checkout_completed":     "stripe_checkout_session_completed",
		"stripe_payment_method_added":   "stripe_payment_method_attached",
		"stripe_invoice_payed":          "stripe_invoice_paid",
		"stripe-charge-failed":          "stripe_charge_failed",
		"stripe_charge_faild":           "stripe_charge_failed",
	} {
		text := fmt.Sprintf("trigger %q \"t\" {}\n\naction \"customerio_track\" {\n  id   = \"x\"\n  name = \"x\"\n}\n", name)
		suggested(t, text, diag.UnknownTrigger, want)
	}
	for name, want := range map[string]string{
		"customerio_upsert":      "customerio_identify",
		"customerio_create_user": "customerio_identify",
		"customerio_event":       "customerio_track",
		"customerio_send_mail":   "customerio_send_email",
		"customerio_remove":      "customerio_delete",
		"stripe_get_customer":    "stripe_customer_retrieve",
		"stripe_find_customer":   "stripe_customer_find",
		"stripe_refund_payment":  "stripe_charge_refund",
		"stripe_create_refund":   "stripe_refund_create",
		"CustomerioTrack":        "customerio_track",
	} {
		if registry.Action(name) != nil {
			t.Fatalf("%s is there", name)
		}
		text := fmt.Sprintf("trigger \"stripe_charge_failed\" {}\n\naction %q \"a\" {}\n", name)
		suggested(t, text, diag.UnknownAction, want)
	}
}

func suggested(t *testing.T, text string, code diag.Code, want string) {
	t.Helper()
	_, diags := lang.CompileFiles(map[string][]byte{"a.hcl": []byte(text)}, all.Registry())
	if len(diags) != 1 {
		t.Errorf("%s: %d messages: %v", want, len(diags), diags)
		return
	}
	m, _ := diag.MetaOf(diags[0])
	found := meant.FindStringSubmatch(diags[0].Detail)
	if m.Code != code || found == nil || found[1] != want {
		t.Errorf("want %s, got %s: %s", want, m.Code, diags[0].Detail)
	}
}
