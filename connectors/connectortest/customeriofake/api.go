package customeriofake

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The vendor's limits, in bytes. They are written here a second time on purpose: a fake that shared them with the
// connector could not tell when the connector has one wrong.
const (
	maxRequest    = 2 << 20
	maxID         = 150
	maxAttributes = 300
	maxAttrName   = 150
	maxAttrValue  = 1000
	maxEventName  = 100
	maxEventData  = 100_000
	maxRecipients = 15
	maxEntity     = 32_000
	maxBatch      = 500_000
	maxSegment    = 1000
	maxAudience   = 10_000
)

// dispatch finds the endpoint and lets it act. Paths are taken apart while encoded, so that an encoded slash stays part
// of an identifier.
func (f *Fake) dispatch(r *http.Request, raw []byte) answer {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if len(parts) > 1 && parts[0] == "api" {
		if !f.trackAuth(r) {
			return refuse(http.StatusUnauthorized, "Unauthorized request")
		}
		return f.trackAPI(r, parts[1:], raw)
	}
	if !f.appAuth(r) {
		return refuseApp(http.StatusUnauthorized, "Unauthorized request")
	}
	return f.appAPI(r, parts, raw)
}

// trackAPI answers for the Track API; parts are what follows "api" in the path.
func (f *Fake) trackAPI(r *http.Request, parts []string, raw []byte) answer {
	var identifier string
	if len(parts) >= 3 && parts[0] == "v1" && parts[1] == "customers" {
		var err error
		if identifier, err = url.PathUnescape(parts[2]); err != nil || identifier == "" || len(identifier) > maxID+len("cio_") {
			return refuse(http.StatusBadRequest, "invalid identifier")
		}
		parts[2] = "*"
	}
	segment := 0
	if len(parts) == 4 && parts[0] == "v1" && parts[1] == "segments" {
		segment, _ = strconv.Atoi(parts[2])
		parts[2] = "*"
	}
	switch r.Method + " " + strings.Join(parts, "/") {
	case "PUT v1/customers/*":
		return f.identify(identifier, raw)
	case "DELETE v1/customers/*":
		f.mu.Lock()
		defer f.mu.Unlock()
		f.remove(identifier)
		return ok(struct{}{})
	case "POST v1/customers/*/events", "POST v1/events":
		return f.track(identifier, raw)
	case "POST v1/segments/*/add_customers":
		return f.segment(segment, r.URL.Query().Get("id_type"), raw, true)
	case "POST v1/segments/*/remove_customers":
		return f.segment(segment, r.URL.Query().Get("id_type"), raw, false)
	case "GET v1/accounts/region":
		return ok(map[string]any{"url": "http://" + r.Host, "data_center": "us", "region": "us", "environment_id": 1})
	case "POST v2/entity":
		return f.entity(raw)
	case "POST v2/batch":
		return f.batch(raw)
	}
	return refuse(http.StatusNotFound, "no such endpoint")
}

func (f *Fake) trackAuth(r *http.Request) bool {
	site, key, given := r.BasicAuth()
	if f.opts.SiteID == "" && f.opts.APIKey == "" {
		return given
	}
	return given && same(site, f.opts.SiteID) && same(key, f.opts.APIKey)
}

func (f *Fake) appAuth(r *http.Request) bool {
	key, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if f.opts.AppKey == "" {
		return given && key != ""
	}
	return given && same(key, f.opts.AppKey)
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// object decodes a body that must be a JSON object; numbers keep their digits.
func object(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil || m == nil {
		return nil, fmt.Errorf("body is not a JSON object")
	}
	return m, nil
}

// fold makes e-mail addresses equal whatever their case, as the vendor does; ids keep theirs.
func fold(identifier string) string {
	if strings.Contains(identifier, "@") {
		return strings.ToLower(identifier)
	}
	return identifier
}
