package main

// The stand-ins of dev: what each service is replaced by, and the settings that send a connection there. A service that is
// not among them needs none: its calls are answered with what its actions declare.

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/connectortest/customeriofake"
	"github.com/flowrun/flowrun/connectors/connectortest/mailfake"
	"github.com/flowrun/flowrun/connectors/connectortest/picsiofake"
	"github.com/flowrun/flowrun/connectors/connectortest/slackfake"
	"github.com/flowrun/flowrun/connectors/connectortest/stripefake"
	"github.com/flowrun/flowrun/connectors/stripe"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
)

// fakes are the stand-ins, each on a port of its own.
type fakes struct {
	servers []*http.Server
	mail    *mailfake.Fake
	set     map[string]map[string]string // by service, the settings that lead to its stand-in; "" leaves one out
	faults  map[string]*fault
	where   map[string]string // by service, "http://127.0.0.1:1234"
	stripe  *stripefake.Fake
	told    func(service, method, path, body string, status int)
}

// standIn is a service's replacement that speaks HTTP.
type standIn struct {
	service string
	handler http.Handler
	set     func(url string) map[string]string
}

func (f *fakes) standIns() []standIn {
	payments := stripefake.New(stripefake.Options{AutoCreate: true, API: stripe.NewAPI(), OnRequest: func(r stripefake.Request) {
		body := ""
		if len(r.Form) > 0 {
			body = r.Form.Encode()
		}
		f.told("stripe", r.Method, r.Path, body, r.Status)
	}})
	f.stripe = payments
	customerio := customeriofake.New(customeriofake.Options{AutoCreate: true, OnCall: func(c customeriofake.Call) {
		f.told("customerio", c.Method, c.Path, string(c.Raw), c.Status)
	}})
	slack := &slackfake.Fake{OnCall: func(method, path, body string, status int) { f.told("slack", method, path, body, status) }}
	picsio := &picsiofake.Fake{OnCall: func(method, path, body string, status int) { f.told("picsio", method, path, body, status) }}
	return []standIn{
		{"stripe", payments, func(url string) map[string]string { return map[string]string{"base_url": url, "livemode": ""} }},
		{"customerio", customerio, func(url string) map[string]string {
			return map[string]string{"track_url": url, "app_url": url, "region": ""}
		}},
		{"slack", slack, func(url string) map[string]string {
			return map[string]string{"base_url": url + "/api", "webhook_url": url + slackfake.WebhookPath}
		}},
		{"picsio", picsio, func(url string) map[string]string {
			// The stand-in is where nothing is said otherwise.
			return map[string]string{"base_url": url, "root_collection_path": "", "create_collection_path": "", "custom_fields_path": "", "keywords_path": ""}
		}},
	}
}

func startFakes(faults map[string]*fault) (*fakes, error) {
	f := &fakes{set: map[string]map[string]string{}, where: map[string]string{}, faults: faults, told: func(string, string, string, string, int) {}}
	for _, fake := range f.standIns() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			f.close()
			return nil, fmt.Errorf("opening a port for the stand-in of %s: %w", fake.service, err)
		}
		handler := fake.handler
		if x := faults[fake.service]; x != nil {
			handler = f.failing(fake.service, x, handler)
		}
		srv := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		f.servers = append(f.servers, srv)
		f.set[fake.service] = fake.set("http://" + l.Addr().String())
		f.where[fake.service] = "http://" + l.Addr().String()
		go func() { _ = srv.Serve(l) }() // ends when it is closed
	}
	var err error
	f.mail, err = mailfake.New(mailfake.Options{OnMail: func(m mailfake.Mail) {
		f.told("email", "SEND", strings.Join(m.To, ", "), m.Data, http.StatusOK)
	}})
	if err != nil {
		f.close()
		return nil, err
	}
	host, port := f.mail.Addr()
	f.where["email"] = "smtp://" + net.JoinHostPort(host, port)
	f.set["http"] = map[string]string{"allow_private": "true"} // the transport reaches this machine only
	f.set["email"] = map[string]string{"host": host, "port": port, "tls": "none", "username": "", "password": ""}
	return f, nil
}

// learn has a stand-in know what an event is about, as the vendor would.
func (f *fakes) learn(e *runtime.Event) {
	if e.Service == "stripe" {
		f.stripe.PutObject(schema.Lookup(e.Payload, "data", "object"))
	}
}

func (f *fakes) close() {
	for _, srv := range f.servers {
		srv.Close()
	}
	if f.mail != nil {
		f.mail.Close()
	}
}

// list says where the stand-ins are, but for services that are real.
func (f *fakes) list(real map[string]bool) string {
	var out []string
	for _, service := range slices.Sorted(maps.Keys(f.where)) {
		if !real[service] {
			out = append(out, service+" is "+f.where[service])
		}
	}
	return strings.Join(out, ", ")
}

// answer returns what a call is answered where no stand-in of its service does: a status and a body. A request whose
// answer only the recipe knows is answered with a sample of that; one of a service without a stand-in with what the
// action declares, unless it is to fail.
func (f *fakes) answer(a *connectors.Action) (status int, body string, ok bool) {
	if f.set[a.Service] != nil && a.ReplyFor == nil {
		return 0, "", false
	}
	if x := f.faults[a.Service]; x != nil && f.set[a.Service] == nil && x.take() {
		return x.status, asked, true
	}
	return http.StatusOK, cmp.Or(replyOf(a), "{}"), true
}

// redirect has a connection call its stand-in, and drops what would only make sense for the real service.
func (f *fakes) redirect(c *lang.BoundConnection) {
	if c.Settings == nil {
		c.Settings = map[string][]string{}
	}
	for name, value := range f.set[c.Service] {
		if value == "" {
			delete(c.Settings, name)
			continue
		}
		c.Settings[name] = []string{value}
	}
}
