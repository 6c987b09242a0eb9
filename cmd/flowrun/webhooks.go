package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime/endpoints"
)

func webhooksCommand() *command {
	return &command{
		name: "webhooks", short: "set up where vendors send events", group: groupOperate,
		long: "Each connection that recipes listen on has one endpoint at its vendor. These commands keep it as the recipes need it;\n" +
			"\"flowrun serve -register\" does so while it serves.",
		sub: []*command{webhooksPlanCommand(), webhooksApplyCommand(), webhooksRotateCommand()},
	}
}

// webhooksOptions are the flags of all commands about endpoints.
type webhooksOptions struct {
	endpointOptions
	vars, varFiles list
	connection     string
	asJSON         bool
}

func (o *webhooksOptions) define(f *flags) {
	o.endpointOptions.define(f)
	f.Var(&o.vars, "var", "`NAME=VALUE`: a variable; may be repeated (FLOWRUN_VAR_name)")
	f.Var(&o.varFiles, "var-file", "`FILE`: variables, name = value; may be repeated")
	f.StringVar(&o.connection, "connection", "", "`NAME`: only this connection")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
}

func webhooksPlanCommand() *command {
	var o webhooksOptions
	return &command{
		name: "plan", args: "[DIR]", short: "say what \"webhooks apply\" would change at the vendors",
		example: "STRIPE_API_KEY=sk_test_… flowrun webhooks plan -public-url https://hooks.example.com recipes",
		maxArgs: 1, flags: o.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			_, plans, err := o.plans(ctx, m, args, endpoints.Make)
			if err != nil {
				return err
			}
			return o.show(m, plans, "")
		},
	}
}

func webhooksApplyCommand() *command {
	var o webhooksOptions
	return &command{
		name: "apply", args: "[DIR]", short: "create, update and delete endpoints as the recipes need them",
		long: "What takes an endpoint's place is created before it is deleted. A vendor tells the secret of a new endpoint once: it is\n" +
			"printed, or written to -secret-file, and kept nowhere else.",
		example: "STRIPE_API_KEY=sk_test_… flowrun webhooks apply -public-url https://hooks.example.com -secret-file stripe.secret recipes",
		maxArgs: 1, flags: o.define,
		run: func(ctx context.Context, m *Main, args []string) error {
			hide, plans, err := o.plans(ctx, m, args, endpoints.Make)
			if err != nil {
				return err
			}
			return o.apply(ctx, m, plans, hide)
		},
	}
}

func webhooksRotateCommand() *command {
	var o webhooksOptions
	finish := false
	return &command{
		name: "rotate", args: "[DIR]", short: "change a signing secret without losing an event",
		long: "A second endpoint with a secret of its own is created beside the first, and both send: each event comes twice and counts\n" +
			"once. Once the server knows the new secret, -finish deletes the first and takes its secret out of -secret-file.",
		example: "flowrun webhooks rotate -connection stripe -public-url https://hooks.example.com -secret-file stripe.secret recipes\n" +
			"flowrun reload\n" +
			"flowrun webhooks rotate -finish -connection stripe -public-url https://hooks.example.com -secret-file stripe.secret recipes",
		maxArgs: 1,
		flags: func(f *flags) {
			o.define(f)
			f.BoolVar(&finish, "finish", false, "delete the endpoint that was there before")
		},
		run: func(ctx context.Context, m *Main, args []string) error {
			make := endpoints.MakeRotation
			if finish {
				make = endpoints.MakeFinish
			}
			if o.connection == "" {
				return usagef("which connection's secret? Give -connection NAME")
			}
			hide, plans, err := o.plans(ctx, m, args, make)
			if err != nil {
				return err
			}
			return o.apply(ctx, m, plans, hide)
		},
	}
}

