package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

func TestFlagsStandAnywhere(t *testing.T) {
	for _, test := range []struct {
		args string
		rest string
		name string
		loud bool
		err  string
	}{
		{args: "", rest: ""},
		{args: "a b", rest: "a b"},
		{args: "-name x a", rest: "a", name: "x"},
		{args: "a --name=x -loud b", rest: "a b", name: "x", loud: true},
		{args: "a -loud=false b", rest: "a b"},
		{args: "-loud - -name -x", rest: "-", name: "-x", loud: true},
		{args: "a -- -loud --", rest: "a -loud --"},
		{args: "-name", err: "flag -name needs a value"},
		{args: "-nam x", err: "Did you mean -name?"},
		{args: "-loud=perhaps", err: "invalid boolean value"},
		{args: "a -h", err: "help"},
	} {
		var name string
		var loud bool
		f := newFlags("test", func(f *flags) {
			f.StringVar(&name, "name", "", "")
			f.BoolVar(&loud, "loud", false, "")
		})
		rest, err := f.parse(strings.Fields(test.args), func(string) (string, bool) { return "", false })
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: error %v, want %q", test.args, err, test.err)
			}
			continue
		}
		if err != nil || strings.Join(rest, " ") != test.rest || name != test.name || loud != test.loud {
			t.Errorf("%q: rest %q, name %q, loud %v, %v", test.args, rest, name, loud, err)
		}
	}
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	parse := func(args []string, env string) string {
		var v string
		f := newFlags("test", func(f *flags) {
			f.StringVar(&v, "listen", "default", "")
			f.fromEnv("listen", "LISTEN")
		})
		if _, err := f.parse(args, func(string) (string, bool) { return env, true }); err != nil {
			t.Error(err)
		}
		return v
	}
	if got := parse(nil, ""); got != "default" {
		t.Errorf("got %q, want the default", got)
	}
	if got := parse(nil, "env"); got != "env" {
		t.Errorf("got %q, want the environment's", got)
	}
	if got := parse([]string{"-listen", "flag"}, "env"); got != "flag" {
		t.Errorf("got %q, want the flag's", got)
	}
}

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{"0s": 0, "90s": 90 * time.Second, "30d": 720 * time.Hour, "1d12h": 36 * time.Hour} {
		if got, err := parseSpan(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1d-3h", "-3h", "9999999d", "soon", "1dd"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// Each command has what help, completion and docs need of it.
func TestCommandsAreDescribed(t *testing.T) {
	var visit func(path string, cs []*command)
	visit = func(path string, cs []*command) {
		for _, c := range cs {
			name := strings.TrimSpace(path + " " + c.name)
			if c.short == "" || strings.HasSuffix(c.short, ".") {
				t.Errorf("%s: its line is %q", name, c.short)
			}
			if c.sub != nil {
				visit(name, c.sub)
				continue
			}
			if c.run == nil || !strings.Contains(c.example, "flowrun "+name) {
				t.Errorf("%s: its example is %q", name, c.example)
			}
		}
	}
	visit("", commands())
}

func TestDevReachesThisMachineOnly(t *testing.T) {
	transport := connectors.NewTransport()
	loopbackOnly(transport, func(string) bool { return false })
	for _, address := range []string{"192.0.2.1:443", "[2001:db8::1]:443", "api.stripe.com:443", "0.0.0.0:1", "127.0.0.1.example.com:80"} {
		if c, err := transport.DialContext(t.Context(), "tcp", address); err == nil || !strings.Contains(err.Error(), "calls nobody but this machine") {
			t.Errorf("%s: %v, %v", address, c, err)
		}
	}
	if transport.Proxy != nil {
		t.Error("a proxy would carry calls elsewhere")
	}
	if _, err := (nowhere{}).RoundTrip(&http.Request{}); err == nil {
		t.Error("something was sent")
	}
}

func TestInventedValuesLookReal(t *testing.T) {
	registry := all.Registry()
	v := newInventor(registry, func(name string) (string, bool) {
		return map[string]string{"CUSTOMERIO_SITE_ID": "mine"}[name], name == "CUSTOMERIO_SITE_ID"
	})
	env := v.inputs(&project{dir: t.TempDir()}, nil).Env
	for name, prefix := range map[string]string{"STRIPE_API_KEY": "sk_test_", "STRIPE_WEBHOOK_SECRET": "whsec_", "CUSTOMERIO_API_KEY": "", "ELSE": "made_up_"} {
		got, ok := env(name)
		if again, _ := env(name); !ok || !strings.HasPrefix(got, prefix) || len(got) < 20 || again != got {
			t.Errorf("%s: %q, then %q", name, got, again)
		}
	}
	if got, _ := env("CUSTOMERIO_SITE_ID"); got != "mine" {
		t.Errorf("a value that is there was replaced by %q", got)
	}
	for _, name := range []string{"STRIPE_BASE_URL", "CUSTOMERIO_REGION", "FLOWRUN_VAR_x"} {
		if got, ok := env(name); ok {
			t.Errorf("%s: %q, want the default to serve", name, got)
		}
	}
}

func TestPruneKeepsToItsTimes(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	clock := runtimetest.NewClock(now)
	store := memstore.New()
	defer store.Close()
	o := serveDefaults()
	s := &server{m: &Main{Clock: clock}, o: o, store: store, log: o.logger(&Main{Stderr: &bytes.Buffer{}, Env: func(string) (string, bool) { return "", false }}, nil),
		metrics: telemetry.NewMetrics()}
	for i, age := range []time.Duration{time.Hour, 40 * 24 * time.Hour, 500 * 24 * time.Hour} {
		e := &runtime.Event{Connection: "stripe", ID: string(rune('a' + i)), Type: "charge.failed", ReceivedAt: now.Add(-age), Payload: []byte("{}")}
		if _, err := store.AcceptEvent(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if err := store.Record(t.Context(), &runtime.Change{Decision: &runtime.Decision{EventSeq: e.Seq, Program: "p", At: now}}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.housekeeping(ctx); close(done) }()
	if err := clock.WaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	clock.Advance(pruneEvery)
	// The loop waits again once it has pruned.
	if err := clock.WaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	got := []string{}
	for _, id := range []string{"a", "b", "c"} {
		e, err := store.Event(t.Context(), "stripe", id)
		switch {
		case err != nil:
			got = append(got, "forgotten")
		case e.Payload == nil:
			got = append(got, "dropped")
		default:
			got = append(got, "whole")
		}
	}
	if want := []string{"whole", "dropped", "forgotten"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestSetAnything sets every plain value that an event of each type can hold, at once: it is there, and the event is one
// that the service could send.
func TestSetAnything(t *testing.T) {
	registry := all.Registry()
	at := time.Unix(1_700_000_000, 0)
	types, paths := 0, 0
	for _, tr := range registry.Spec("stripe").Triggers {
		if len(tr.Events) != 1 {
			continue
		}
		types++
		set := map[string]string{}
		anything(tr.Payload, "", 0, set)
		s, err := newSample(registry, tr.Events[0], set, at)
		if err != nil {
			t.Errorf("%s: %v", tr.Name, err)
			continue
		}
		object := schema.Lookup(s.body, "data", "object")
		if _, drifts, err := tr.Payload.Decode(object, &schema.Paths{All: true}); err != nil || len(drifts) > 0 {
			t.Errorf("%s: %v %v", tr.Name, err, drifts)
		}
		for path, want := range set {
			if strings.Contains(path, ".0") {
				continue // in a list, which the decoding has looked at
			}
			paths++
			got := string(schema.Lookup(object, strings.Split(path, ".")...))
			if got != want && got != strconv.Quote(want) {
				t.Errorf("%s: %s is %s, want %s", tr.Name, path, got, want)
			}
		}
	}
	if types != 226 || paths < 5000 {
		t.Errorf("%d types, %d paths", types, paths)
	}
}

// anything adds a value for each plain field of the shape, a few levels deep.
func anything(o *schema.Object, within string, depth int, set map[string]string) {
	for i := range o.Fields() {
		f := &o.Fields()[i]
		path, ty := within+f.Name, f.Type
		for ty.Kind == schema.KindList && ty.Elem != nil && f.Name != "object" {
			path, ty = path+".0", *ty.Elem
		}
		switch ty.Kind {
		case schema.KindString:
			set[path] = ty.Prefix + "x"
			if n := len(ty.Enum); n > 0 {
				set[path] = ty.Enum[n-1]
			}
		case schema.KindNumber:
			set[path] = "7"
		case schema.KindBool:
			set[path] = "true"
		case schema.KindObject:
			if depth < 3 {
				anything(ty.Object, path+".", depth+1, set)
			}
		}
	}
}

// FuzzSetPath: whatever path and value are given, the sample stays an event or the mistake is named.
func FuzzSetPath(f *testing.F) {
	for _, seed := range [][2]string{{"amount", "1"}, {"customer", "null"}, {"billing_details.name", "x"}, {"metadata.a.b", "{}"},
		{"refunds.data.0.id", "re_1"}, {"", ""}, {"..", "null"}, {"amount.x", "1"}, {"metadata", "[1"}} {
		f.Add(seed[0], seed[1])
	}
	registry := all.Registry()
	at := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, path, value string) {
		s, err := newSample(registry, "charge.failed", map[string]string{path: value}, at)
		if err != nil {
			return
		}
		if err := schema.CheckJSON(s.body, schema.JSONLimits{}); err != nil && json.Valid(s.body) {
			return // deeper or larger than an event may be: the listener says so
		} else if err != nil {
			t.Fatalf("%q=%q makes what is not JSON: %v", path, value, err)
		}
	})
}

func FuzzVariables(f *testing.F) {
	for _, seed := range []string{"a = 1\n", "a=b\nexport c='d'\n", "a = [1, 2]\nb = {x = 1}", "# c\n", "a", "a = \"${b}\"", "a=\"", "a b = 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars := map[string]string{}
		if err := parseVariables(vars, "vars", []byte(text)); err != nil && !strings.HasPrefix(err.Error(), "vars line ") {
			t.Errorf("the mistake has no place: %v", err)
		}
	})
}

func TestOlderProgramsAreCompiledOnce(t *testing.T) {
	var o olderPrograms
	compiled := map[string]int{}
	get := func(text string) {
		t.Helper()
		p, diags := lang.CompileFiles(map[string][]byte{"r.hcl": []byte(text)}, all.Registry())
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		got := o.get(p.Digest(), func() *lang.Program { compiled[text]++; return p })
		if got == nil || got.Digest() != p.Digest() {
			t.Errorf("%q gives another program", text)
		}
	}
	first := "trigger \"stripe_charge_failed\" {}\n"
	get(first)
	get(first)
	for i := range maxOlder {
		get(first + strings.Repeat("\n", i) + "# changed\n")
	}
	get(first)
	if compiled[first] != 2 || len(o.kept) != maxOlder {
		t.Errorf("compiled %d times, %d kept", compiled[first], len(o.kept))
	}
	if o.get("gone", func() *lang.Program { return nil }) != nil || len(o.kept) != maxOlder {
		t.Error("a program that is gone was kept")
	}
}

func TestHelpIsWrapped(t *testing.T) {
	long := strings.Repeat("word ", 60)
	for in, want := range map[string]int{"": 0, "short": 0, "two\nlines": 1, long: 2, "a\n" + long: 3} {
		got := wrapped(in)
		if n := strings.Count(got, "\n"); n != want || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(in), " ") {
			t.Errorf("%q is wrapped to %q, want %d breaks", in, got, want)
		}
		for line := range strings.Lines(got) {
			if len(line) > lineWidth+1 {
				t.Errorf("%d bytes: %q", len(line), line)
			}
		}
	}
}
