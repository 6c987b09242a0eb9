package control

// A session is a cookie that a token was exchanged for. Nothing is kept of it: it says whose it is and until when, sealed
// with a key that is made of the token, so that it outlives a restart of the server and dies with the token. Page scripts
// can't read it, and no other site can have it sent.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sessionTime is how long a session lasts.
const sessionTime = 12 * time.Hour

// Session is who asks, as the door knows him.
type Session struct {
	Name string    `json:"name"` // of the token, or of the user
	Role string    `json:"role" enum:"view,operate"`
	Via  string    `json:"via" enum:"local,token,session,proxy"` // how that is known
	Ends time.Time `json:"ends,omitzero"`                        // of a session
}

// SignIn is a token that is to be exchanged for a session.
type SignIn struct {
	Token string `json:"token"`
}

// cookieName depends on how the browser speaks: over https the prefix has it refuse a cookie that another host of the
// domain has set. Without it ports share cookies, and each server of a machine needs a name of its own.
func (g *guard) cookieName(r *http.Request) string {
	if g.secure(r) {
		return "__Host-flowrun"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "flowrun-" + port
	}
	return "flowrun"
}

func (g *guard) cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: g.cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: g.secure(r)}
}

// seal makes the value of a cookie.
func seal(k keyed, ends int64) string {
	text := "1." + strconv.FormatInt(ends, 36) + "." + base64.RawURLEncoding.EncodeToString([]byte(k.name))
	mac := hmac.New(sha256.New, k.key[:])
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// session returns who a cookie says asks, or nil. Of two cookies at least one is not ours: neither counts.
func (g *guard) session(r *http.Request) *principal {
	cookies := r.CookiesNamed(g.cookieName(r))
	if len(cookies) != 1 {
		return nil
	}
	parts := strings.Split(cookies[0].Value, ".")
	if len(parts) != 4 || parts[0] != "1" {
		return nil
	}
	ends, err := strconv.ParseInt(parts[1], 36, 64)
	name, nameErr := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || nameErr != nil {
		return nil
	}
	k, known := g.access.byName(string(name))
	k.name = string(name)
	// The same work for a name that nobody has, so that the time it takes tells no names.
	if !hmac.Equal([]byte(seal(k, ends)), []byte(cookies[0].Value)) || !known || g.clock.Now().Unix() >= ends {
		return nil
	}
	return &principal{name: k.name, role: k.role, via: "session", ends: ends}
}

func sessionOf(p *principal) Session {
	s := Session{Name: p.name, Role: p.role.String(), Via: p.via}
	if p.ends != 0 {
		s.Ends = time.Unix(p.ends, 0).UTC()
	}
	return s
}

func (h *Handler) whoAmI(r *http.Request) (any, error) {
	p, refused := h.guard.identify(r)
	if refused != nil {
		return nil, refused
	}
	return sessionOf(p), nil
}

// signIn exchanges a token for a session.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) {
	p, refused := h.signedIn(w, r)
	if refused != nil {
		writeProblem(w, refused)
		return
	}
	writeJSON(w, http.StatusOK, sessionOf(p))
}

// maxSignIn bounds the body of who is not known yet.
const maxSignIn = 4 << 10

func (h *Handler) signedIn(w http.ResponseWriter, r *http.Request) (*principal, *Problem) {
	if !h.access.locked {
		return nil, problem(http.StatusConflict, "open", "nobody need sign in here: whoever is on this machine may ask")
	}
	var in SignIn
	r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
	if err := readJSON(r, &in); err != nil {
		return nil, h.problem(r, err)
	}
	from, now := h.guard.address(r), h.cfg.Clock.Now()
	if !h.guard.signIns.take(from, now) {
		h.cfg.Log.Warn("sign-ins are held back: too many were refused", "from", from.String())
		w.Header().Set("Retry-After", strconv.Itoa(int(signInPace.every/time.Second)))
		return nil, problem(http.StatusTooManyRequests, "too_many", "too many wrong tokens; wait a minute and try again")
	}
	k, ok := h.access.bySecret(strings.TrimSpace(in.Token))
	if !ok {
		h.cfg.Log.Warn("a sign-in was refused: no such token", "from", from.String())
		return nil, problem(http.StatusUnauthorized, "bad_token", "there is no such token")
	}
	h.guard.signIns.giveBack(from)
	p := &principal{name: k.name, role: k.role, via: "session", from: from.String(), ends: now.Add(sessionTime).Unix()}
	if _, err := h.note(r.Context(), p, "signed_in", "", nil); err != nil {
		return nil, h.problem(r, err)
	}
	http.SetCookie(w, h.guard.cookie(r, seal(k, p.ends), int(sessionTime/time.Second)))
	return p, nil
}

// signOut has the browser forget its session.
func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, h.guard.cookie(r, "", -1))
	if p := h.guard.session(r); p != nil {
		p.from = h.guard.address(r).String()
		if _, err := h.note(r.Context(), p, "signed_out", "", nil); err != nil {
			h.cfg.Log.Error("a sign-out is not in the audit log", "who", p.name, "error", err)
		}
	}
	writeJSON(w, http.StatusOK, struct{}{})
}
