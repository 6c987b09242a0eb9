package customerio

// Transactional messages have no key by which the vendor would know a repeat, so that each of them is sent at most once.

import (
	"net/http"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const deliveryAnswer = `{"delivery_id": "dgOq6QUAAX1Bq0Fv", "queued_at": 1750000000}`

// deliveryShape is what every send answers.
func deliveryShape() *schema.Object {
	return schema.NewObject("delivery",
		schema.Field{Name: "delivery_id", Type: schema.Type{Kind: schema.KindString, Format: schema.ID}, Required: true,
			Doc: "Id of the message, as later reports name it", Example: `"dgOq6QUAAX1Bq0Fv"`},
		schema.Field{Name: "queued_at", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Required: true,
			Doc: "When Customer.io took it", Example: "1750000000"},
	)
}

func identifiersInput() schema.Field {
	return schema.Field{Name: "identifiers", Required: true, Example: `{"email": "jo@example.com"}`,
		Type: schema.ObjectType(schema.NewObject("identifiers", person()...).WithOneOf("id", "email", "cio_id")),
		Doc:  "The person it is about: exactly one of id, email and cio_id"}
}

// send is an action that sends a message of a template; required are those of its own inputs that must not be empty.
func (s *settings) send(channel, doc, example string, own []schema.Field, required []string, emits ...string) *connectors.Action {
	fields := append([]schema.Field{
		{Name: "transactional_message_id", Type: textType(), Required: true, Example: `"44"`, Doc: "Number or trigger name of the template"},
		identifiersInput(),
	}, own...)
	fields = append(fields,
		schema.Field{Name: "message_data", Type: named(), Example: `{"amount": "49.00 EUR"}`,
			Doc: "What the template reads as trigger"},
		schema.Field{Name: "language", Type: textType(), Example: `"de"`, Doc: "Language of the template, instead of the person's"},
		schema.Field{Name: "send_at", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Example: "1750000000",
			Doc: "When to send it, within 90 days; at once where left out"},
		flagField("disable_message_retention", "Keep no copy of the message at Customer.io"),
		flagField("send_to_unsubscribed", "Send it to people who unsubscribed, too"),
		flagField("queue_draft", "Keep it as a draft for somebody to send"),
		flagField("auto_create", "Create the person where they don't exist"),
	)
	name := "send_" + channel
	return &connectors.Action{
		Action: schema.Action{Name: service + "_" + name, Service: service, Effect: schema.AtMostOnce, Doc: doc, Emits: emits,
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			In:      schema.NewObject(name, fields...), Out: deliveryShape()},
		Call: s.appCall(&connectors.HTTP{Method: http.MethodPost, Path: "/v1/send/" + channel,
			Check: func(c *connectors.Call) error { return checkSend(c, required) }}),
		Example: example,
		Answer:  deliveryAnswer,
		Limit:   limitSend,
	}
}

func flagField(name, doc string) schema.Field {
	return schema.Field{Name: name, Type: schema.Type{Kind: schema.KindBool}, Doc: doc, Example: "true"}
}

func sendSMS(s *settings) *connectors.Action {
	return s.send("sms", "Send a transactional SMS to a person",
		`{"transactional_message_id": "44", "identifiers": {"id": "cus_123"}, "to": "+15555550100", "message_data": {"code": "1234"}}`,
		[]schema.Field{
			{Name: "to", Required: true, Type: textType(), Role: schema.RolePhone, Example: `"+15555550100"`, Doc: "Phone number that gets it"},
			{Name: "from", Type: textType(), Example: `"+15555550199"`, Doc: "Sender, instead of the template's"},
			flagField("tracked", "Track clicks"),
		}, []string{"to"}, "sms_sent", "sms_delivered")
}

func sendPush(s *settings) *connectors.Action {
	link := schema.Type{Kind: schema.KindString, Format: schema.URL}
	return s.send("push", "Send a transactional push notification to a person's devices",
		`{"transactional_message_id": "44", "identifiers": {"id": "cus_123"}, "to": "all"}`,
		[]schema.Field{
			{Name: "to", Type: textType(), Example: `"last_used"`, Doc: "Which devices get it: all, last_used, or the token of one; as the template says where left out"},
			{Name: "title", Type: textType(), Example: `"Paid"`, Doc: "Title, instead of the template's"},
			{Name: "message", Type: textType(), Example: `"Thank you"`, Doc: "Text, instead of the template's"},
			{Name: "image_url", Type: link, Example: `"https://example.com/a.png"`, Doc: "Picture, instead of the template's"},
			{Name: "link", Type: textType(), Example: `"app://orders/1"`, Doc: "Where a tap leads, instead of the template's"},
			{Name: "sound", Type: textType(), Example: `"default"`, Doc: "Sound, instead of the template's"},
			{Name: "custom_data", Type: named(), Example: `{"order": "1"}`, Doc: "What the app gets besides"},
			{Name: "custom_payload", Type: named(), Example: `{"ios": {}}`, Doc: "The whole payload, by platform, instead of the template's"},
			{Name: "custom_device", Type: named(), Example: `{"token": "a83b219c", "platform": "ios"}`, Doc: "A device to send it to that the person need not have"},
		}, nil, "push_sent", "push_delivered")
}

func sendInApp(s *settings) *connectors.Action {
	return s.send("in_app", "Send a transactional in-app message to a person",
		`{"transactional_message_id": "44", "identifiers": {"id": "cus_123"}}`, nil, nil, "in_app_sent")
}

func sendInbox(s *settings) *connectors.Action {
	return s.send("inbox_message", "Send a transactional message to a person's inbox in an app",
		`{"transactional_message_id": "44", "identifiers": {"id": "cus_123"}}`, nil, nil)
}

// checkSend refuses what the vendor would refuse, before an intent that must not be repeated is spent on it.
func checkSend(c *connectors.Call, required []string) error {
	for _, name := range append([]string{"transactional_message_id"}, required...) {
		if strings.TrimSpace(connectors.InputString(c, name)) == "" {
			return connectors.Invalidf("%s is empty", name)
		}
	}
	if err := checkIdentifiers(connectors.Input(c, "identifiers")); err != nil {
		return err
	}
	return checkSendAt(c)
}

// checkSendAt refuses milliseconds. That the time lies within 90 days is left to the vendor: the only clock here is the
// event's.
func checkSendAt(c *connectors.Call) error {
	v := connectors.Input(c, "send_at")
	if v.IsNull() {
		return nil
	}
	_, err := unixSeconds("send_at", v)
	return err
}

func checkIdentifiers(v cty.Value) error {
	given := 0
	if !v.IsNull() {
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() || e.Type() != cty.String {
				continue
			}
			if e.AsString() == "" {
				return connectors.Invalid("an identifier is empty")
			}
			if err := short("an identifier", e.AsString(), maxID); err != nil {
				return err
			}
			given++
		}
	}
	if given != 1 {
		return connectors.Invalid("identifiers must hold exactly one of id, email and cio_id")
	}
	return nil
}
