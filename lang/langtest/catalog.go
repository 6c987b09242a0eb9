package langtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/flowrun/flowrun/lang/cron"
	"github.com/flowrun/flowrun/lang/schema"
)

// Catalog returns a small world with a service that sends events and one that takes calls, in the names and shapes of
// Stripe and Customer.io.
func Catalog() schema.Catalog {
	c := &catalog{triggers: map[string]*schema.Trigger{}, actions: map[string]*schema.Action{}, services: map[string]*schema.Service{}}
	for _, t := range triggers() {
		c.triggers[t.Name] = t
	}
	for _, a := range actions() {
		c.actions[a.Name] = a
	}
	for _, s := range services() {
		c.services[s.Name] = s
	}
	return c
}

type catalog struct {
	triggers map[string]*schema.Trigger
	actions  map[string]*schema.Action
	services map[string]*schema.Service
}

var (
	text   = schema.Type{Kind: schema.KindString}
	number = schema.Type{Kind: schema.KindNumber}
	truth  = schema.Type{Kind: schema.KindBool}
	data   = schema.Type{Kind: schema.KindAny}
)

func id(prefix, refers string) schema.Type {
	return schema.Type{Kind: schema.KindString, Format: schema.ID, Prefix: prefix, Refers: refers}
}

func must(name string, t schema.Type) schema.Field {
	return schema.Field{Name: name, Type: t, Required: true}
}

func orNull(name string, t schema.Type) schema.Field {
	return schema.Field{Name: name, Type: t, Required: true, Nullable: true}
}

func may(name string, t schema.Type) schema.Field { return schema.Field{Name: name, Type: t} }

func secret(f schema.Field) schema.Field {
	f.Secret = true
	return f
}

func role(f schema.Field, r schema.Role) schema.Field {
	f.Role = r
	return f
}

var address = schema.NewObject("address",
	orNull("city", text),
	orNull("country", schema.Type{Kind: schema.KindString, Format: schema.Country}),
	orNull("line1", text),
)

var card = schema.NewObject("card",
	orNull("brand", text),
	must("exp_month", schema.Type{Kind: schema.KindNumber, Format: schema.Integer}),
	orNull("last4", text),
)

var refund = schema.LazyObject("refund", func() []schema.Field {
	return []schema.Field{
		must("id", id("re_", "")),
		must("amount", schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}),
		orNull("reason", schema.EnumOf("duplicate", "fraudulent", "requested_by_customer")),
		orNull("charge", id("ch_", "charge")),
	}
})

var charge = schema.LazyObject("charge", func() []schema.Field {
	return []schema.Field{
		must("id", id("ch_", "")),
		must("amount", schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}),
		must("amount_refunded", number),
		must("created", schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}),
		must("currency", schema.Type{Kind: schema.KindString, Format: schema.Currency}),
		orNull("customer", id("cus_", "customer")),
		must("paid", truth),
		orNull("disputed", truth),
		orNull("failure_code", text),
		orNull("failure_message", text),
		orNull("invoice", id("in_", "invoice")),
		orNull("payment_intent", id("pi_", "payment_intent")),
		must("livemode", truth),
		must("metadata", text.MapOf()),
		must("status", schema.EnumOf("succeeded", "pending", "failed")),
		role(orNull("receipt_email", schema.Type{Kind: schema.KindString, Format: schema.Email}), schema.RoleEmail),
		must("billing_details", schema.ObjectType(schema.NewObject("billing_details",
			orNull("address", schema.ObjectType(address)),
			orNull("email", text),
			orNull("name", text),
		))),
		orNull("payment_method_details", schema.ObjectType(schema.NewObject("payment_method_details",
			may("card", schema.ObjectType(card)),
			must("type", text),
		))),
		may("refunds", schema.ObjectType(schema.NewObject("list",
			must("data", schema.ObjectType(refund).ListOf()),
			must("has_more", truth),
		))),
		must("tags", text.ListOf()),
		may("raw", data),
	}
})

var customer = schema.LazyObject("customer", func() []schema.Field {
	return []schema.Field{
		must("id", id("cus_", "")),
		must("created", schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}),
		role(orNull("email", schema.Type{Kind: schema.KindString, Format: schema.Email}), schema.RoleEmail),
		role(orNull("name", text), schema.RoleName),
		role(orNull("phone", text), schema.RolePhone),
		may("balance", number),
		role(orNull("address", schema.ObjectType(address)), schema.RoleAddress),
		must("metadata", text.MapOf()),
		orNull("delinquent", truth),
		secret(orNull("portal_token", text)),
	}
})

var common = schema.NewObject("object", must("id", text), must("created", number))

