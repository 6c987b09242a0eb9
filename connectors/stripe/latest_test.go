package stripe

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/lang/schema"
)

// notFetched are the types whose object has no look-up; those that end in ".deleted" are not among them.
func notFetched() map[string]string {
	const none, bySaying = "there is no look-up of ", " by what the event says of it"
	return map[string]string{
		"account.application.authorized":   none + "an application" + bySaying,
		"account.application.deauthorized": none + "an application" + bySaying,
		"account.external_account.created": none + "a bank account, card, source" + bySaying,
		"account.external_account.updated": none + "a bank account, card, source" + bySaying,
		"billing_portal.session.created":   none + "a billing portal session" + bySaying,
		"customer.discount.created":        none + "a discount" + bySaying,
		"customer.discount.updated":        none + "a discount" + bySaying,
		"customer.source.created":          none + "a bank account, card, source" + bySaying,
		"customer.source.expiring":         none + "a card, source" + bySaying,
		"customer.source.updated":          none + "a bank account, card, source" + bySaying,
		"invoice.upcoming":                 "an upcoming invoice has no id until it is made",
		"source.mandate_notification":      none + "a source mandate notification" + bySaying,
	}
}

// deleted are the types that tell of the end of an object; that of a subscription is not among them, since one that ended
// is still there.
func deleted() []string {
	return []string{"account.external_account.deleted", "coupon.deleted", "customer.deleted", "customer.discount.deleted", "customer.source.deleted",
		"customer.tax_id.deleted", "invoice.deleted", "invoiceitem.deleted", "person.deleted", "plan.deleted", "price.deleted", "product.deleted",
		"test_helpers.test_clock.deleted"}
}

// TestLatest holds each type to one answer: a look-up gives what the event carries, by what the event carries, or a
// sentence says why none does.
func TestLatest(t *testing.T) {
	r, err := connectors.NewRegistry(Spec())
	if err != nil {
		t.Fatal(err)
	}
	want := notFetched()
	for _, event := range deleted() {
		want[event] = event + " tells that the object is no more"
	}
	refused, fetched := map[string]string{}, 0
	for _, tr := range Spec().Triggers {
		for _, event := range tr.Events {
			f, err := tr.Latest([]string{event})
			if err != nil {
				refused[event] = err.Error()
				continue
			}
			fetched++
			a := r.Action(f.Action)
			if a == nil || a.Effect != schema.Read || a.Out == nil || a.Out.Name != tr.Payload.Name {
				t.Errorf("%s is fetched by %s, which is no look-up of it", event, f.Action)
				continue
			}
			for _, in := range a.In.Fields() {
				if in.Required && f.Inputs[in.Name] == nil {
					t.Errorf("%s is fetched by %s without its %s", event, f.Action, in.Name)
				}
			}
			for name, from := range f.Inputs {
				if a.In.Field(name) == nil || len(from) != 1 || tr.Payload.Field(from[0]) == nil {
					t.Errorf("%s is fetched by %s with %s = trigger.%v", event, f.Action, name, from)
				}
			}
		}
	}
	if d := cmp.Diff(want, refused); d != "" {
		t.Errorf("what can't be fetched (-want +got):\n%s", d)
	}
	if fetched < 200 {
		t.Errorf("only %d types can be fetched", fetched)
	}
}

func TestLatestOf(t *testing.T) {
	for _, c := range []struct {
		events []string
		action string
		inputs []string
		err    string
	}{
		{events: []string{"customer.updated"}, action: "stripe_customer_retrieve", inputs: []string{"customer"}},
		{events: []string{"customer.subscription.deleted", "customer.subscription.updated"}, action: "stripe_subscription_retrieve", inputs: []string{"subscription"}},
		{events: []string{"capability.updated"}, action: "stripe_capability_retrieve", inputs: []string{"account", "capability"}},
		{events: []string{"balance.available"}, action: "stripe_balance_retrieve"},
		{events: []string{"cash_balance.funds_available"}, action: "stripe_cash_balance_retrieve", inputs: []string{"customer"}},
		{events: []string{"charge.failed", "customer.updated"}, err: "its events carry objects of several kinds"},
		{events: []string{"charge.failed", "no.such"}, err: "its events carry objects of several kinds"},
	} {
		f, err := trigger(t, "stripe_event").Latest(c.events)
		switch {
		case c.err != "":
			if err == nil || err.Error() != c.err {
				t.Errorf("%v: %v, want %q", c.events, err, c.err)
			}
		case err != nil:
			t.Errorf("%v: %v", c.events, err)
		case f.Action != c.action || !slices.Equal(slices.Sorted(maps.Keys(f.Inputs)), c.inputs):
			t.Errorf("%v: %s by %v, want %s by %v", c.events, f.Action, f.Inputs, c.action, c.inputs)
		}
	}
}

// TestAccountOfAnEvent: what belongs to a connected account is asked for in its name, all else in that of the key.
func TestAccountOfAnEvent(t *testing.T) {
	s := newStandIn(t, stripefake.Options{AutoCreate: true})
	a := s.registry.Caller("stripe_customer_retrieve")
	input, err := a.In.DecodeJSON([]byte(`{"customer": "cus_1"}`))
	if err != nil {
		t.Fatal(err)
	}
	conn := &connectors.Conn{Name: "stripe", Service: "stripe", Client: s.client, Settings: map[string][]string{settingKey: {testKey}, settingBaseURL: {s.url}}}
	for _, account := range []string{"", "acct_9"} {
		if _, err := a.Call.Call(t.Context(), &connectors.Call{Action: a, Input: input, Key: s.key, EventTime: noon, Account: account, Conn: conn}); err != nil {
			t.Fatal(err)
		}
		all := s.fake.Requests()
		if got := all[len(all)-1].Header.Get("Stripe-Account"); got != account {
			t.Errorf("Stripe-Account %q, want %q", got, account)
		}
	}
}
