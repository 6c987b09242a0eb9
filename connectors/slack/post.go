package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

// post makes the call of slack_message.
func (s *settings) post(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	to, err := s.target(c)
	if err != nil {
		return connectors.Result{}, err
	}
	if to.webhook != "" {
		body, err := content(c, "")
		if err != nil {
			return connectors.Result{}, err
		}
		status, err := s.notify(ctx, c, to.webhook, body)
		if err != nil {
			return connectors.Result{Status: status}, err
		}
		none := cty.NullVal(cty.String)
		return connectors.Result{Status: status, Output: cty.ObjectVal(map[string]cty.Value{"channel": none, "ts": none})}, nil
	}
	channel, err := s.channelOf(ctx, c, to)
	if err != nil {
		e := connectors.AsError(err)
		e.NotSent = true // whatever came of the look-up: no message was posted
		return connectors.Result{Status: e.Status}, e
	}
	body, err := content(c, channel)
	if err != nil {
		return connectors.Result{}, err
	}
	a, err := s.api(ctx, c, "chat.postMessage", "application/json; charset=utf-8", body)
	if err != nil {
		return connectors.Result{Status: connectors.AsError(err).Status}, err
	}
	if a.Channel.id == "" || a.TS == "" {
		return connectors.Result{Status: a.status}, drift(a.status, "it names no channel or no ts")
	}
	return connectors.Result{Status: a.status, Output: cty.ObjectVal(map[string]cty.Value{
		"channel": cty.StringVal(a.Channel.id), "ts": cty.StringVal(a.TS)})}, nil
}

// target is where a message goes: a webhook, or one of the others as a bot.
type target struct{ webhook, channel, user, email string }

func (s *settings) target(c *connectors.Call) (target, error) {
	to := target{channel: connectors.InputString(c, "channel"), user: connectors.InputString(c, "user"), email: connectors.InputString(c, "email")}
	given := 0
	for _, v := range []string{to.channel, to.user, to.email} {
		if v != "" {
			given++
		}
	}
	thread := connectors.InputString(c, "thread_ts")
	token, hook := c.Conn.Setting(s.token.Name), c.Conn.Setting(s.webhook.Name)
	switch {
	case given > 1:
		return to, connectors.Invalid("a message goes to one of channel, user and email")
	case given == 0 && thread == "" && hook != "":
		if u, err := url.Parse(hook); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return to, connectors.Invalidf("%s of connection %q is no URL", s.webhook.Name, c.Conn.Name)
		}
		to.webhook = hook
		return to, nil
	case token == "" && (given > 0 || thread != ""):
		return to, connectors.Invalidf("connection %q has no %s, which a message to a channel, a person or a thread needs: set it in its block, or the environment variable %s",
			c.Conn.Name, s.token.Name, s.token.Env)
	case token == "":
		return to, connectors.Invalidf("connection %q has no %s and no %s: set one in its block, or the environment variable %s or %s",
			c.Conn.Name, s.webhook.Name, s.token.Name, s.webhook.Env, s.token.Env)
	case given == 0:
		to.channel = c.Conn.Setting(s.channel.Name)
		if to.channel == "" {
			return to, connectors.Invalidf("the message names no channel, user or email, and connection %q has no channel", c.Conn.Name)
		}
	}
	return to, nil
}

// channelOf looks up where a bot has to post for a person.
func (s *settings) channelOf(ctx context.Context, c *connectors.Call, to target) (string, error) {
	if to.channel != "" {
		return to.channel, nil
	}
	user := to.user
	if to.email != "" {
		a, err := s.api(ctx, c, "users.lookupByEmail", "application/x-www-form-urlencoded", []byte(url.Values{"email": {to.email}}.Encode()))
		if err != nil {
			return "", err
		}
		if user = a.User.ID; user == "" {
			return "", drift(a.status, "it names no user")
		}
	}
	body, err := json.Marshal(map[string]string{"users": user})
	if err != nil {
		return "", connectors.Invalid("user can't be written as JSON")
	}
	a, err := s.api(ctx, c, "conversations.open", "application/json; charset=utf-8", body)
	if err != nil {
		return "", err
	}
	if a.Channel.id == "" {
		return "", drift(a.status, "it names no channel")
	}
	return a.Channel.id, nil
}