func triggers() []*schema.Trigger {
	none := schema.NewObject("settings")
	return []*schema.Trigger{
		{
			Name: "flowrun_alert", Service: "flowrun", Doc: "Somebody must know", Settings: none, Events: []string{"alert"},
			Payload: schema.NewObject("alert", must("kind", schema.EnumOf("breaker_open", "unknown_outcome")), must("message", text), must("count", number)),
		},
		{
			Name: "stripe_charge_failed", Service: "stripe", Doc: "A charge failed", Payload: charge, Events: []string{"charge.failed"},
			Settings: schema.NewObject("settings", may("ignore_payment_intents", truth)),
			Guards:   []schema.Guard{{Setting: "ignore_payment_intents", Path: schema.Path{"payment_intent"}, Null: true}},
			Latest:   fetched,
		},
		{
			Name: "stripe_charge_succeeded", Service: "stripe", Doc: "A charge succeeded", Payload: charge, Events: []string{"charge.succeeded"},
			Settings: schema.NewObject("settings", may("known_customers", truth)),
			Guards:   []schema.Guard{{Setting: "known_customers", Path: schema.Path{"customer"}}},
			Latest:   fetched,
		},
		{
			Name: "stripe_customer_created", Service: "stripe", Doc: "A customer was created", Payload: customer, Settings: none,
			Events:  []string{"customer.created"},
			AtFirst: []schema.Guard{{Path: schema.Path{"delinquent"}, In: []string{"false"}, Why: "a new customer owes nothing"}},
			Latest:  fetched,
		},
		{
			Name: "stripe_customer_deleted", Service: "stripe", Doc: "A customer was deleted", Payload: customer, Settings: none,
			Events: []string{"customer.deleted"}, Latest: fetched,
		},
		{
			Name: "stripe_customer_updated", Service: "stripe", Doc: "A customer changed", Payload: customer, Settings: none,
			Events: []string{"customer.updated"}, Previous: true, Latest: fetched,
		},
		{
			Name: "stripe_event", Service: "stripe", Doc: "Any event", Payload: common,
			Settings:     schema.NewObject("settings", must("types", text.ListOf())),
			TypesSetting: "types",
			KnownTypes:   []string{"charge.failed", "charge.succeeded", "customer.created", "customer.deleted", "customer.updated"},
			PayloadFor:   payloadFor,
			Latest:       fetched,
		},
		{
			Name: "schedule", Service: "schedule", Doc: "At set times", Payload: moment,
			Settings: schema.NewObject("settings", must("cron", text), may("overlap", schema.EnumOf("allow", "queue", "skip"))),
			For:      scheduleUse,
		},
		{
			Name: "webhook", Service: "webhook", Doc: "Somebody calls", Payload: schema.NewObject("body"),
			Settings:     schema.NewObject("settings", must("path", text), may("body", data), may("status", number)),
			ShapeSetting: "body", PathSetting: "path", For: webhookUse,
		},
	}
}

var moment = schema.NewObject("schedule", must("planned_at", text), orNull("previous_at", text))

func scheduleUse(u *schema.Use) schema.TriggerUse {
	use := schema.TriggerUse{Events: []string{u.Recipe + "/" + u.Name}, Payload: moment}
	if expr := u.Text("cron"); expr != "" {
		if _, err := cron.Parse(expr); err != nil {
			use.Problems = append(use.Problems, schema.Problem{Setting: "cron", Reason: fmt.Sprintf("%q: %v.", expr, err)})
		}
	}
	switch u.Text("overlap") {
	case "queue":
		use.Overlap = schema.QueueOverlap
	case "skip":
		use.Overlap = schema.SkipOverlap
	}
	return use
}

func webhookUse(u *schema.Use) schema.TriggerUse {
	use := schema.TriggerUse{Events: []string{u.Text("path")}}
	if u.Shape != nil {
		use.Payload = u.Shape.Object
	}
	return use
}

// requestUse makes a request as safe as its method, and its answer what is declared.
func requestUse(u *schema.Use) schema.ActionUse {
	body := data
	if u.Shape != nil {
		body = *u.Shape
	}
	use := schema.ActionUse{Effect: schema.AtMostOnce, Out: schema.NewObject("answer", must("status", number), must("body", body))}
	if m := u.Text("method"); m == "" || m == "GET" {
		use.Effect = schema.Read
	}
	return use
}

func checkWebhook(u *schema.Use) []schema.Problem {
	switch _, header := u.Given["header"]; {
	case u.Text("verify") == "none":
		return []schema.Problem{{Setting: "verify", Warning: true, Reason: "anybody can send these webhooks."}}
	case u.Text("verify") == "hmac" && !header:
		return []schema.Problem{{Setting: "verify", Reason: "hmac needs the header that holds the signature."}}
	}
	return nil
}

