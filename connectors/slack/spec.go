// Package slack describes Slack as a place where people are told something: one action that posts a message, through an
// incoming webhook or as a bot.
//
// What is odd about the vendor: the Web API answers 200 to nearly everything and says in the body whether it worked
// (answer.go); an incoming webhook answers with a word of plain text; neither takes a key by which a repeat would be
// recognised, so that a message is posted at most once; and text is markup in which <!channel> wakes everybody, so that
// what a customer typed must not reach it as it is. Reading messages, files and interactive answers are left out.
package slack

import (
	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const service = "slack"

// What Slack shows or takes of a message.
const (
	maxText   = 40_000
	maxBlocks = 50
)

// Spec returns the description of Slack.
func Spec() *connectors.Spec {
	s := newSettings()
	return &connectors.Spec{
		Name:     service,
		Title:    "Slack",
		Doc:      "Messages to channels and people, through an incoming webhook or as a bot",
		Settings: []connectors.Setting{s.webhook, s.token, s.channel, s.base},
		Actions:  []*connectors.Action{message(s)},
		Probes:   probes(s),
		// Slack takes about one message a second in a channel, and short bursts; which channel a call is for is not told
		// apart here.
		Limits: map[string]connectors.Limit{"": {Rate: 1, Burst: 5}},
	}
}

type settings struct{ webhook, token, channel, base connectors.Setting }

func newSettings() *settings {
	text := schema.Type{Kind: schema.KindString}
	return &settings{
		webhook: connectors.Setting{Env: "SLACK_WEBHOOK_URL", Field: schema.Field{Name: "webhook_url", Type: text, Secret: true,
			Doc: "URL of an incoming webhook: messages that name nobody go to its channel", Example: `"https://hooks.slack.com/services/T0/B0/x"`}},
		token: connectors.Setting{Env: "SLACK_BOT_TOKEN", Field: schema.Field{Name: "bot_token", Type: text, Secret: true,
			Doc: "Token of a bot with chat:write; users:read.email to find people by e-mail, im:write to write to them", Example: `"xoxb-1-2-x"`}},
		channel: connectors.Setting{Env: "SLACK_CHANNEL", Field: schema.Field{Name: "channel", Type: text,
			Doc: "Where the bot posts messages that name nobody, by id or name", Example: `"#payments"`}},
		base: connectors.Setting{Env: "SLACK_BASE_URL", Field: schema.Field{Name: "base_url", Type: schema.Type{Kind: schema.KindString, Format: schema.URL},
			Doc: "Address of the Web API, instead of Slack's", Example: `"https://slack.example.com/api"`}},
	}
}

func message(s *settings) *connectors.Action {
	text := schema.Type{Kind: schema.KindString}
	truth := schema.Type{Kind: schema.KindBool}
	in := schema.NewObject("message",
		schema.Field{Name: "text", Type: text, Required: true, Example: `"A payment of *49.00 EUR* failed"`,
			Doc: "The message; where blocks are given, what notifications show. <, > and & in it are escaped"},
		schema.Field{Name: "channel", Type: text, Doc: "Channel, by id or name. As a bot only", Example: `"#payments"`},
		schema.Field{Name: "user", Type: text, Doc: "Person who gets it as a direct message, by id. As a bot only", Example: `"U012AB3CD"`},
		schema.Field{Name: "email", Type: schema.Type{Kind: schema.KindString, Format: schema.Email}, Role: schema.RoleEmail,
			Doc: "Person who gets it as a direct message, by the e-mail of their account. As a bot only", Example: `"jo@example.com"`},
		schema.Field{Name: "thread_ts", Type: text, Doc: "Message that this one answers: the ts of its step", Example: `"1750000000.000100"`},
		schema.Field{Name: "reply_broadcast", Type: truth, Doc: "Show an answer in the channel, too", Example: "true"},
		schema.Field{Name: "blocks", Type: schema.Type{Kind: schema.KindAny}.ListOf(), Example: `[{"type": "divider"}]`,
			Doc: "Layout blocks, at most 50, sent as they are: a plain_text element keeps what customers typed from being markup"},
		schema.Field{Name: "allow_markup", Type: truth, Default: "false", Example: "true",
			Doc: "Leave <, > and & in text as they are, for links and mentions. Whoever wrote a part of it can then call the whole channel"},
		schema.Field{Name: "markdown", Type: truth, Default: "true", Doc: "Show *bold*, _italic_ and `code` in text", Example: "false"},
		schema.Field{Name: "unfurl", Type: truth, Default: "false", Doc: "Show previews of links", Example: "true"},
	)
	return &connectors.Action{
		Action: schema.Action{
			Name: "slack_message", Service: service, Effect: schema.AtMostOnce, For: use, In: in, Out: posted(),
			Lasting: schema.Lasting{Kind: schema.SendsMessage},
			Doc:     "Post a message: through the connection's webhook, or as a bot where it names a channel, a person or a thread",
		},
		Call:    connectors.Func(s.post),
		Example: `{"channel": "#payments", "text": "A payment of *49.00 EUR* failed"}`,
		Answer:  `{"channel": "C012AB3CD", "ts": "1750000000.000100"}`,
		Reply:   `{"ok": true, "channel": "C012AB3CD", "ts": "1750000000.000100"}`,
	}
}

// posted is what the action answers.
func posted() *schema.Object {
	text := schema.Type{Kind: schema.KindString}
	return schema.NewObject("posted",
		schema.Field{Name: "channel", Type: text, Required: true, Nullable: true, Doc: "Id of the channel; null through a webhook", Example: `"C012AB3CD"`},
		schema.Field{Name: "ts", Type: text, Required: true, Nullable: true, Doc: "Id of the message, for thread_ts; null through a webhook", Example: `"1750000000.000100"`},
	)
}

// use refuses a message to several places, which the shape can't say: none is also right.
func use(u *schema.Use) schema.ActionUse {
	out := schema.ActionUse{Effect: schema.AtMostOnce, Out: posted()}
	first := ""
	for _, name := range []string{"channel", "user", "email"} {
		if _, given := u.Given[name]; !given {
			continue
		}
		if first != "" {
			out.Problems = append(out.Problems, schema.Problem{Setting: name, Reason: "a message goes to one place, and " + first + " is given already. Use a step for each."})
		}
		first = name
	}
	_, shown := u.Given["reply_broadcast"]
	if _, answer := u.Given["thread_ts"]; shown && !answer {
		out.Problems = append(out.Problems, schema.Problem{Setting: "reply_broadcast", Reason: "only an answer can be shown in the channel, too: it needs thread_ts."})
	}
	return out
}
