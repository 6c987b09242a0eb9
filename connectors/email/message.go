package email

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/zclconf/go-cty/cty"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang/schema"
)

const maxRecipients = 50

// Headers of the request, from which the protocol takes the envelope.
const (
	headerFrom = "Mail-From"
	headerTo   = "Rcpt-To"
)

// send makes the call of email_send.
func (s *settings) send(ctx context.Context, c *connectors.Call) (connectors.Result, error) {
	req, id, err := s.request(ctx, c)
	if err != nil {
		return connectors.Result{}, err
	}
	client := *c.Conn.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, failed, err := connectors.Do(&client, req)
	if err != nil {
		return connectors.Result{Status: failed.Status}, failed
	}
	defer resp.Body.Close()
	res := connectors.Result{Status: resp.StatusCode}
	if kind := connectors.StatusKind(resp.StatusCode); kind != "" {
		at, _ := http.ParseTime(resp.Header.Get("Date"))
		return res, &connectors.Error{Kind: kind, Status: resp.StatusCode, NotSent: kind == connectors.KindRateLimited,
			Message: "refused with HTTP status " + strconv.Itoa(resp.StatusCode), RetryAfter: connectors.RetryAfter(resp.Header, at)}
	}
	body, err := connectors.ReadAnswer(ctx, resp, 64<<10)
	if err != nil {
		e := connectors.AsError(err)
		e.Status = resp.StatusCode
		return res, e
	}
	var answer struct {
		Response *string `json:"response"`
	}
	if schema.CheckJSON(body, schema.JSONLimits{}) != nil || json.Unmarshal(body, &answer) != nil || answer.Response == nil {
		return res, &connectors.Error{Kind: connectors.KindDrift, Status: resp.StatusCode, Message: "the answer is not the server's"}
	}
	res.Output = cty.ObjectVal(map[string]cty.Value{"message_id": cty.StringVal(id), "response": cty.StringVal(*answer.Response)})
	return res, nil
}