func payloadFor(types []string) *schema.Object {
	if !slices.ContainsFunc(types, func(t string) bool { return t != "charge.failed" && t != "charge.succeeded" }) {
		return charge
	}
	if !slices.ContainsFunc(types, func(t string) bool { return t == "charge.failed" || t == "charge.succeeded" || t == "*" }) {
		return customer
	}
	return common
}

// fetched says how the object of events is looked up.
func fetched(types []string) (*schema.Fetch, error) {
	switch {
	case slices.Contains(types, "customer.deleted"):
		return nil, errors.New("customer.deleted tells that its object is no more")
	case payloadFor(types) == charge:
		return &schema.Fetch{Action: "stripe_charge_retrieve", Inputs: map[string]schema.Path{"charge": {"id"}}}, nil
	case payloadFor(types) == customer:
		return &schema.Fetch{Action: "stripe_customer_retrieve", Inputs: map[string]schema.Path{"customer": {"id"}}}, nil
	}
	return nil, errors.New("events of several objects have nothing that one look-up could fetch")
}

// freeForm is an object of any names.
func freeForm() schema.Type {
	o := schema.NewObject("")
	o.Open = true
	return schema.ObjectType(o)
}

func actions() []*schema.Action {
	person := func(fields ...schema.Field) *schema.Object {
		return schema.NewObject("person", append([]schema.Field{
			may("id", text),
			may("email", schema.Type{Kind: schema.KindString, Format: schema.Email}),
			may("cio_id", text),
		}, fields...)...).WithOneOf("id", "email", "cio_id")
	}
	name := schema.Type{Kind: schema.KindString, Max: 100}
	return []*schema.Action{
		{
			Name: "customerio_delete", Service: "customerio", Doc: "Delete a person", Effect: schema.Idempotent, In: person(),
			Lasting: schema.Lasting{Kind: schema.Deletes},
		},
		{
			Name: "customerio_identify", Service: "customerio", Doc: "Create or update a person", Effect: schema.Idempotent,
			In: person(may("attributes", freeForm())),
		},
		{
			Name: "customerio_send_email", Service: "customerio", Doc: "Send a transactional message", Effect: schema.AtMostOnce,
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			In: schema.NewObject("email",
				must("transactional_message_id", text),
				must("to", schema.Type{Kind: schema.KindString, Format: schema.Email}),
				must("identifiers", schema.ObjectType(person())),
				may("message_data", data),
				may("bcc", text.ListOf()),
				may("headers", text.MapOf()),
				may("priority", schema.EnumOf("normal", "high")),
				may("send_at", schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}),
				may("queue_draft", truth),
			),
			Out: schema.NewObject("delivery", must("delivery_id", text), must("queued_at", number)),
		},
		{
			Name: "customerio_track", Service: "customerio", Doc: "Record an event of a person", Effect: schema.Keyed,
			In: person(must("name", name), may("data", data), may("timestamp", schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime})),
		},
		{
			Name: "http_request", Service: "http", Doc: "Make a request", Effect: schema.AtMostOnce,
			In:  schema.NewObject("request", may("method", schema.EnumOf("GET", "POST")), must("url", text), may("body", data), may("answer", data)),
			Out: schema.NewObject("answer", must("status", number), must("body", data)), ShapeInput: "answer", For: requestUse,
		},
		{
			Name: "recipe_run", Service: "flowrun", Doc: "Call another recipe", Effect: schema.Keyed,
			In: schema.NewObject("call", must("recipe", text), may("inputs", data)),
		},
		{
			Name: "state_get", Service: "flowrun", Doc: "Read a value", Effect: schema.Read,
			In: schema.NewObject("state", must("name", text)), Out: schema.NewObject("value", orNull("value", data)),
		},
		{
			Name: "stripe_customer_create", Service: "stripe", Doc: "Create a customer", Effect: schema.Keyed,
			In: schema.NewObject("customer", role(may("email", schema.Type{Kind: schema.KindString, Format: schema.Email}), schema.RoleEmail), may("name", text)), Out: customer,
			Emits: []string{"customer.created"},
		},
		{
			Name: "stripe_customer_find", Service: "stripe", Doc: "Find a customer by e-mail", Effect: schema.Read, OutMayBeNull: true,
			In: schema.NewObject("query", must("email", text)), Out: customer,
		},
		{
			Name: "stripe_charge_retrieve", Service: "stripe", Doc: "Look a charge up", Effect: schema.Read, OutMayBeNull: true,
			In: schema.NewObject("query", must("charge", id("ch_", "charge"))), Out: charge,
		},
		{
			Name: "stripe_customer_retrieve", Service: "stripe", Doc: "Look a customer up", Effect: schema.Read,
			In: schema.NewObject("query", must("customer", id("cus_", "customer"))), Out: customer,
		},
		{
			Name: "stripe_customer_update", Service: "stripe", Doc: "Change a customer", Effect: schema.Keyed,
			In: schema.NewObject("customer",
				must("customer", id("cus_", "customer")),
				may("name", text),
				role(may("phone", text), schema.RolePhone),
				may("balance", schema.Type{Kind: schema.KindNumber, Format: schema.Integer}),
				schema.Field{Name: "email", Type: text, Role: schema.RoleEmail, Caution: "receipts go to this address from then on"},
			),
			Out:   customer,
			Emits: []string{"customer.updated"},
		},
		{
			Name: "stripe_invoice_pay", Service: "stripe", Doc: "Collect an invoice now", Effect: schema.Keyed,
			In:      schema.NewObject("payment", must("invoice", id("in_", "invoice"))),
			Lasting: schema.Lasting{Kind: schema.MovesMoney},
		},
		{
			Name: "stripe_payment_intent_create", Service: "stripe", Doc: "Start a payment", Effect: schema.Keyed,
			In: schema.NewObject("payment",
				must("amount", schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}),
				must("currency", schema.Type{Kind: schema.KindString, Format: schema.Currency}),
				may("confirm", truth),
			),
			Lasting: schema.Lasting{Kind: schema.MovesMoney, Amount: "amount", Currency: "currency", Only: "confirm"},
		},
		{
			Name: "stripe_refund_create", Service: "stripe", Doc: "Give money back", Effect: schema.Keyed,
			In: schema.NewObject("refund",
				must("charge", id("ch_", "charge")),
				may("amount", schema.Type{Kind: schema.KindNumber, Format: schema.MinorUnit}),
				may("currency", schema.Type{Kind: schema.KindString, Format: schema.Currency}),
			),
			Out:     refund,
			Lasting: schema.Lasting{Kind: schema.MovesMoney, Amount: "amount", Currency: "currency"},
		},
		{
			Name: "stripe_webhook_endpoint_update", Service: "stripe", Doc: "Change an endpoint", Effect: schema.Keyed,
			In: schema.NewObject("endpoint",
				must("url", schema.Type{Kind: schema.KindString, Format: schema.URL}),
				secret(may("token", text)),
				may("retries", schema.Type{Kind: schema.KindNumber, Format: schema.Integer}),
				may("currency", schema.Type{Kind: schema.KindString, Format: schema.Currency}),
			),
			Out: schema.NewObject("endpoint", must("id", text), secret(must("secret", text))),
		},
	}
}

