package control

// Who may do what. Somebody is known by a token in a header, by a session that such a token began, by a trusted proxy
// that says who the user is, or, where none of this is set up, by being on this machine. Whoever it is has one of two
// roles.

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"
	"sync"
)

// Role is what somebody may do. The zero Role is none.
type Role uint8

const (
	_           Role = iota
	RoleView         // look at everything, with what tells of a person masked
	RoleOperate      // and see all of it, and change what runs
)

var roleNames = [...]string{"none", "view", "operate"}

// String returns the word used in JSON and in files of tokens.
func (r Role) String() string {
	if int(r) >= len(roleNames) {
		return roleNames[0]
	}
	return roleNames[r]
}

// ParseRole is the inverse of String.
func ParseRole(word string) (Role, bool) {
	for r := RoleView; r <= RoleOperate; r++ {
		if r.String() == word {
			return r, true
		}
	}
	return 0, false
}

// Token lets whoever has it in, under a name that the audit log shows.
type Token struct {
	Name   string
	Role   Role
	Secret string
}

// unnamed is who acts where nobody is named: the holder of the one token, and who is on this machine where there is none.
const unnamed = "operator"

// UnnamedToken lets whoever has it do everything, as nobody in particular.
func UnnamedToken(secret string) Token {
	return Token{Name: unnamed, Role: RoleOperate, Secret: secret}
}

// longestName is how many characters the name of a token may have.
const longestName = 64

// shortestSecret is how many characters a token in a file has at the least, so that it can't be guessed.
const shortestSecret = 20

// ParseTokens reads a file of tokens: a line for each, its name, its role and the token itself, with spaces between
// them. Empty lines and those that begin with # say nothing. An error names the line, and quotes no token.
func ParseTokens(r io.Reader) ([]Token, error) {
	var tokens []Token
	names, secrets := map[string]bool{unnamed: true}, map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("line %d has %d words; write a name, a role and a token", n, len(words))
		}
		t := Token{Name: words[0], Secret: words[2]}
		var ok bool
		t.Role, ok = ParseRole(words[1])
		switch {
		case len(t.Name) > longestName || strings.ContainsFunc(t.Name, func(c rune) bool { return c > '~' || c < '!' }):
			return nil, fmt.Errorf("line %d: a name has up to %d letters, digits and signs", n, longestName)
		case !ok:
			return nil, fmt.Errorf("line %d: the role of %s must be view or operate", n, t.Name)
		case t.Name == unnamed:
			return nil, fmt.Errorf("line %d: the name %q stands for who has none; choose another", n, unnamed)
		case names[t.Name]:
			return nil, fmt.Errorf("line %d: there is a token for %s already", n, t.Name)
		case len(t.Secret) < shortestSecret:
			return nil, fmt.Errorf("line %d: the token of %s has less than %d characters and can be guessed; `openssl rand -hex 32` makes a good one", n, t.Name, shortestSecret)
		case secrets[t.Secret]:
			return nil, fmt.Errorf("line %d: the token of %s is another's, too", n, t.Name)
		}
		names[t.Name], secrets[t.Secret] = true, true
		tokens = append(tokens, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the tokens: %w", err)
	}
	if len(tokens) == 0 {
		return nil, errors.New("there is no token in it")
	}
	return tokens, nil
}

// Proxy is a reverse proxy that has asked the user who he is.
type Proxy struct {
	Header    string         // names the user; believed from Trusted only, and only once in a request. Empty: it names none
	Trusted   []netip.Prefix // the proxy's addresses
	Operators []string       // users who may operate; "*" for all. The others may view
}

// Access is who may come in, as it stands now. It is safe for concurrent use.
type Access struct {
	proxy  *Proxy
	public *url.URL
	locked bool // somebody must say who he is, whatever becomes of the tokens

	mu     sync.RWMutex
	tokens []keyed
}

// keyed is a token as it is compared: no secret is kept as it is.
type keyed struct {
	name string
	role Role
	sum  [sha256.Size]byte // of the secret
	key  [sha256.Size]byte // that its sessions are sealed with
}

// NewAccess returns what lets in the holders of the tokens, and the users that the proxy names, which may be nil. public
// is the address by which browsers reach the door through a proxy; nil where there is none.
func NewAccess(tokens []Token, proxy *Proxy, public *url.URL) *Access {
	a := &Access{proxy: proxy, public: public, locked: len(tokens) > 0 || proxy != nil}
	a.SetTokens(tokens)
	return a
}

// SetTokens replaces the tokens. Sessions that one of the old ones began end with it.
func (a *Access) SetTokens(tokens []Token) {
	list := make([]keyed, 0, len(tokens))
	for _, t := range tokens {
		k := keyed{name: t.Name, role: t.Role, sum: sha256.Sum256([]byte(t.Secret))}
		mac := hmac.New(sha256.New, []byte(t.Secret))
		mac.Write([]byte("flowrun session"))
		mac.Sum(k.key[:0])
		list = append(list, k)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = list
}

// bySecret returns the token with that secret. It looks at all of them, and at hashes, so that the time it takes tells
// nothing.
func (a *Access) bySecret(secret string) (found keyed, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, t := range a.tokens {
		if subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1 {
			found, ok = t, true
		}
	}
	return found, ok
}

// byName returns the token of that name, or, where there is none, one that nothing is sealed with.
func (a *Access) byName(name string) (found keyed, ok bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, t := range a.tokens {
		if t.name == name {
			return t, true
		}
	}
	return keyed{}, false
}

// trusts reports whether an address is the proxy's.
func (a *Access) trusts(from netip.Addr) bool {
	if a.proxy == nil {
		return false
	}
	for _, p := range a.proxy.Trusted {
		if p.Contains(from) {
			return true
		}
	}
	return false
}

// roleOf returns what a user whom the proxy names may do.
func (p *Proxy) roleOf(user string) Role {
	for _, o := range p.Operators {
		if o == user || o == "*" {
			return RoleOperate
		}
	}
	return RoleView
}

// principal is who asks.
type principal struct {
	name string
	role Role
	via  string // "local", "token", "session" or "proxy"
	from string // the address
	ends int64  // of a session: when, in Unix seconds
}
