package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/runtime/control"
)

const defaultListener = "http://127.0.0.1:8080"

func triggerCommand() *command {
	var to, connection, server string
	var set list
	var onlyPrint, force, asJSON bool
	return &command{
		name:  "trigger",
		args:  "TYPE",
		short: "send a valid sample event, signed as the service signs",
		long: "TYPE is a trigger (stripe_charge_failed) or the service's own word (charge.failed).\n" +
			"On a dev server it may also be the path of a webhook of your own (shop/orders), or RECIPE/TRIGGER of a schedule or a poll.\n" +
			"The signing secret is the one in the environment; a dev server needs none, since its control door signs.",
		example: "flowrun trigger stripe_charge_failed -set amount=12000 -set customer=null",
		group:   groupWrite,
		maxArgs: 1,
		flags: func(f *flags) {
			f.Var(&set, "set", "`PATH=VALUE`: a value in the event's object; may be repeated")
			f.StringVar(&to, "to", "", "`URL`: where to send it (default "+defaultListener+"/webhooks/CONNECTION)")
			f.StringVar(&connection, "connection", "", "`NAME`: the connection (default the service's name)")
			f.StringVar(&server, "server", control.DefaultServer, "`URL`: a dev server's control door")
			f.fromEnv("server", "FLOWRUN_SERVER")
			f.BoolVar(&onlyPrint, "print", false, "print the event and send nothing")
			f.BoolVar(&force, "force", false, "send even where the connection is a live one")
			f.BoolVar(&asJSON, "json", false, "print JSON")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			if len(args) == 0 {
				return usagef("which event? For example: flowrun trigger stripe_charge_failed")
			}
			values, err := pairs(set)
			if err != nil {
				return err
			}
			registry := all.Registry()
			s, err := newSample(registry, args[0], values, m.Clock.Now())
			if err != nil && !onlyPrint {
				t := &triggering{m: m, asJSON: asJSON, client: control.NewClient(server, m.env("FLOWRUN_CONTROL_TOKEN"))}
				return t.own(ctx, control.TriggerRequest{Type: args[0], Connection: connection, Set: values}, err)
			}
			if err != nil {
				return err
			}
			if onlyPrint {
				fmt.Fprintf(m.Stdout, "%s\n", s.body)
				return nil
			}
			t := &triggering{m: m, s: s, to: to, connection: connection, force: force, asJSON: asJSON,
				client: control.NewClient(server, m.env("FLOWRUN_CONTROL_TOKEN"))}
			return t.send(ctx, control.TriggerRequest{Type: args[0], Connection: connection, Set: values})
		},
	}
}

// pairs reads path=value.
func pairs(set []string) (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range set {
		path, value, ok := strings.Cut(pair, "=")
		if !ok || path == "" {
			return nil, usagef("-set %q: write path=value", pair)
		}
		values[path] = value
	}
	return values, nil
}

// triggering is one event on its way.
type triggering struct {
	m              *Main
	s              *sample
	to, connection string
	force, asJSON  bool
	client         *control.Client
}

func (t *triggering) send(ctx context.Context, r control.TriggerRequest) error {
	secret := t.m.setting(t.s.spec, t.s.spec.Webhook.SecretSetting)
	var status *control.Status
	if t.to == "" {
		// A dev server has a secret of its own, whatever this environment holds.
		var err error
		if status, err = t.client.Status(ctx); err != nil && secret == "" {
			return t.noSecret(err)
		}
	}
	if status != nil && status.Mode == "dev" {
		result, err := t.client.Trigger(ctx, r)
		if err != nil {
			return err
		}
		return t.report(result.EventID, result.Type, "/webhooks/"+result.Connection, http.StatusOK, acceptedWord(result.Accepted))
	}
	if secret == "" {
		return usagef("there is no secret to sign with: set %s", t.m.settingVar(t.s.spec, t.s.spec.Webhook.SecretSetting))
	}
	if err := t.checkMode(status); err != nil {
		return err
	}
	to := t.to
	if to == "" {
		name := t.connection
		if name == "" {
			name = t.s.spec.Name
		}
		to = defaultListener + "/webhooks/" + url.PathEscape(name)
	}
	first, _, _ := strings.Cut(secret, ",")
	a, err := t.s.post(ctx, to, strings.TrimSpace(first), t.m.Clock.Now())
	if err != nil {
		return err
	}
	return t.report(t.s.id, t.s.eventType, to, a.status, a.body)
}

// own sends an event of a trigger that a recipe defines, which only a dev server knows; unknown is why no service has it.
func (t *triggering) own(ctx context.Context, r control.TriggerRequest, unknown error) error {
	status, err := t.client.Status(ctx)
	if err != nil || status.Mode != "dev" {
		return unknown
	}
	result, err := t.client.Trigger(ctx, r)
	if err != nil {
		return err
	}
	return t.report(result.EventID, result.Type, "/webhooks/"+result.Connection, http.StatusOK, acceptedWord(result.Accepted))
}

func acceptedWord(accepted bool) string {
	if accepted {
		return `{"status":"accepted"}`
	}
	return `{"status":"duplicate"}`
}

// noSecret says why neither way of signing was there.
func (t *triggering) noSecret(err error) error {
	return fmt.Errorf("%s is not set, and no dev server could sign instead: %w",
		t.m.settingVar(t.s.spec, t.s.spec.Webhook.SecretSetting), err)
}

// checkMode refuses to send made-up events to where money moves: by the key in the environment, and, where the event
// goes to this machine, by what the server there says of its connection, if it says anything.
func (t *triggering) checkMode(status *control.Status) error {
	if t.force {
		return nil
	}
	refusal := func(what string) error {
		return usagef("%s is of live mode, where a made-up event could reach real people; send it with -force if that is meant", what)
	}
	for _, st := range t.s.spec.Settings {
		if live := liveKey(t.m.env(st.Env)); live != nil && *live {
			return refusal("the key in " + st.Env)
		}
	}
	if status == nil {
		return nil
	}
	for _, c := range status.Connections {
		if (c.Name == t.connection || t.connection == "" && c.Name == t.s.spec.Name) && c.Livemode != nil && *c.Livemode {
			return refusal("connection " + c.Name)
		}
	}
	return nil
}

func (t *triggering) report(id, typ, to string, status int, body string) error {
	if t.asJSON {
		err := printJSON(t.m.Stdout, struct {
			EventID string `json:"event_id"`
			Type    string `json:"type"`
			To      string `json:"to"`
			Status  int    `json:"status"`
			Answer  string `json:"answer"`
		}{id, typ, to, status, body})
		if err != nil || status == http.StatusOK {
			return err
		}
		return errProblems
	}
	fmt.Fprintf(t.m.Stdout, "%s %s to %s: %d %s\n", typ, id, to, status, body)
	if status != http.StatusOK {
		return errProblems
	}
	return nil
}

// setting returns a setting of a service from its documented environment variable.
func (m *Main) setting(spec *connectors.Spec, name string) string {
	return m.env(m.settingVar(spec, name))
}

func (m *Main) settingVar(spec *connectors.Spec, name string) string {
	for _, st := range spec.Settings {
		if st.Name == name {
			return st.Env
		}
	}
	return ""
}