func services() []*schema.Service {
	return []*schema.Service{
		{
			Name: "customerio", Doc: "Customer.io",
			Settings: schema.NewObject("settings",
				must("site_id", text), secret(must("api_key", text)), secret(may("app_key", text)), may("region", schema.EnumOf("us", "eu"))),
			Env: map[string]string{"site_id": "CUSTOMERIO_SITE_ID", "api_key": "CUSTOMERIO_API_KEY", "app_key": "CUSTOMERIO_APP_KEY"},
		},
		{Name: "flowrun", Doc: "flowrun", Settings: schema.NewObject("settings")},
		{Name: "http", Doc: "Requests", Settings: schema.NewObject("settings", may("base_url", text))},
		{Name: "schedule", Doc: "The clock", Settings: schema.NewObject("settings")},
		{
			Name: "stripe", Doc: "Stripe",
			Settings: schema.NewObject("settings",
				secret(must("api_key", text)), secret(may("webhook_secret", text.ListOf())), may("test", truth), may("timeout", number)),
			Env:            map[string]string{"api_key": "STRIPE_API_KEY", "webhook_secret": "STRIPE_WEBHOOK_SECRET"},
			SigningSetting: "webhook_secret",
		},
		{
			Name: "webhook", Doc: "Webhooks of one's own",
			Settings: schema.NewObject("settings", may("verify", schema.EnumOf("hmac", "bearer", "none")), may("header", text), secret(may("secret", text))),
			Env:      map[string]string{"secret": "WEBHOOK_SECRET"}, SigningSetting: "secret", Unsigned: [2]string{"verify", "none"},
			Check: checkWebhook,
		},
	}
}

// Trigger implements schema.Catalog.
func (c *catalog) Trigger(name string) *schema.Trigger { return c.triggers[name] }

// Action implements schema.Catalog.
func (c *catalog) Action(name string) *schema.Action { return c.actions[name] }

// Service implements schema.Catalog.
func (c *catalog) Service(name string) *schema.Service { return c.services[name] }

// TriggerNames implements schema.Catalog.
func (c *catalog) TriggerNames() []string { return slices.Sorted(maps.Keys(c.triggers)) }

// ActionNames implements schema.Catalog.
func (c *catalog) ActionNames() []string { return slices.Sorted(maps.Keys(c.actions)) }

// ServiceNames implements schema.Catalog.
func (c *catalog) ServiceNames() []string { return slices.Sorted(maps.Keys(c.services)) }
