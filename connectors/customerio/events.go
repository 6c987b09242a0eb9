package customerio

// What Customer.io reports: 72 types of events, each a kind of object and what happened to it. The table is the
// vendor's list; the fields are those of its description of the payloads. Four types of the list have no description
// (email_deferred, sms_dropped, slack_converted, webhook_converted): nothing is promised of what they carry beyond
// what every message has.

import (
	"strings"

	"github.com/flowrun/flowrun/lang/schema"
)

// event is one type of event.
type event struct {
	object string // "email"
	metric string // "opened"
	doc    string

	// fields are those beyond the ones that every message or person has, by name; a "?" follows one that may be absent.
	fields string
}

func (e event) name() string { return e.object + "_" + e.metric }

const (
	preferencesChanged = "subscription_preferences_changed"

	undeliverable = "was not sent: a message limit was reached, its newsletter was cancelled, or delivery is switched off"
)

// allEvents returns the types in the vendor's order.
func allEvents() []event {
	return []event{
		{"customer", "subscribed", "A person subscribed: their attribute unsubscribed became false", "email_address"},
		{"customer", "unsubscribed", "A person unsubscribed: their attribute unsubscribed became true", "email_address"},
		{"customer", preferencesChanged, "A person's preferences for topics changed, in the subscription center or by an attribute", "email_address content?"},

		{"email", "drafted", "An e-mail was drafted", "recipient subject"},
		{"email", "attempted", "An e-mail could not be handed to the delivery provider and will be tried again", "failure_message"},
		{"email", "sent", "An e-mail was sent", "recipient subject content? headers?"},
		{"email", "delivered", "An e-mail reached the recipient's server", "recipient subject"},
		{"email", "opened", "An e-mail was opened, by a person or a machine", "recipient subject? proxied? prefetched? synthetic?"},
		{"email", "clicked", "A tracked link in an e-mail was clicked, by a person or a machine", "recipient subject href link_id machine?"},
		{"email", "converted", "A person did what an e-mail was meant to bring about", "recipient subject"},
		{"email", "bounced", "An e-mail could not be delivered", "recipient subject failure_message"},
		{"email", "dropped", "An e-mail was not sent, because its recipient is suppressed", "recipient subject failure_message"},
		{"email", "deferred", "An e-mail was not taken yet by the recipient's server", "recipient? subject? failure_message?"},
		{"email", "spammed", "A recipient marked an e-mail as spam", "recipient subject"},
		{"email", "failed", "An e-mail could not be handed to the delivery provider", "recipient? subject failure_message"},
		{"email", "unsubscribed", "A recipient unsubscribed through an e-mail", "recipient subject"},
		{"email", "undeliverable", "An e-mail " + undeliverable, "recipient subject failure_message"},

		{"in_app", "drafted", "An in-app message was drafted", ""},
		{"in_app", "attempted", "An in-app message could not be sent and will be tried again", "failure_message"},
		{"in_app", "sent", "An in-app message was sent; it shows when the app is opened next", "recipient content?"},
		{"in_app", "opened", "An in-app message was shown", ""},
		{"in_app", "clicked", "Something in an in-app message was tapped", "recipient href link_id tracked_response?"},
		{"in_app", "converted", "A person did what an in-app message was meant to bring about", "recipient"},
		{"in_app", "failed", "An in-app message could not be sent", "failure_message"},
		{"in_app", "undeliverable", "An in-app message " + undeliverable, "failure_message"},

		{"push", "drafted", "A push notification was drafted", ""},
		{"push", "attempted", "A push notification could not be sent and will be tried again", "failure_message"},
		{"push", "sent", "A push notification was sent", "recipients content?"},
		{"push", "delivered", "A push notification reached a device", "recipients"},
		{"push", "opened", "A push notification was opened", "recipients"},
		{"push", "clicked", "A link in a push notification was tapped", "recipients href link_id"},
		{"push", "converted", "A person did what a push notification was meant to bring about", "recipients"},
		{"push", "bounced", "The delivery provider knows at least one of a person's devices no more", "recipients"},
		{"push", "dropped", "A push notification was not sent, because a device had bounced before", "recipients"},
		{"push", "failed", "A push notification could not be handed to the delivery provider", "failure_message"},
		{"push", "undeliverable", "A push notification " + undeliverable, "failure_message"},

		{"slack", "drafted", "A Slack message was drafted", ""},
		{"slack", "attempted", "A Slack message could not be sent and will be tried again", "failure_message"},
		{"slack", "sent", "A Slack message was sent", "recipient content?"},
		{"slack", "clicked", "A tracked link in a Slack message was clicked", "recipient href link_id"},
		{"slack", "converted", "A person did what a Slack message was meant to bring about", "recipient?"},
		{"slack", "failed", "A Slack message could not be sent", "failure_message"},

		{"sms", "drafted", "An SMS was drafted", ""},
		{"sms", "attempted", "An SMS could not be handed to the delivery provider and will be tried again", "failure_message"},
		{"sms", "sent", "An SMS was sent", "recipient content?"},
		{"sms", "delivered", "An SMS reached its recipient", "recipient"},
		{"sms", "clicked", "A link in an SMS was tapped", "recipient href link_id"},
		{"sms", "converted", "A person did what an SMS was meant to bring about", "recipient"},
		{"sms", "bounced", "An SMS could not be delivered", "recipient failure_message"},
		{"sms", "dropped", "An SMS was not sent, because its recipient is suppressed", "recipient? failure_message?"},
		{"sms", "failed", "An SMS could not be handed to the delivery provider", "failure_message"},
		{"sms", "undeliverable", "An SMS " + undeliverable, "failure_message"},
		{"sms", "replied", "A person answered an SMS, within 72 hours", "recipient to inbound_event_id"},

		{"whatsapp", "drafted", "A WhatsApp message was drafted", ""},
		{"whatsapp", "attempted", "A WhatsApp message could not be handed to the delivery provider and will be tried again", "failure_message"},
		{"whatsapp", "sent", "A WhatsApp message was sent", "recipient content?"},
		{"whatsapp", "delivered", "A WhatsApp message reached its recipient", "recipient"},
		{"whatsapp", "opened", "A WhatsApp message was read, by somebody who sends receipts", "recipient"},
		{"whatsapp", "clicked", "A link in a WhatsApp message was tapped", "recipient href link_id"},
		{"whatsapp", "converted", "A person did what a WhatsApp message was meant to bring about", "recipient"},
		{"whatsapp", "bounced", "A WhatsApp message could not be delivered", "recipient failure_message"},
		{"whatsapp", "dropped", "A WhatsApp message was not sent, because its recipient is suppressed", "recipient failure_message"},
		{"whatsapp", "failed", "A WhatsApp message could not be handed to the delivery provider", "failure_message"},
		{"whatsapp", "undeliverable", "A WhatsApp message " + undeliverable, "failure_message"},
		{"whatsapp", "replied", "A person answered a WhatsApp message, within 72 hours", "recipient to inbound_event_id"},

		{"webhook", "drafted", "A webhook of a workflow was drafted", ""},
		{"webhook", "attempted", "A webhook of a workflow could not be sent and will be tried again", "failure_message"},
		{"webhook", "sent", "A webhook of a workflow was sent", "recipient content?"},
		{"webhook", "clicked", "A tracked link in a webhook of a workflow was opened", "recipient href link_id"},
		{"webhook", "converted", "A person did what a webhook of a workflow was meant to bring about", "recipient?"},
		{"webhook", "failed", "A webhook of a workflow could not be sent", "failure_message"},
		{"webhook", "undeliverable", "A webhook of a workflow " + undeliverable, "failure_message"},
	}
}

