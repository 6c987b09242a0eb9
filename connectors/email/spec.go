// Package email describes mail servers as a place where people are told something: one action that sends a message by
// SMTP.
//
// A call is a request to smtp://host:port whose body is the message as it is sent, which Protocol carries; so dry runs
// show it and tests record it like any other. SMTP knows no key by which a server would recognise a repeat, so a message
// is sent at most once. But it says more than most of what was done: until the last dot nothing was, and a reply to it
// says yes or no (smtp.go). Reading mail, attachments and signatures (DKIM) are left out: the server signs.
package email

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const (
	service = "email"
	scheme  = "smtp"
)

// Values of the setting tls.
const (
	startTLS = "starttls" // on the plain port, which must offer it
	fullTLS  = "tls"      // from the first byte
	noTLS    = "none"
)

// Spec returns the description of e-mail.
func Spec() *connectors.Spec {
	s := newSettings()
	return &connectors.Spec{
		Name:      service,
		Title:     "E-mail",
		Doc:       "Messages through a mail server, by SMTP",
		Settings:  []connectors.Setting{s.host, s.port, s.username, s.password, s.tls, s.from},
		Check:     check,
		Actions:   []*connectors.Action{send(s)},
		Probes:    probes(s),
		Protocols: map[string]connectors.Protocol{scheme: Protocol},
		Limits:    map[string]connectors.Limit{"": {Concurrency: 4}},
	}
}

type settings struct{ host, port, username, password, tls, from connectors.Setting }

func newSettings() *settings {
	text := schema.Type{Kind: schema.KindString}
	return &settings{
		host: connectors.Setting{Env: "EMAIL_HOST", Field: schema.Field{Name: "host", Type: text,
			Doc: "Name of the mail server", Example: `"smtp.example.com"`}},
		port: connectors.Setting{Env: "EMAIL_PORT", Field: schema.Field{Name: "port", Type: schema.Type{Kind: schema.KindNumber, Format: schema.Integer},
			Doc: "Its port: 587 where left out, 465 with tls = \"tls\", 25 with tls = \"none\"", Example: "2525"}},
		username: connectors.Setting{Env: "EMAIL_USERNAME", Field: schema.Field{Name: "username", Type: text,
			Doc: "Whom to log in as; nobody where left out", Example: `"flowrun"`}},
		password: connectors.Setting{Env: "EMAIL_PASSWORD", Field: schema.Field{Name: "password", Type: text, Secret: true,
			Doc: "Password of the user. It is sent over an encrypted connection only, or to this machine", Example: `"pass"`}},
		tls: connectors.Setting{Env: "EMAIL_TLS", Field: schema.Field{Name: "tls", Type: schema.EnumOf(startTLS, fullTLS, noTLS), Default: `"starttls"`,
			Doc: "How the connection is encrypted: a server that does not offer STARTTLS is refused unless this is none", Example: `"starttls"`}},
		from: connectors.Setting{Env: "EMAIL_FROM", Field: schema.Field{Name: "from", Type: text,
			Doc: "Sender of messages that name none", Example: `"flowrun <flowrun@example.com>"`}},
	}
}

// check looks at how the settings of a connection go together.
func check(u *schema.Use) []schema.Problem {
	var out []schema.Problem
	_, user := u.Given["username"]
	_, password := u.Given["password"]
	if user != password {
		out = append(out, schema.Problem{Reason: "username and password belong together: give both or neither."})
	}
	if v, ok := u.Given["tls"]; ok && v != cty.NilVal && u.Text("tls") == noTLS {
		out = append(out, schema.Problem{Setting: "tls", Warning: true,
			Reason: "messages can be read and changed on their way. Use it only for a server on this machine or its own network."})
	}
	return out
}

func send(s *settings) *connectors.Action {
	text := schema.Type{Kind: schema.KindString}
	in := schema.NewObject("send",
		schema.Field{Name: "to", Type: text, Required: true, Role: schema.RoleEmail, Example: `"jo@example.com"`,
			Doc: "Who gets it: one address or several with commas; at most 50 together with cc and bcc"},
		schema.Field{Name: "subject", Type: text, Required: true, Doc: "Subject, on one line", Example: `"A payment failed"`},
		schema.Field{Name: "text", Type: text, Doc: "The message as plain text. This, html, or both must be given", Example: `"A payment of 49.00 EUR failed."`},
		schema.Field{Name: "html", Type: text, Doc: "The message as HTML. Values of others belong in it only once they are escaped", Example: `"<p>A payment failed</p>"`},
		schema.Field{Name: "from", Type: text, Doc: "Sender, instead of the connection's", Example: `"Billing <billing@example.com>"`},
		schema.Field{Name: "reply_to", Type: text, Doc: "Where answers go", Example: `"help@example.com"`},
		schema.Field{Name: "cc", Type: text, Doc: "Who gets a copy that others see", Example: `"copy@example.com"`},
		schema.Field{Name: "bcc", Type: text, Doc: "Who gets a copy that others don't see", Example: `"archive@example.com"`},
		schema.Field{Name: "in_reply_to", Type: text, Doc: "Message that this one answers: the message_id of its step", Example: `"<3f1c@example.com>"`},
	)
	return &connectors.Action{
		Action: schema.Action{
			Name: "email_send", Service: service, Effect: schema.AtMostOnce, For: use, In: in, Out: sent(),
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			Doc:     "Send an e-mail to all its recipients, or to none",
		},
		Call:    connectors.Func(s.send),
		Example: `{"to": "jo@example.com", "subject": "A payment failed", "text": "A payment of 49.00 EUR failed."}`,
		Answer:  `{"message_id": "<3f1c@example.com>", "response": "2.0.0 queued"}`,
		Reply:   `{"response": "2.0.0 queued"}`,
	}
}

// sent is what the action answers.
func sent() *schema.Object {
	text := schema.Type{Kind: schema.KindString}
	return schema.NewObject("sent",
		schema.Field{Name: "message_id", Type: text, Required: true, Doc: "Id in the message's header, made of the step's key", Example: `"<3f1c@example.com>"`},
		schema.Field{Name: "response", Type: text, Required: true, Doc: "What the server said when it took it", Example: `"2.0.0 queued"`},
	)
}

// use refuses a message without content, which the shape can't say.
func use(u *schema.Use) schema.ActionUse {
	out := schema.ActionUse{Effect: schema.AtMostOnce, Out: sent()}
	_, plain := u.Given["text"]
	_, html := u.Given["html"]
	if !plain && !html {
		out.Problems = append(out.Problems, schema.Problem{Reason: "a message needs text, html or both."})
	}
	return out
}
