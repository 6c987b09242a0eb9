package main

// dev -poll: a connection to Stripe is the test account of its key, and not the stand-in. Its events are read as `serve
// -poll` reads them, so that no webhook has to reach this machine, and what recipes call is called there. A live key is
// refused: dev is for trying, and its recipes may do anything.

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
)

// polled are the connections of a sandbox that are no stand-ins.
type polled struct {
	mu    sync.Mutex
	known map[string]string   // by connection, its service
	hosts map[string]struct{} // that they reach
}

// take keeps a connection as it is where its vendor's events can be read, and reports whether it did. A key that is none,
// or no test key, is an error.
func (p *polled) take(c *lang.BoundConnection, invent *inventor) (bool, error) {
	spec := all.Registry().Spec(c.Service)
	if spec == nil || spec.History == nil || spec.History.Events == nil {
		return false, nil
	}
	key := ""
	if values := c.Settings[spec.History.KeySetting]; len(values) > 0 {
		key = strings.TrimSpace(values[0])
	}
	live := liveKey(key)
	switch {
	case key == "" || invent.invented(key):
		return false, fmt.Errorf("-poll reads the events of a test account: connection %q needs the %s of one, a key that begins with sk_test_ or rk_test_", c.Name, spec.History.KeySetting)
	case live == nil || *live:
		return false, fmt.Errorf("-poll in dev is for test accounts: the %s of connection %q is not a test key; \"flowrun serve -poll\" reads the events of a live account", spec.History.KeySetting, c.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known, p.hosts = map[string]string{}, map[string]struct{}{}
	}
	p.known[c.Name] = c.Service
	for _, address := range addresses(spec, c) {
		p.hosts[address] = struct{}{}
	}
	return true, nil
}

// addresses returns the hosts that the settings of a connection lead to.
func addresses(spec *connectors.Spec, c *lang.BoundConnection) []string {
	var out []string
	for i := range spec.Settings {
		s := &spec.Settings[i]
		text := strings.Trim(s.Default, `"`)
		if given := c.Settings[s.Name]; len(given) > 0 {
			text = given[0]
		}
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			out = append(out, u.Hostname())
		}
	}
	return out
}

// reaches reports whether a host is one of theirs.
func (p *polled) reaches(host string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.hosts[host]
	return ok
}

// names returns the connections, sorted.
func (p *polled) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.known))
}

// services returns those that have such a connection.
func (p *polled) services() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]bool{}
	for _, service := range p.known {
		out[service] = true
	}
	return out
}

// invented reports whether a value was made up.
func (v *inventor) invented(value string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, made := range v.made {
		if made == value {
			return true
		}
	}
	return false
}
