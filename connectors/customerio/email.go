package customerio

import (
	"net/http"
	"net/mail"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

func sendEmail(s *settings) *connectors.Action {
	text := schema.Type{Kind: schema.KindString}
	flag := schema.Type{Kind: schema.KindBool}
	in := schema.NewObject("send_email",
		schema.Field{Name: "to", Type: text, Required: true, Role: schema.RoleEmail, Example: `"jo@example.com"`,
			Doc: "Who gets it: one address or several with commas; at most 15 together with cc and bcc"},
		identifiersInput(),
		schema.Field{Name: "transactional_message_id", Type: text, Example: `"44"`,
			Doc: "Number or trigger name of the template; without one body, subject and from are needed"},
		schema.Field{Name: "message_data", Type: named(), Example: `{"amount": "49.00 EUR"}`,
			Doc: "What the template reads as trigger"},
		schema.Field{Name: "body", Type: text, Example: `"<p>Thank you</p>"`, Doc: "HTML, instead of the template's"},
		schema.Field{Name: "subject", Type: text, Example: `"Your receipt"`, Doc: "Subject, instead of the template's"},
		schema.Field{Name: "from", Type: text, Example: `"Billing <billing@example.com>"`,
			Doc: "Sender, on a verified domain, instead of the template's"},
		schema.Field{Name: "reply_to", Type: text, Example: `"help@example.com"`, Doc: "Where answers go"},
		schema.Field{Name: "cc", Type: text, Example: `"copy@example.com"`, Doc: "Who gets a copy that others see"},
		schema.Field{Name: "bcc", Type: text, Example: `"archive@example.com"`, Doc: "Who gets a copy that others don't see"},
		schema.Field{Name: "fake_bcc", Type: flag, Example: "true",
			Doc: "Send bcc as messages of their own, the recipient in their subject"},
		schema.Field{Name: "preheader", Type: text, Example: `"Paid in full"`, Doc: "Text that mailboxes show after the subject"},
		schema.Field{Name: "body_plain", Type: text, Example: `"Thank you"`, Doc: "Plain text, instead of what is made of the HTML"},
		schema.Field{Name: "body_amp", Type: text, Example: `"<html amp4email></html>"`, Doc: "AMP, instead of the template's"},
		schema.Field{Name: "headers", Type: text.MapOf(), Example: `{"X-Team": "billing"}`, Doc: "Further headers of the message"},
		schema.Field{Name: "attachments", Type: text.MapOf(), Example: `{"receipt.txt": "aGVsbG8="}`,
			Doc: "Files in base64, by name; at most 2 MB in all"},
		schema.Field{Name: "language", Type: text, Example: `"de"`, Doc: "Language of the template, instead of the person's"},
		schema.Field{Name: "send_at", Type: schema.Type{Kind: schema.KindNumber, Format: schema.UnixTime}, Example: "1750000000",
			Doc: "When to send it, within 90 days; at once where left out"},
		schema.Field{Name: "tracked", Type: flag, Example: "true", Doc: "Track opens and clicks"},
		schema.Field{Name: "disable_message_retention", Type: flag, Example: "true", Doc: "Keep no copy of the message at Customer.io"},
		schema.Field{Name: "send_to_unsubscribed", Type: flag, Example: "true", Doc: "Send it to people who unsubscribed, too"},
		schema.Field{Name: "queue_draft", Type: flag, Example: "false", Doc: "Keep it as a draft for somebody to send"},
		schema.Field{Name: "disable_css_preprocessing", Type: flag, Example: "true", Doc: "Leave the CSS of the HTML as it is"},
		schema.Field{Name: "auto_create", Type: flag, Example: "true", Doc: "Create the person where they don't exist"},
	)
	return &connectors.Action{
		Action: schema.Action{Name: "customerio_send_email", Service: service, Effect: schema.AtMostOnce, In: in, Out: deliveryShape(),
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			Doc:     "Send a transactional e-mail to a person", Emits: []string{"email_sent", "email_delivered"}},
		Call:  s.appCall(&connectors.HTTP{Method: http.MethodPost, Path: "/v1/send/email", Check: checkEmail}),
		Limit: limitSend,
		Example: `{"to": "jo@example.com", "identifiers": {"email": "jo@example.com"}, "transactional_message_id": "44",
			"message_data": {"amount": "49.00 EUR"}}`,
		Answer: deliveryAnswer,
	}
}

// checkEmail refuses what the vendor would refuse, before an intent that must not be repeated is spent on it.
func checkEmail(c *connectors.Call) error {
	if strings.TrimSpace(connectors.InputString(c, "to")) == "" {
		return connectors.Invalid("to is empty")
	}
	if err := checkIdentifiers(connectors.Input(c, "identifiers")); err != nil {
		return err
	}
	if connectors.InputString(c, "transactional_message_id") == "" {
		for _, name := range []string{"body", "subject", "from"} {
			if connectors.InputString(c, name) == "" {
				return connectors.Invalidf("%s is missing: without transactional_message_id an e-mail needs body, subject and from", name)
			}
		}
	}
	if err := checkSendAt(c); err != nil {
		return err
	}
	n := 0
	for _, name := range []string{"to", "cc", "bcc"} {
		n += recipients(connectors.InputString(c, name))
	}
	if n > maxRecipients {
		return connectors.Invalidf("to, cc and bcc hold %d addresses; Customer.io takes %d", n, maxRecipients)
	}
	return nil
}

// recipients counts the addresses of a header. What can't be parsed is counted by its commas and left to the vendor.
func recipients(s string) int {
	if strings.TrimSpace(s) == "" {
		return 0
	}
	if list, err := mail.ParseAddressList(s); err == nil {
		return len(list)
	}
	return strings.Count(s, ",") + 1
}
