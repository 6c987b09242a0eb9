package main

// Who may use the control door: what is said of it on the command line, and what is read again at each reload, so that a
// token that is taken out of its file lets nobody in any more.

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/flowrun/flowrun/runtime/control"
)

// accessOptions are the flags of the control door.
type accessOptions struct {
	tokens     string
	public     string
	userHeader string
	proxies    list
	operators  list
}

func (o *accessOptions) define(f *flags) {
	f.StringVar(&o.tokens, "tokens", "", "`FILE`: who may use the control door: a line for each with a name, view or operate, and a token; read again at each reload")
	f.fromEnv("tokens", "FLOWRUN_TOKENS")
	f.StringVar(&o.public, "control-url", "", "`URL`: how browsers reach the control door, where a proxy stands before it")
	f.fromEnv("control-url", "FLOWRUN_CONTROL_URL")
	f.Var(&o.proxies, "trusted-proxy", "`ADDRESS`: of a proxy whose word is taken on where requests come from, an address or 10.0.0.0/8; may be repeated")
	f.fromEnv("trusted-proxy", "FLOWRUN_TRUSTED_PROXY")
	f.StringVar(&o.userHeader, "user-header", "", "`NAME`: the header in which a trusted proxy names the user, such as X-Forwarded-User")
	f.fromEnv("user-header", "FLOWRUN_USER_HEADER")
	f.Var(&o.operators, "operator", "`USER`: whom the proxy names and who may operate, * for all; the others may view; may be repeated")
	f.fromEnv("operator", "FLOWRUN_OPERATORS")
}

// splitCommas splits what was given several times, or once with commas.
func splitCommas(l list) []string {
	var out []string
	for _, s := range l {
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// locked reports whether somebody must say who he is.
func (o *accessOptions) locked(m *Main) bool {
	return m.env("FLOWRUN_CONTROL_TOKEN") != "" || o.tokens != "" || o.userHeader != ""
}

// prefixes reads the addresses of proxies.
func (o *accessOptions) prefixes() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range splitCommas(o.proxies) {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, usagef("-trusted-proxy %q is not an address such as 10.0.0.7 or 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// publicURL reads the address by which browsers reach the door; nil where there is none.
func (o *accessOptions) publicURL() (*url.URL, error) {
	if o.public == "" {
		return nil, nil
	}
	u, err := url.Parse(strings.TrimRight(o.public, "/"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return nil, usagef("-control-url %q is not an address such as https://flowrun.example.com, without a path", o.public)
	}
	return u, nil
}

// build makes what the door asks. It reads the tokens, and returns the secrets among them.
func (o *accessOptions) build(m *Main) (*control.Access, []string, error) {
	prefixes, err := o.prefixes()
	if err != nil {
		return nil, nil, err
	}
	public, err := o.publicURL()
	if err != nil {
		return nil, nil, err
	}
	var proxy *control.Proxy
	switch {
	case o.userHeader != "" && len(prefixes) == 0:
		return nil, nil, usagef("-user-header %s: anyone could say who he is; name the proxy that may with -trusted-proxy", o.userHeader)
	case o.userHeader != "" && public == nil:
		return nil, nil, usagef("-user-header %s needs -control-url: the door must know by which name the proxy is called, so that no other page can pass for it", o.userHeader)
	case o.userHeader == "" && len(o.operators) > 0:
		return nil, nil, usagef("-operator is for users whom a proxy names: it needs -user-header")
	case len(prefixes) > 0:
		if !o.locked(m) {
			return nil, nil, usagef("-trusted-proxy needs tokens (-tokens), or a header that names users (-user-header): through a proxy everybody could come")
		}
		proxy = &control.Proxy{Header: http.CanonicalHeaderKey(o.userHeader), Trusted: prefixes, Operators: splitCommas(o.operators)}
	}
	tokens, secrets, err := o.readTokens(m)
	if err != nil {
		return nil, nil, err
	}
	return control.NewAccess(tokens, proxy, public), secrets, nil
}

// readTokens reads the file of tokens, and adds the one of the environment.
func (o *accessOptions) readTokens(m *Main) (tokens []control.Token, secrets []string, err error) {
	if o.tokens != "" {
		f, err := os.Open(m.path(o.tokens))
		if err != nil {
			return nil, nil, fmt.Errorf("reading the tokens (-tokens): %w", err)
		}
		defer f.Close()
		if tokens, err = control.ParseTokens(f); err != nil {
			return nil, nil, fmt.Errorf("%s (-tokens): %w", o.tokens, err)
		}
	}
	if secret := m.env("FLOWRUN_CONTROL_TOKEN"); secret != "" {
		tokens = append(tokens, control.UnnamedToken(secret))
	}
	for _, t := range tokens {
		secrets = append(secrets, t.Secret)
	}
	return tokens, secrets, nil
}

// rereadTokens has the door go by the tokens as they are now. Where they can't be read it goes on as it was.
func (s *server) rereadTokens() {
	if s.o.access.tokens == "" {
		return
	}
	tokens, secrets, err := s.o.access.readTokens(s.m)
	if err != nil {
		s.log.Error("the tokens can't be read again; the control door goes by those it has", "error", err)
		return
	}
	s.remember(secrets)
	s.access.SetTokens(tokens)
}