// request writes the message and returns it as a request, with its id.
func (s *settings) request(ctx context.Context, c *connectors.Call) (*http.Request, string, error) {
	if err := s.hosted(c.Conn); err != nil {
		return nil, "", err
	}
	e, err := s.envelope(c)
	if err != nil {
		return nil, "", err
	}
	if c.Key == "" {
		return nil, "", connectors.Invalid("the call has no idempotency key")
	}
	id := "<" + c.Key + "@" + domain(e.from) + ">"
	body, err := message(c, e, id)
	if err != nil {
		return nil, "", err
	}
	req, err := s.dialed(ctx, c.Conn, http.MethodPost, bytes.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", "message/rfc822")
	req.Header.Set(headerFrom, e.from)
	req.Header.Set(headerTo, strings.Join(e.all, ", "))
	return req, id, nil
}

// hosted refuses a connection that leads nowhere.
func (s *settings) hosted(c *connectors.Conn) error {
	if c.Setting(s.host.Name) == "" {
		return connectors.Invalidf("connection %q has no %s: set %s in its block, or the environment variable %s", c.Name, s.host.Name, s.host.Name, s.host.Env)
	}
	return nil
}

// dialed returns a request to the connection's server.
func (s *settings) dialed(ctx context.Context, c *connectors.Conn, method string, body io.Reader) (*http.Request, error) {
	mode := c.Setting(s.tls.Name)
	target := url.URL{Scheme: scheme, Host: c.Setting(s.host.Name) + ":" + s.portOf(c, mode), RawQuery: url.Values{"tls": {mode}}.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, connectors.Invalid("the connection's host or port can't be used")
	}
	if user := c.Setting(s.username.Name); user != "" {
		req.SetBasicAuth(user, c.Setting(s.password.Name))
	}
	return req, nil
}

func (s *settings) portOf(conn *connectors.Conn, mode string) string {
	if p := conn.Setting(s.port.Name); p != "" {
		return p
	}
	switch mode {
	case fullTLS:
		return "465"
	case noTLS:
		return "25"
	}
	return "587"
}

// envelope is who sends and who gets a message.
type envelope struct {
	sender  *netmail.Address
	from    string // the bare address
	to, cc  []*netmail.Address
	replyTo []*netmail.Address
	all     []string // bare addresses, of bcc too
}

func (s *settings) envelope(c *connectors.Call) (*envelope, error) {
	from := connectors.InputString(c, "from")
	if from == "" {
		from = c.Conn.Setting(s.from.Name)
	}
	if from == "" {
		return nil, connectors.Invalidf("the message has no from, and connection %q has none: set %s in its block, or the environment variable %s",
			c.Conn.Name, s.from.Name, s.from.Env)
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil || !plain(sender.Address) {
		return nil, connectors.Invalid("from is no e-mail address")
	}
	e := &envelope{sender: sender, from: sender.Address}
	var bcc []*netmail.Address
	for _, part := range []struct {
		name string
		list *[]*netmail.Address
	}{{"to", &e.to}, {"cc", &e.cc}, {"bcc", &bcc}, {"reply_to", &e.replyTo}} {
		text := strings.TrimSpace(connectors.InputString(c, part.name))
		if text == "" {
			continue
		}
		if *part.list, err = netmail.ParseAddressList(text); err != nil {
			return nil, connectors.Invalidf("%s holds something that is no e-mail address", part.name)
		}
		for _, a := range *part.list {
			if !plain(a.Address) {
				return nil, connectors.Invalidf("%s holds something that is no e-mail address", part.name)
			}
			if part.name != "reply_to" {
				e.all = append(e.all, a.Address)
			}
		}
	}
	switch n := len(e.all); {
	case len(e.to) == 0:
		return nil, connectors.Invalid("to is empty")
	case n > maxRecipients:
		return nil, connectors.Invalidf("there are %d recipients; one message may have %d", n, maxRecipients)
	}
	return e, nil
}

// plain reports whether an address can stand in an SMTP command, and in a list with commas.
func plain(address string) bool { return !strings.ContainsAny(address, "\r\n\t ,<>\"") }

func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

var messageID = regexp.MustCompile(`^<[^<>\s]{1,200}@[^<>\s]{1,200}>$`)

// message writes the message, the same for the same call: its date is the event's, its id and boundary come of the key.
func message(c *connectors.Call, e *envelope, id string) ([]byte, error) {
	text, html := connectors.InputString(c, "text"), connectors.InputString(c, "html")
	subject := strings.Join(strings.Fields(connectors.InputString(c, "subject")), " ")
	switch {
	case strings.TrimSpace(text) == "" && strings.TrimSpace(html) == "":
		return nil, connectors.Invalid("a message needs text, html or both")
	case subject == "":
		return nil, connectors.Invalid("subject is empty")
	}
	m := mail.NewMsg(mail.WithNoDefaultUserAgent(), mail.WithBoundary(c.Key[:min(len(c.Key), 40)]))
	m.FromMailAddress(e.sender)
	m.ToMailAddress(e.to...)
	if len(e.cc) > 0 {
		m.CcMailAddress(e.cc...)
	}
	if len(e.replyTo) > 0 {
		m.ReplyToMailAddress(e.replyTo...)
	}
	m.Subject(subject)
	m.SetMessageIDWithValue(strings.Trim(id, "<>"))
	at := c.EventTime
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	m.SetDateWithValue(at.UTC())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // so that nobody's absence note comes back
	if answered := connectors.InputString(c, "in_reply_to"); answered != "" {
		if !messageID.MatchString(answered) {
			return nil, connectors.Invalid("in_reply_to is no message id: <something@example.com>")
		}
		m.SetGenHeaderPreformatted("In-Reply-To", answered)
		m.SetGenHeaderPreformatted("References", answered)
	}
	switch {
	case text == "":
		m.SetBodyString(mail.TypeTextHTML, html)
	default:
		m.SetBodyString(mail.TypeTextPlain, text)
		if html != "" {
			m.AddAlternativeString(mail.TypeTextHTML, html)
		}
	}
	var b bytes.Buffer
	if _, err := m.WriteTo(&b); err != nil {
		return nil, connectors.Invalid("the message can't be written: " + connectors.CleanText(err.Error()))
	}
	return b.Bytes(), nil
}
