package all_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang/schema"
)

// harmless are actions that are named like what can't be undone, and can be: what they end can be begun again.
func harmless() []string {
	return []string{
		"customerio_delete_device", "customerio_delete_relationships", "customerio_unsuppress",
		"stripe_customer_delete_discount", "stripe_customer_subscription_discount_delete", "stripe_subscription_delete_discount",
		"stripe_ephemeral_key_delete", "stripe_refund_update", "stripe_charge_refund_update", "stripe_fee_refund_update",
		"stripe_payout_update", "stripe_subscription_cancel_at_period_end", "stripe_terminal_reader_cancel_action",
	}
}

// TestWhatCantBeUndoneSaysSo holds the names of all actions against what they say of themselves, so that a new one that
// deletes is counted by limits.
func TestWhatCantBeUndoneSaysSo(t *testing.T) {
	registry := all.Registry()
	words := []string{"delete", "suppress", "unsuppress", "merge", "refund", "payout", "void", "cancel", "redact"}
	for _, name := range registry.ActionNames() {
		a := registry.Action(name)
		if a.Lasting.Kind != 0 && a.Effect == schema.Read {
			t.Errorf("%s reads, and is said to be a %s", name, a.Lasting.Kind)
		}
		told := slices.ContainsFunc(strings.Split(name, "_"), func(w string) bool { return slices.Contains(words, w) })
		if !told || a.Effect == schema.Read || strings.Contains(name, "_test_helpers_") {
			continue
		}
		if known := slices.Contains(harmless(), name); (a.Lasting.Kind == 0) != known {
			t.Errorf("%s says %q of what can't be undone; among the harmless: %v", name, a.Lasting.Kind, known)
		}
	}
}
