package stripe

// Stripe signs each delivery as
//
//	Stripe-Signature: t=1533204620,v1=<hex>,v1=<hex of another secret>,v0=<hex, test mode only>
//
// where v1 is the HMAC-SHA256, under the endpoint's secret, of the digits of t, a dot and the raw body. The SDK's own
// check is not used: it takes timestamps from any future, takes an empty secret, knows one secret only, and tells a
// forger that the age was wrong before it has seen a signature. Here the age is looked at only once a signature holds.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	signatureHeader = "Stripe-Signature"

	// Stripe signs every attempt afresh, so that five minutes, its own recommendation, cover slow networks and clocks
	// that are somewhat off. A timestamp from the future is only ever a clock's fault; a signature dated ahead would stay
	// valid until that date.
	maxAge  = 5 * time.Minute
	maxSkew = time.Minute

	// A header holds one timestamp and, while a secret is rolled, two or three signatures.
	maxHeader     = 2048
	maxSignatures = 8
)

// Why a signature does not hold.
var (
	errNotSigned     = errors.New("there is no Stripe-Signature header")
	errManyHeaders   = errors.New("there is more than one Stripe-Signature header")
	errBadHeader     = errors.New("the Stripe-Signature header can't be read")
	errNoSignature   = errors.New("the Stripe-Signature header holds no v1 signature")
	errNoSecret      = errors.New("no signing secret is set")
	errWrong         = errors.New("no signature matches; webhook_secret may be that of another endpoint")
	errTooOld        = errors.New("the signature is too old")
	errFromTheFuture = errors.New("the signature is dated in the future")
)

// signed is a header taken apart.
type signed struct {
	timestamp  string // the digits as they were sent, since they are what was signed
	at         time.Time
	signatures [][sha256.Size]byte
}

// verify returns nil if one of the secrets made one of the v1 signatures of body, at a time that is neither too old
// nor in the future.
func verify(header http.Header, body []byte, secrets []string, now time.Time) error {
	values := header.Values(signatureHeader)
	switch {
	case len(values) == 0:
		return errNotSigned
	case len(values) > 1:
		return errManyHeaders
	}
	s, err := parseSignature(values[0])
	if err != nil {
		return err
	}
	usable, match := false, false
	for _, secret := range secrets {
		if secret == "" {
			continue // anybody could sign with it
		}
		usable = true
		want := sign(body, secret, s.timestamp)
		for i := range s.signatures {
			if hmac.Equal(want[:], s.signatures[i][:]) {
				match = true
			}
		}
	}
	switch {
	case !usable:
		return errNoSecret
	case !match:
		return errWrong
	case now.Sub(s.at) > maxAge:
		return errTooOld
	case s.at.Sub(now) > maxSkew:
		return errFromTheFuture
	}
	return nil
}

// parseSignature takes a header apart. Elements of other schemes are passed over, and so are v1 elements that are not
// the hex of a SHA-256, of which another may be good.
func parseSignature(header string) (signed, error) {
	var s signed
	if len(header) > maxHeader {
		return s, errBadHeader
	}
	if header == "" {
		return s, errNotSigned
	}
	elements := 0
	for element := range strings.SplitSeq(header, ",") {
		if elements++; elements > 4*maxSignatures {
			return s, errBadHeader
		}
		name, value, ok := strings.Cut(element, "=")
		if !ok || strings.Contains(value, "=") {
			return s, errBadHeader
		}
		switch name {
		case "t":
			if s.timestamp != "" {
				return s, errBadHeader // which of the two was signed is anybody's guess
			}
			// Digits only, as Stripe writes a number. Twelve reach the year 33658.
			if value == "" || len(value) > 12 || value[0] == '0' || strings.Trim(value, "0123456789") != "" {
				return s, errBadHeader
			}
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return s, errBadHeader
			}
			s.timestamp, s.at = value, time.Unix(n, 0)
		case "v1":
			var mac [sha256.Size]byte
			if len(value) != hex.EncodedLen(len(mac)) {
				continue
			}
			if _, err := hex.Decode(mac[:], []byte(value)); err != nil {
				continue
			}
			if len(s.signatures) == maxSignatures {
				return s, errBadHeader
			}
			s.signatures = append(s.signatures, mac)
		}
	}
	switch {
	case s.timestamp == "":
		return s, errBadHeader
	case len(s.signatures) == 0:
		return s, errNoSignature
	}
	return s, nil
}

func sign(body []byte, secret, timestamp string) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(timestamp))
	h.Write([]byte{'.'})
	h.Write(body)
	h.Sum(mac[:0])
	return mac
}

// signHeaders returns the headers that Stripe would send with body.
func signHeaders(body []byte, secret string, at time.Time) http.Header {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := sign(body, secret, t)
	h := http.Header{}
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	h.Set(signatureHeader, "t="+t+",v1="+hex.EncodeToString(mac[:]))
	return h
}
