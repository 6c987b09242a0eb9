package main

// Stand-ins that fail when they are told to, so that one sees what retries, on_error and the dead letter do before a
// vendor shows it.

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/flowrun/flowrun/connectors"
)

// fault is what a stand-in answers instead of the right thing.
type fault struct {
	status int
	left   atomic.Int64 // how many calls more; below 0 for all
}

// failable returns the services whose calls can be made to fail: those that are called by HTTP at an address of theirs.
func failable(r *connectors.Registry) []string {
	var out []string
	for _, name := range r.ServiceNames() {
		if s := r.Spec(name); !s.Local && len(s.AllActions()) > 0 && s.Protocols == nil && name != "http" {
			out = append(out, name)
		}
	}
	return out
}

// parseFaults reads SERVICE=STATUS and SERVICE=STATUS*N, by service.
func parseFaults(words, services []string) (map[string]*fault, error) {
	out := map[string]*fault{}
	for _, word := range words {
		service, rest, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(services, service) {
			return nil, usagef("-fail %q: write SERVICE=STATUS; a service is one of %s", word, strings.Join(services, ", "))
		}
		status, times, limited := strings.Cut(rest, "*")
		f := &fault{}
		var err error
		if f.status, err = strconv.Atoi(status); err != nil || f.status < 400 || f.status > 599 {
			return nil, usagef("-fail %q: a status is a number from 400 to 599", word)
		}
		f.left.Store(-1)
		if limited {
			n, err := strconv.Atoi(times)
			if err != nil || n < 1 {
				return nil, usagef("-fail %q: after * stands how many calls fail", word)
			}
			f.left.Store(int64(n))
		}
		out[service] = f
	}
	return out, nil
}

// asked is what a failing stand-in answers, whichever service's it is.
const asked = `{"meta":{"error":"asked to fail"},"error":{"type":"api_error","message":"asked to fail"},"message":"asked to fail"}`

// take reports whether the next call fails.
func (x *fault) take() bool {
	for {
		n := x.left.Load()
		if n <= 0 {
			return n < 0
		}
		if x.left.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// failing answers as the fault says, and as next does after that.
func (f *fakes) failing(service string, x *fault, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !x.take() {
			next.ServeHTTP(w, r)
			return
		}
		f.told(service, r.Method, r.URL.Path, "", x.status)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(x.status)
		fmt.Fprint(w, asked)
	})
}