// markup is what Slack takes for its own in a text.
var markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// content writes the message. channel is empty where a webhook knows it.
func content(c *connectors.Call, channel string) ([]byte, error) {
	text := connectors.InputString(c, "text")
	if strings.TrimSpace(text) == "" {
		return nil, connectors.Invalid("text is empty")
	}
	if !flag(c, "allow_markup", false) {
		text = markup.Replace(text)
	}
	if len([]rune(text)) > maxText {
		return nil, connectors.Invalidf("text has more than %d characters, of which Slack would cut off the rest", maxText)
	}
	members := []member{{"text", cty.StringVal(text)}}
	if channel != "" {
		members = append([]member{{"channel", cty.StringVal(channel)}}, members...)
	}
	blocks := connectors.Input(c, "blocks")
	if !blocks.IsNull() && blocks.LengthInt() > maxBlocks {
		return nil, connectors.Invalidf("there are %d blocks; Slack takes %d", blocks.LengthInt(), maxBlocks)
	}
	unfurl := cty.BoolVal(flag(c, "unfurl", false))
	members = append(members, member{"blocks", blocks}, member{"thread_ts", connectors.Input(c, "thread_ts")},
		member{"reply_broadcast", connectors.Input(c, "reply_broadcast")}, member{"mrkdwn", cty.BoolVal(flag(c, "markdown", true))},
		member{"unfurl_links", unfurl}, member{"unfurl_media", unfurl})
	dst := []byte{'{'}
	for _, m := range members {
		if m.value.IsNull() {
			continue
		}
		var err error
		if dst, err = connectors.AppendJSONMember(dst, m.name, m.value); err != nil {
			return nil, connectors.Invalidf("%s: %v", m.name, err)
		}
	}
	return append(dst, '}'), nil
}

type member struct {
	name  string
	value cty.Value
}

func flag(c *connectors.Call, name string, otherwise bool) bool {
	if v := connectors.Input(c, name); !v.IsNull() && v.Type() == cty.Bool {
		return v.True()
	}
	return otherwise
}

// notify posts through a webhook.
func (s *settings) notify(ctx context.Context, c *connectors.Call, hook string, body []byte) (int, error) {
	status, header, answer, err := send(ctx, c, hook, "", "application/json", body)
	if err != nil {
		return status, err
	}
	if e := refusal(status, header, word(answer)); e != nil {
		return status, e
	}
	if strings.TrimSpace(string(answer)) != "ok" {
		return status, drift(status, `it is not "ok"`)
	}
	return status, nil
}

// api calls a method of the Web API.
func (s *settings) api(ctx context.Context, c *connectors.Call, method, kind string, body []byte) (*answer, error) {
	base := "https://slack.com/api"
	if own := c.Conn.Setting(s.base.Name); own != "" {
		base = strings.TrimRight(own, "/")
	}
	status, header, raw, err := send(ctx, c, base+"/"+method, c.Conn.Setting(s.token.Name), kind, body)
	if err != nil {
		return nil, err
	}
	a := &answer{status: status}
	readable := schema.CheckJSON(raw, schema.JSONLimits{}) == nil && json.Unmarshal(raw, a) == nil
	if e := refusal(status, header, known(a.Error)); e != nil {
		return nil, e
	}
	switch {
	case !readable || a.OK == nil:
		return nil, drift(status, "it is no answer of the Web API")
	case !*a.OK:
		return nil, failure(a, header)
	}
	return a, nil
}

const maxAnswer = 1 << 20

// send makes one request. token is left out where it is empty.
func send(ctx context.Context, c *connectors.Call, to, token, kind string, body []byte) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, connectors.Invalid("the connection's URL can't be used")
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "flowrun")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := *c.Conn.Client // a copy: a redirect would send the message and the token elsewhere
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, failed, err := connectors.Do(&client, req)
	if err != nil {
		return 0, nil, nil, failed
	}
	defer resp.Body.Close()
	answer, err := connectors.ReadAnswer(ctx, resp, maxAnswer)
	if err != nil {
		e := connectors.AsError(err)
		e.Status = resp.StatusCode
		return resp.StatusCode, nil, nil, e
	}
	return resp.StatusCode, resp.Header, answer, nil
}