// plans compiles and binds the folder, and asks the vendors. That there is nothing to set up is an error.
func (o *webhooksOptions) plans(ctx context.Context, m *Main, args []string,
	make func(*connectors.Endpoints, endpoints.Want, []connectors.Endpoint) (*endpoints.Plan, error),
) (secrets, []endpointPlan, error) {
	hide, plans, err := o.planned(ctx, m, args, make)
	if err == nil && len(plans) == 0 {
		err = usagef("there is nothing to set up: no connection that recipes listen on has a key for its vendor's API. " +
			"\"flowrun connectors NAME\" lists the settings")
	}
	return hide, plans, err
}

// planned does so, and returns nothing where there is nothing to set up.
func (o *webhooksOptions) planned(ctx context.Context, m *Main, args []string,
	make func(*connectors.Endpoints, endpoints.Want, []connectors.Endpoint) (*endpoints.Plan, error),
) (secrets, []endpointPlan, error) {
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	b, p, registry, err := m.bindFor(args, o.varFiles, o.vars, &o.endpointOptions)
	if err != nil {
		return nil, nil, err
	}
	if o.connection != "" {
		all := len(b.Connections)
		b.Connections = slices.DeleteFunc(b.Connections, func(c lang.BoundConnection) bool { return c.Name != o.connection })
		if all > 0 && len(b.Connections) == 0 {
			return nil, nil, usagef("the recipes use no connection %q", o.connection)
		}
	}
	x := &planner{registry: registry, client: &http.Client{Transport: connectors.NewTransport()}, options: &o.endpointOptions, make: make}
	return b.Secrets, x.plan(ctx, p.program, b, nil), nil
}

// bindFor compiles and binds a folder for work on its endpoints.
func (m *Main) bindFor(args, varFiles, pairs []string, o *endpointOptions) (*lang.Bindings, *project, *connectors.Registry, error) {
	shown, dir, err := m.folder(args)
	if err != nil {
		return nil, nil, nil, err
	}
	vars, err := m.variables(varFiles, pairs)
	if err != nil {
		return nil, nil, nil, err
	}
	registry, err := wrappedRegistry(func(_ *connectors.Action, c connectors.Caller) connectors.Caller { return c })
	if err != nil {
		return nil, nil, nil, err
	}
	p := compile(shown, dir, registry)
	if p.diags.HasErrors() || p.program == nil {
		if err := m.printDiags(m.Stderr, p.diags, p.files()); err != nil {
			return nil, nil, nil, err
		}
		return nil, nil, nil, errProblems
	}
	if err := p.checkVariables(vars); err != nil {
		return nil, nil, nil, err
	}
	if err := o.checkFiles(p.program, registry); err != nil {
		return nil, nil, nil, err
	}
	b, diags := p.program.Bind(o.secretless(m, p, p.inputs(m.Env, vars), registry))
	if diags.HasErrors() {
		if err := m.printDiags(m.Stderr, diags, p.files()); err != nil {
			return nil, nil, nil, err
		}
		return nil, nil, nil, errProblems
	}
	return b, p, registry, o.fill(m, b, registry)
}

func (o *webhooksOptions) show(m *Main, plans []endpointPlan, done string) error {
	if o.asJSON {
		return printJSON(m.Stdout, plansJSON(plans))
	}
	failed := false
	for i := range plans {
		plans[i].print(m.Stdout, done)
		failed = failed || plans[i].err != nil
	}
	if failed {
		return errProblems
	}
	return nil
}

// apply carries the plans out. A failure of one connection does not keep the others from theirs.
func (o *webhooksOptions) apply(ctx context.Context, m *Main, plans []endpointPlan, hide secrets) error {
	var failed error
	for i := range plans {
		p := &plans[i]
		if p.err != nil {
			continue
		}
		p.err = endpoints.Apply(ctx, p.api, p.conn, p.Plan, func(ch endpoints.Change, made connectors.Endpoint) error {
			return o.changed(m, p, ch, made)
		})
		if p.err != nil {
			p.err = errors.New(hide.hide(p.err.Error()))
			failed = errProblems
		}
	}
	if err := o.show(m, plans, "done"); err != nil {
		return err
	}
	return failed
}

