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
)

// fault is what a stand-in answers instead of the right thing.
type fault struct {
	status int
	left   atomic.Int64 // how many calls more; below 0 for all
}

// parseFaults reads SERVICE=STATUS and SERVICE=STATUS*N, by service.
func parseFaults(words []string) (map[string]*fault, error) {
	services := []string{"customerio", "stripe"}
	out := map[string]*fault{}
	for _, word := range words {
		service, rest, ok := strings.Cut(word, "=")
		if !ok || !slices.Contains(services, service) {
			return nil, usagef("-fail %q: write SERVICE=STATUS; a service is %s", word, strings.Join(services, " or "))
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
		fmt.Fprintf(w, `{"meta":{"error":"asked to fail"},"error":{"type":"api_error","message":"asked to fail"}}`)
	})
}
