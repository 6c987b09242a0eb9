package customerio

// Customer.io signs each delivery with two headers,
//
//	X-CIO-Timestamp: 1613063089
//	X-CIO-Signature: <lower-case hex>
//
// the HMAC-SHA256, under the webhook's signing key, of "v0:", the timestamp, a colon and the raw body.

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
	timestampHeader = "X-CIO-Timestamp"
	signatureHeader = "X-CIO-Signature"

	// A delivery that failed is tried again for seven days, and whether the timestamp is made anew each time is not
	// documented. So the bound is what a true delivery can need; within it a copy is caught by the event's id.
	maxAge = 8 * 24 * time.Hour

	// A timestamp from the future is only ever a clock's fault, or a signature that should stay valid until that date.
	maxSkew = 5 * time.Minute
)

// Why a signature does not hold.
var (
	errNotSigned     = errors.New("the headers X-CIO-Timestamp and X-CIO-Signature must be there, once each")
	errBadTimestamp  = errors.New("the X-CIO-Timestamp header is not a number of seconds")
	errNoSecret      = errors.New("no signing key is set")
	errWrong         = errors.New("the signature does not match; webhook_signing_key may be that of another webhook")
	errTooOld        = errors.New("the signature is too old")
	errFromTheFuture = errors.New("the signature is dated in the future")
)

// verify returns the moment of the signature if one of the keys made it, for this body and at a time that is neither
// too old nor in the future. The age is looked at only once a signature holds, so that a forger learns nothing by it.
func verify(header http.Header, body []byte, keys []string, now time.Time) (time.Time, error) {
	stamps, given := header.Values(timestampHeader), header.Values(signatureHeader)
	if len(stamps) != 1 || len(given) != 1 || given[0] == "" {
		return time.Time{}, errNotSigned
	}
	stamp := stamps[0]
	// Digits only, as Customer.io writes a number. Twelve reach the year 33658.
	if stamp == "" || len(stamp) > 12 || strings.Trim(stamp, "0123456789") != "" {
		return time.Time{}, errBadTimestamp
	}
	n, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return time.Time{}, errBadTimestamp
	}
	at := time.Unix(n, 0).UTC()
	usable, match := false, false
	for _, key := range keys {
		if key == "" {
			continue // anybody could sign with it
		}
		usable = true
		if hmac.Equal([]byte(sign(body, key, stamp)), []byte(given[0])) {
			match = true
		}
	}
	switch {
	case !usable:
		return at, errNoSecret
	case !match:
		return at, errWrong
	case now.Sub(at) > maxAge:
		return at, errTooOld
	case at.Sub(now) > maxSkew:
		return at, errFromTheFuture
	}
	return at, nil
}

// sign returns the signature as it stands in the header.
func sign(body []byte, key, timestamp string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte("v0:"))
	h.Write([]byte(timestamp))
	h.Write([]byte{':'})
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// signHeaders returns the headers that Customer.io would send with body.
func signHeaders(body []byte, key string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(timestampHeader, stamp)
	h.Set(signatureHeader, sign(body, key, stamp))
	return h
}
