package email

// The dialogue with the server. What matters most of it is what it proves: a server delivers nothing before the last dot
// of the message, so that whatever fails before may be tried again, and a reply to that dot says whether it took the
// message. Only where the dot was sent and no reply came is the outcome unknown.
//
// The library's own way to send gives one error for all of that, so its client is driven step by step.

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/flowrun/flowrun/connectors"
)

// patience is how long one message may take from the first byte to the last.
const patience = time.Minute

// Protocol carries requests to smtp:// URLs.
func Protocol(t *http.Transport) http.RoundTripper { return &carrier{t} }

type carrier struct{ transport *http.Transport }

// RoundTrip implements http.RoundTripper. It fails with an *connectors.Error.
func (p *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		return nil, connectors.Invalid("the message can't be read")
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	d := &dialogue{r: r}
	response, err := d.send(ctx, p.transport, body)
	if err != nil {
		return nil, d.failure(ctx, err)
	}
	answer, err := json.Marshal(map[string]string{"response": response})
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Proto: "SMTP", Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(answer))), ContentLength: int64(len(answer)), Request: r}, nil
}

// dialogue is one message on its way.
type dialogue struct {
	r      *http.Request
	client *smtp.Client
	ended  bool // the last dot may have left
}

func (d *dialogue) send(ctx context.Context, t *http.Transport, body []byte) (string, error) {
	dial := t.DialContext
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", d.r.URL.Host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	// Who waits in a read or write does not see a context that ends, but does see a deadline that has passed.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := d.open(ctx, conn, t.TLSClientConfig); err != nil {
		return "", err
	}
	if d.r.Method == methodGreet {
		return "", d.client.Quit()
	}
	if err := d.client.Mail("<" + d.r.Header.Get(headerFrom) + ">"); err != nil {
		return "", err
	}
	for to := range strings.SplitSeq(d.r.Header.Get(headerTo), ", ") {
		if err := d.client.Rcpt("<" + to + ">"); err != nil {
			return "", err // nobody gets it: the message was not given yet
		}
	}
	w, err := d.client.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(body); err != nil {
		return "", err
	}
	d.ended = true
	if err := w.Close(); err != nil {
		return "", err
	}
	response := ""
	if said, ok := w.(*smtp.DataCloser); ok {
		response = connectors.CleanText(said.ServerResponse())
	}
	_ = d.client.Quit() // the message is taken, whatever comes of this
	return response, nil
}

// open greets the server, encrypts the connection and logs in.
func (d *dialogue) open(ctx context.Context, conn net.Conn, trusted *tls.Config) error {
	host, mode := d.r.URL.Hostname(), d.r.URL.Query().Get("tls")
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if trusted != nil {
		config = trusted.Clone()
	}
	config.ServerName = host
	if mode == fullTLS {
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = secure
	}
	var err error
	if d.client, err = smtp.NewClient(conn, host); err != nil {
		return err
	}
	d.client.SkipSMTPUTF8(ascii(d.r.Header.Get(headerFrom) + d.r.Header.Get(headerTo)))
	if err := d.client.Hello("localhost"); err != nil {
		return err
	}
	if mode != fullTLS && mode != noTLS {
		if ok, _ := d.client.Extension("STARTTLS"); !ok {
			return connectors.Invalid(`the server does not offer STARTTLS, so that the message would be sent in the clear. Set tls = "tls" for a port that is encrypted from the start`)
		}
		if err := d.client.StartTLS(config); err != nil {
			return err
		}
	}
	user, password, ok := d.r.BasicAuth()
	if !ok {
		return nil
	}
	return d.login(host, user, password)
}

// login uses the best that the server offers and that needs no password in the clear.
func (d *dialogue) login(host, user, password string) error {
	_, offered := d.client.Extension("AUTH")
	for _, m := range []struct {
		name string
		auth smtp.Auth
	}{
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(user, password)},
		{"PLAIN", smtp.PlainAuth("", user, password, host, false)},
		{"LOGIN", smtp.LoginAuth(user, password, host, false)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(user, password)},
	} {
		for word := range strings.FieldsSeq(offered) {
			if word != m.name {
				continue
			}
			err := d.client.Auth(m.auth)
			if errors.Is(err, smtp.ErrUnencrypted) {
				return connectors.Invalid("a password is sent over an encrypted connection only, and tls is none")
			}
			return err
		}
	}
	return connectors.Invalid("the server offers no way to log in that is known here: SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5")
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// failure says what an error means, and whether the message may have been taken.
func (d *dialogue) failure(ctx context.Context, err error) *connectors.Error {
	var own *connectors.Error
	if errors.As(err, &own) {
		return own
	}
	var said *textproto.Error
	if errors.As(err, &said) && said.Code >= 400 {
		return &connectors.Error{Kind: kindOf(said.Code), Code: strconv.Itoa(said.Code), NotSent: true,
			Message: "the server said " + strconv.Itoa(said.Code) + ": " + connectors.CleanText(said.Msg)}
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	e := connectors.NetworkError(err)
	e.NotSent = !d.ended
	return e
}

// kindOf returns what a reply means: 4xx is for now, 5xx for good.
func kindOf(code int) connectors.Kind {
	switch {
	case code == 530 || code == 534 || code == 535 || code == 538:
		return connectors.KindUnauthorized
	case code == 454 || code < 500:
		return connectors.KindServer
	}
	return connectors.KindRefused
}