// payload returns the shape of the event's data.
func (e event) payload() *schema.Object {
	return schema.LazyObject(e.name(), func() []schema.Field {
		fields := []schema.Field{identifiersField()}
		for name := range strings.FieldsSeq(e.fields) {
			name, optional := strings.CutSuffix(name, "?")
			f := e.field(name)
			f.Required = !optional
			fields = append(fields, f)
		}
		fields = append(fields, sourceFields()...)
		if e.object == "customer" {
			return fields // what made the person do it is told where it was a message
		}
		for i := range fields {
			if fields[i].Name == "delivery_id" {
				fields[i].Required = true
			}
		}
		return fields
	})
}

func identifiersField() schema.Field {
	return schema.Field{Name: "identifiers", Required: true, Doc: "The person, by all that identifies them", Type: schema.ObjectType(schema.NewObject("identifiers",
		schema.Field{Name: "id", Doc: "Your own id of the person", Type: schema.Type{Kind: schema.KindString, Max: maxID}, Required: true, Nullable: true, Role: schema.RoleCustomerID, Example: `"cus_123"`},
		schema.Field{Name: "email", Doc: "E-mail address of the person", Type: emailType(), Nullable: true, Role: schema.RoleEmail, Example: `"jo@example.com"`},
		schema.Field{Name: "cio_id", Doc: "Id that Customer.io gave the person", Type: textType(), Example: `"d9c106000001"`},
	))}
}

