// Package mailfake is a mail server in this process, for tests and sandboxes. It speaks SMTP by a library that has
// nothing in common with the client's, and keeps what it takes.
package mailfake

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is a message that was taken.
type Mail struct {
	From, User string
	To         []string
	Data       string
	Encrypted  bool
}

// Options change what the server does.
type Options struct {
	TLS      *tls.Config // it offers STARTTLS, or is encrypted from the start where Implicit is set
	Implicit bool
	Password string // needed to log in; nobody need log in where it is empty, and everybody may

	// Reply, where it returns an error, is what a step is answered: mail, rcpt, data. An error that is no *smtp.SMTPError
	// cuts the connection.
	Reply func(step, arg string) error

	OnMail func(Mail) // is told of each message; may be nil
}

// Refusal is a reply for Options.Reply.
func Refusal(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
}

// Fake is a server on a port of the loopback.
type Fake struct {
	options  Options
	server   *smtp.Server
	listener net.Listener

	mu   sync.Mutex
	mail []Mail
}

// New starts a server.
func New(o Options) (*Fake, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a port for mail: %w", err)
	}
	f := &Fake{options: o, listener: l}
	f.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{f: f, conn: c}, nil }))
	f.server.Domain, f.server.AllowInsecureAuth, f.server.MaxMessageBytes = "localhost", true, 4<<20
	f.server.ErrorLog = log.New(io.Discard, "", 0)
	if o.TLS != nil && o.Implicit {
		l = tls.NewListener(l, o.TLS)
	} else {
		f.server.TLSConfig = o.TLS
	}
	go func() { _ = f.server.Serve(l) }() // ends when it is closed
	return f, nil
}

// Addr returns its host and port.
func (f *Fake) Addr() (host, port string) {
	host, port, _ = net.SplitHostPort(f.listener.Addr().String())
	return host, port
}

// Mail returns what was taken.
func (f *Fake) Mail() []Mail {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Mail(nil), f.mail...)
}

// Close ends it.
func (f *Fake) Close() { _ = f.server.Close() }

type session struct {
	f    *Fake
	conn *smtp.Conn
	now  Mail
	user string
}

// step answers a step as the options say.
func (s *session) step(name, arg string) error {
	if s.f.options.Reply == nil {
		return nil
	}
	err := s.f.options.Reply(name, arg)
	if said := (*smtp.SMTPError)(nil); err != nil && !errors.As(err, &said) {
		_ = s.conn.Conn().Close()
	}
	return err
}

// AuthMechanisms implements smtp.AuthSession.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.f.options.Password != "" && password != s.f.options.Password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.f.options.Password != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	_, encrypted := s.conn.TLSConnectionState()
	s.now = Mail{From: from, User: s.user, Encrypted: encrypted}
	return s.step("mail", from)
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.To = append(s.now.To, to)
	return s.step("rcpt", to)
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.Data = string(data)
	if err := s.step("data", s.now.Data); err != nil {
		return err
	}
	s.f.mu.Lock()
	s.f.mail = append(s.f.mail, s.now)
	s.f.mu.Unlock()
	if s.f.options.OnMail != nil {
		s.f.options.OnMail(s.now)
	}
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.now = Mail{} }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