// changed keeps or prints a new endpoint's secret.
func (o *webhooksOptions) changed(m *Main, p *endpointPlan, ch endpoints.Change, made connectors.Endpoint) error {
	for i := range p.Changes {
		if p.Changes[i].Op == ch.Op && p.Changes[i].Endpoint.ID == "" {
			p.Changes[i].Endpoint.ID = made.ID
		}
	}
	path := o.file(m, p.conn.Name)
	switch {
	case ch.Op == endpoints.Create && p.api.Secretless:
		p.Notes = append(p.Notes, "copy the signing key of endpoint "+made.ID+": it stands "+p.api.SecretAt)
	case ch.Op == endpoints.Create && path == "":
		fmt.Fprintf(m.Stdout, "signing secret of %s, endpoint %s, told this once:\n%s\n", p.conn.Name, made.ID, made.Secret)
	case ch.Op == endpoints.Create:
		return addSecret(path, made.Secret)
	case ch.Op == endpoints.Delete && ch.Endpoint.Retired && path != "":
		kept, err := readSecrets(path)
		if err != nil || len(kept) < 2 {
			return err
		}
		return writeSecrets(path, kept[:1])
	}
	return nil
}

// addSecret puts a secret before those of a file, of which the newest stays.
func addSecret(path, secret string) error {
	kept, err := readSecrets(path)
	if err != nil {
		return err
	}
	return writeSecrets(path, append([]string{secret}, kept[:min(1, len(kept))]...))
}

func (p *endpointPlan) print(w io.Writer, done string) {
	if p.err != nil {
		fmt.Fprintf(w, "%s: %v\n", p.conn.Name, p.err)
		return
	}
	fmt.Fprintf(w, "%s: %s\n", p.conn.Name, p.Want.URL)
	if len(p.Changes) == 0 && p.Now != nil {
		fmt.Fprintf(w, "  = %s is as it should be, %s\n", p.Now.ID, plural(len(p.Now.Events), "event type"))
	}
	for _, ch := range p.Changes {
		sign := map[endpoints.Op]string{endpoints.Create: "+", endpoints.Update: "~", endpoints.Delete: "-"}[ch.Op]
		word := ch.Op.String()
		if done != "" {
			word = strings.TrimSuffix(word, "e") + "ed"
		}
		if ch.Endpoint.ID != "" {
			word += " " + ch.Endpoint.ID
		}
		fmt.Fprintf(w, "  %s %s: %s\n", sign, word, ch.Why)
		if ch.Op == endpoints.Create {
			for _, t := range ch.Endpoint.Events {
				fmt.Fprintf(w, "      %s\n", t)
			}
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "  ! %s\n", n)
	}
}

type planJSON struct {
	Connection string       `json:"connection"`
	URL        string       `json:"url,omitempty"`
	Endpoint   string       `json:"endpoint,omitempty"`
	Events     []string     `json:"events"`
	Changes    []changeJSON `json:"changes"`
	Notes      []string     `json:"notes,omitempty"`
	Error      string       `json:"error,omitempty"`
}

type changeJSON struct {
	Op       string   `json:"op"`
	Endpoint string   `json:"endpoint,omitempty"`
	Events   []string `json:"events"`
	Why      string   `json:"why"`
}

func plansJSON(plans []endpointPlan) []planJSON {
	out := make([]planJSON, 0, len(plans))
	for _, p := range plans {
		j := planJSON{Connection: p.conn.Name, Events: []string{}, Changes: []changeJSON{}}
		if p.err != nil {
			j.Error = p.err.Error()
		}
		if p.Plan != nil {
			j.URL, j.Notes = p.Want.URL, p.Notes
			j.Events = append(j.Events, p.Want.Events...)
			if p.Now != nil {
				j.Endpoint = p.Now.ID
			}
			for _, ch := range p.Changes {
				j.Changes = append(j.Changes, changeJSON{ch.Op.String(), ch.Endpoint.ID, ch.Endpoint.Events, ch.Why})
			}
		}
		out = append(out, j)
	}
	return out
}