// sourceFields say which message it was and what sent it. Each message comes from one of a campaign, a broadcast, a
// newsletter or a transactional call, so that none of them is promised.
func sourceFields() []schema.Field {
	return []schema.Field{
		{Name: "delivery_id", Doc: "Id of the message to this person, as a send answers it", Type: schema.Type{Kind: schema.KindString, Format: schema.ID}, Example: `"RPILAgUBcRhIBqSfeiIwdIYJKxTY"`},
		{Name: "campaign_id", Doc: "Campaign that sent it", Type: integerType(), Nullable: true, Example: "5"},
		{Name: "action_id", Doc: "Step of the campaign or broadcast", Type: integerType(), Example: "96"},
		{Name: "journey_id", Doc: "The person's way through the campaign or broadcast", Type: textType(), Example: `"01GW20GXAAXBKZD8J96M8FNV3R"`},
		{Name: "parent_action_id", Doc: "Step that the step is part of, such as a split", Type: integerType(), Example: "1"},
		{Name: "trigger_event_id", Doc: "Event that started the campaign", Type: textType(), Nullable: true, Example: `"21E4C3CT6YDC7Y4N7FE1GWWABC"`},
		{Name: "broadcast_id", Doc: "API-triggered broadcast that sent it", Type: integerType(), Nullable: true, Example: "2"},
		{Name: "trigger_id", Doc: "Which call started the broadcast, as customerio_trigger_broadcast answers it", Type: integerType(), Example: "1"},
		{Name: "newsletter_id", Doc: "Newsletter that sent it", Type: integerType(), Nullable: true, Example: "10"},
		{Name: "content_id", Doc: "Variant of the newsletter", Type: integerType(), Example: "3"},
		{Name: "transactional_message_id", Doc: "Template of a transactional message", Type: schema.Type{Kind: schema.KindAny}, Example: "44"},
		{Name: "customer_id", Doc: "Older form of identifiers.id; empty where the person was deleted", Type: textType(), Role: schema.RoleCustomerID, Example: `"cus_123"`},
	}
}

// field returns the description of one of the fields that a type may have.
func (e event) field(name string) schema.Field {
	flag := schema.Type{Kind: schema.KindBool}
	f := schema.Field{Name: name, Type: textType()}
	switch name {
	case "recipient":
		return e.recipient()
	case "email_address":
		f.Doc, f.Type, f.Nullable, f.Role, f.Example = "E-mail address of the person", emailType(), true, schema.RoleEmail, `"jo@example.com"`
	case "subject":
		f.Doc, f.Example = "Subject of the e-mail", `"Your receipt"`
	case "failure_message":
		f.Doc, f.Example = "Why it failed", `"mailbox is full"`
	case "href":
		f.Doc, f.Type, f.Example = "Address of the link", schema.Type{Kind: schema.KindString, Format: schema.URL}, `"https://example.com/plans"`
	case "link_id":
		f.Doc, f.Type, f.Example = "Number of the link", integerType(), "1"
	case "machine":
		f.Doc, f.Type, f.Example = "A machine clicked, not a person", flag, "false"
	case "proxied":
		f.Doc, f.Type, f.Example = "A proxy fetched it, which hides who opened it", flag, "false"
	case "prefetched":
		f.Doc, f.Type, f.Example = "A machine opened it, such as Apple's privacy protection", flag, "false"
	case "synthetic":
		f.Doc, f.Type, f.Example = "Concluded from a click, not seen", flag, "false"
	case "content":
		f.Doc, f.Example = "Text of the message, where the webhook was set up to include it", `"<p>Thank you</p>"`
		if e.metric == preferencesChanged {
			f.Doc, f.Example = "The new preferences as JSON, where the webhook was set up to include it", `"{\"topics\":{\"topic_1\":true}}"`
		}
	case "headers":
		f.Doc, f.Type, f.Example = "Custom headers of the message, where the webhook was set up to include them", textType().ListOf().MapOf(), `{"X-Team": ["billing"]}`
	case "recipients":
		f.Doc, f.Type, f.Example = "The devices it is about", schema.ObjectType(deviceShape()).ListOf(),
			`[{"device_id": "a83b219c", "device_platform": "ios"}]`
	case "tracked_response":
		f.Doc, f.Example = "Name of what was tapped", `"dismissed"`
	case "to":
		f.Doc, f.Example = "Phone number that was answered to", `"+15555550199"`
	case "inbound_event_id":
		f.Doc, f.Example = "Id of the answer", `"01HXYZ1234567890ABCDEF0000"`
	}
	return f
}

func (e event) recipient() schema.Field {
	f := schema.Field{Name: "recipient", Type: textType()}
	switch e.object {
	case "email":
		f.Doc, f.Type, f.Role, f.Example = "Address it went to", emailType(), schema.RoleEmail, `"jo@example.com"`
	case "sms", "whatsapp":
		f.Doc, f.Role, f.Example = "The person's phone number", schema.RolePhone, `"+15555550100"`
	case "slack":
		f.Doc, f.Example = "Channel or person it went to", `"#general"`
	case "webhook":
		f.Doc, f.Example = "Address it went to", `"https://example.com/hook"`
	default:
		f.Doc, f.Example = "Id or e-mail address of the person it went to", `"cus_123"`
	}
	return f
}

func deviceShape() *schema.Object {
	return schema.NewObject("device",
		schema.Field{Name: "device_id", Doc: "Token of the device", Type: textType(), Required: true, Example: `"a83b219c"`},
		schema.Field{Name: "device_platform", Doc: "Platform of the device", Type: schema.EnumOf("ios", "android"), Example: `"ios"`},
		schema.Field{Name: "failure_message", Doc: "Why it failed on this device", Type: textType(), Example: `"unregistered"`},
	)
}

func textType() schema.Type  { return schema.Type{Kind: schema.KindString} }
func emailType() schema.Type { return schema.Type{Kind: schema.KindString, Format: schema.Email} }

func integerType() schema.Type { return schema.Type{Kind: schema.KindNumber, Format: schema.Integer} }
