package main

// What a server does with its folder: compile, bind, swap, and say what was wrong without saying a secret.

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/reload"
)

func (s *server) compileFirst() error {
	p := compile(s.shown, s.dir, s.registry)
	if s.mode == "serve" {
		_, diags := s.bind(p)
		fmt.Fprint(s.m.Stderr, s.render(p, diags, s.m.color(s.m.Stderr)))
		if diags.HasErrors() {
			return errProblems
		}
		if len(p.program.Recipes()) == 0 {
			return usagef("there are no recipes in %s", s.shown)
		}
		if err := p.checkVariables(s.vars); err != nil {
			return err
		}
		if err := s.vendors.checkFiles(p.program, s.registry); err != nil {
			return err
		}
	}
	if s.mode == "dev" && s.vendors.poll > 0 && p.program != nil && !p.diags.HasErrors() {
		if b, diags := p.program.Bind(s.inputs(p)); !diags.HasErrors() {
			if err := s.rebind(b); err != nil {
				return usagef("%s", s.hide(err.Error()))
			}
		}
	}
	s.first = p
	return nil
}

// render returns diagnostics for people. They quote recipes as they are, addresses in them too, but no secret.
func (s *server) render(p *project, diags hcl.Diagnostics, color bool) string {
	var b strings.Builder
	if err := writeDiags(&b, diags, p.files(), color); err != nil {
		fmt.Fprintln(&b, err)
	}
	return s.hide(b.String())
}

// bind gives the program its values. The diagnostics are those of the folder and of
// the binding.
func (s *server) bind(p *project) (*lang.Bindings, hcl.Diagnostics) {
	if p.program == nil || p.diags.HasErrors() {
		return nil, p.diags
	}
	in := p.inputs(s.env, s.vars)
	if s.inputs != nil {
		in = s.inputs(p)
	}
	if s.vendors.secretFile != "" {
		in = s.vendors.secretless(s.m, p, in, s.registry)
	}
	in.Unsigned = in.Unsigned || s.vendors.poll > 0
	b, diags := p.program.Bind(in)
	if b != nil && s.vendors.secretFile != "" {
		if err := s.vendors.fill(s.m, b, s.registry); err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Secrets can't be read", Detail: err.Error()})
		}
	}
	if b != nil && s.rebind != nil {
		if err := s.rebind(b); err != nil {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Connection refused for dev", Detail: err.Error()})
		}
	}
	if b != nil {
		s.remember(b.Secrets)
	}
	return b, slices.Concat(p.diags, diags)
}

// remember adds to what is redacted. Old secrets stay: what runs still knows them.
func (s *server) remember(secrets []string) {
	s.secretMu.Lock()
	defer s.secretMu.Unlock()
	for _, v := range secrets {
		if !slices.Contains(s.secrets, v) {
			s.secrets = append(s.secrets, v)
		}
	}
	s.redactor.SetSecrets(s.secrets)
}

// hide takes the secrets out of a text, and nothing else.
func (s *server) hide(text string) string {
	s.secretMu.Lock()
	known := secrets(s.secrets)
	s.secretMu.Unlock()
	return known.hide(text)
}

// rebuild compiles a program that runs are pinned to and that isn't served any more.
func (s *server) rebuild(kept *runtime.Program) (*lang.Program, *lang.Bindings, error) {
	program, diags := lang.CompileFiles(kept.Files, s.registry)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("it does not compile with this version of flowrun: %w", diags)
	}
	p := &project{shown: s.shown, dir: s.dir, program: program}
	b, diags := s.bind(p)
	if diags.HasErrors() {
		return nil, nil, fmt.Errorf("its settings are incomplete: %w", diags)
	}
	return program, b, nil
}

// apply compiles the folder and swaps the program; where anything is wrong the last good one goes on.
func (s *server) apply(ctx context.Context, why string) reload.Result {
	s.rereadTokens()
	p := s.first
	s.first = nil
	quiet := p != nil && s.mode == "serve" // what the folder has to say was printed before the listeners opened
	if p == nil {
		p = compile(s.shown, s.dir, s.registry)
	}
	bindings, diags := s.bind(p)
	text := s.render(p, diags, false)
	said := judgement{project: p, diags: diags, at: s.m.Clock.Now()}
	if !diags.HasErrors() {
		before := s.engine.Status().Program
		err := s.engine.Swap(ctx, p.program, bindings)
		if err == nil {
			err = s.begin(ctx, p.program, bindings)
		}
		if err == nil {
			s.vendors.served(p.program, bindings)
			s.judged.took(said)
			n := len(p.program.Recipes())
			if !quiet {
				s.log.Info("recipes applied", "why", why, "recipes", n, "program", short(p.program.Digest()))
				if text != "" {
					s.log.Warn("the recipes have warnings", "warnings", text)
				}
			}
			return reload.Result{Digest: p.program.Digest(), Changed: before != p.program.Digest(), OK: true, Recipes: n, Diagnostics: text}
		}
		text += s.hide(err.Error()) + "\n"
	}
	s.judged.refusedOne(said)
	if s.failed != nil {
		s.failed(p, diags, text)
	} else {
		s.log.Error("the recipes were refused; the last good ones are served", "why", why, "problems", text)
	}
	status := s.engine.Status()
	if status.Program != "" {
		s.engine.Alert(engine.AlertReloadRefused, "the recipes were refused ("+why+"); the last good ones are served", 1)
	}
	return reload.Result{Digest: status.Program, Recipes: len(status.Recipes) + len(status.Disabled), Diagnostics: text}
}

// begin makes the server ready, when its first program has been taken.
func (s *server) begin(ctx context.Context, p *lang.Program, b *lang.Bindings) error {
	if s.watch != nil {
		s.watch.swapped(p, b)
	}
	sources, err := s.sources(p)
	if err != nil {
		return err
	}
	s.clock.Set(sources)
	if s.running {
		return nil
	}
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	s.running = true
	s.hooks.SetReady(true)
	var services []string
	for _, c := range p.Connections() {
		services = append(services, c.Name)
	}
	doors := s.doorNames(p)
	shadow := ""
	if s.o.shadow {
		shadow = " in shadow"
	}
	line := fmt.Sprintf("serving %s%s from %s (%s); %s, control on %s", plural(len(p.Recipes()), "recipe"), shadow, s.shown,
		strings.Join(services, ", "), webhooksOn(s.webhooks.Addr(), doors), "http://"+s.controls.Addr().String())
	if s.ready != nil {
		s.ready(line)
		return nil
	}
	fmt.Fprintf(s.m.Stdout, "flowrun: %s\n", line)
	return nil
}

func webhooksOn(a net.Addr, doors []string) string {
	switch len(doors) {
	case 0:
		return "no webhooks"
	case 1:
		return fmt.Sprintf("webhooks on http://%s/webhooks/%s", a, doors[0])
	}
	return fmt.Sprintf("webhooks on http://%s/webhooks/{%s}", a, strings.Join(doors, ","))
}

func short(digest string) string { return digest[:min(12, len(digest))] }
