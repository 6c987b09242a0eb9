package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/control"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/telemetry"
)

var workshopRecipes = map[string]string{
	"flowrun.hcl": `
variable "floor" {
  type = number
}

variable "password" {
  type      = string
  sensitive = true
}
`,
	"billing/dunning.hcl": `
recipe {
  description = "Tell who could not pay"
}

trigger "stripe_charge_failed" {}

filter "large" {
  condition = trigger.amount > var.floor && trigger.customer != null
}

action "customerio_track" "tell" {
  id         = trigger.customer
  name       = "charge_failed"
  data = { amount = trigger.amount, email = trigger.receipt_email }
}
`,
	"billing/moved.hcl": `
trigger "stripe_customer_updated" {}

filter {
  condition = previous.email != null
}

wait "paid" {
  event "stripe_invoice_paid" {
    match = incoming.trigger.customer == trigger.id
  }
  timeout = "2d"
}

action "recipe_run" "note" {
  recipe = "lib/note"
  inputs = { id = trigger.id }
}
`,
	"lib/note.hcl": `
trigger "recipe_call" {
  inputs = { id = string }
}

action "customerio_identify" {
  id = trigger.id
}
`,
}

const workshopSecret = "canary_of_the_workshop"

// newWorkshop is a server that serves those recipes, and does nothing.
func newWorkshop(t *testing.T) *machine {
	t.Helper()
	env := map[string]string{"STRIPE_WEBHOOK_SECRET": "whsec_" + workshopSecret, "STRIPE_API_KEY": "sk_test_" + workshopSecret, "CUSTOMERIO_SITE_ID": "site",
		"CUSTOMERIO_API_KEY": workshopSecret, "CUSTOMERIO_APP_KEY": workshopSecret, "FLOWRUN_VAR_floor": "1000", "FLOWRUN_VAR_password": workshopSecret}
	look := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	clock := runtimetest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	s := &server{m: &Main{Env: look, Clock: clock}, shown: "recipes", dir: t.TempDir(), env: look, redactor: &telemetry.Redactor{},
		log: slog.New(slog.DiscardHandler), store: memstore.New(), vendors: newVendors()}
	var err error
	if s.registry, err = quietRegistry(s.hide); err != nil {
		t.Fatal(err)
	}
	s.engine = engine.New(engine.Config{Store: s.store, Registry: s.registry, Clock: clock})
	files := map[string][]byte{}
	for name, text := range workshopRecipes {
		files[name] = []byte(strings.TrimPrefix(text, "\n"))
	}
	p := &project{shown: s.shown, dir: s.dir}
	p.program, p.diags = lang.CompileFiles(files, s.registry)
	b, diags := s.bind(p)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if err := s.engine.Swap(t.Context(), p.program, b); err != nil {
		t.Fatal(err)
	}
	s.judged.took(judgement{project: p, diags: diags, at: clock.Now()})
	return (*machine)(s)
}

func failedCharge(amount string) *runtime.Event {
	at := time.Date(2026, 11, 25, 11, 0, 0, 0, time.UTC)
	return &runtime.Event{Seq: 1, Connection: "stripe", Service: "stripe", ID: "evt_1", Type: "charge.failed", Time: at, ReceivedAt: at,
		Payload: []byte(`{"id":"evt_1","object":"event","api_version":"2023-10-16","created":1700000000,"type":"charge.failed","data":{"object":{"id":"ch_1",` +
			`"object":"charge","amount":` + amount + `,"currency":"usd","customer":"cus_1","receipt_email":"kim@example.org","status":"failed","metadata":{}}}}`)}
}

func TestDescribe(t *testing.T) {
	x := newWorkshop(t)
	var d control.RecipeDetail
	if !x.Describe(t.Context(), "billing/dunning", "", &d) || !strings.HasPrefix(d.Source, "recipe {") || len(d.Graph.Nodes) != 2 || d.Draft != nil {
		t.Fatalf("%+v", d)
	}
	if want := []string{"trigger.amount", "trigger.customer", "trigger.receipt_email"}; !slices.Equal(d.Reads, want) {
		t.Errorf("it reads %v, want %v", d.Reads, want)
	}
	if want := []control.RecipeEffect{{Step: "action.tell", Action: "customerio_track", Effect: d.Effects[0].Effect}}; !slices.Equal(d.Effects, want) || d.Effects[0].Effect == "read" {
		t.Errorf("its calls are %v", d.Effects)
	}
	d = control.RecipeDetail{}
	if !x.Describe(t.Context(), "billing/moved", "", &d) || !slices.Equal(d.Calls, []string{"lib/note"}) || !slices.Contains(d.Reads, "previous.email") {
		t.Errorf("%+v", d)
	}
	d = control.RecipeDetail{}
	if !x.Describe(t.Context(), "lib/note", "", &d) || !slices.Equal(d.Callers, []string{"billing/moved"}) {
		t.Errorf("%+v", d)
	}
	if x.Describe(t.Context(), "nope", "", &control.RecipeDetail{}) {
		t.Error("a recipe that is not there is described")
	}

	// As it was in a program that was served before.
	const text = "trigger \"stripe_charge_failed\" {}\naction \"customerio_delete\" {\n  id = \"a\"\n}\n"
	old := &runtime.Program{Digest: "", Files: map[string][]byte{"billing/dunning.hcl": []byte(text)}}
	program, diags := lang.CompileFiles(old.Files, x.registry)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	old.Digest = program.Digest()
	if err := x.store.KeepProgram(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	d = control.RecipeDetail{}
	if !x.Describe(t.Context(), "billing/dunning", old.Digest, &d) || d.Source != text || len(d.Graph.Nodes) != 1 || d.Name != "billing/dunning" {
		t.Errorf("%+v", d)
	}
	if x.Describe(t.Context(), "lib/note", old.Digest, &d) || x.Describe(t.Context(), "billing/dunning", "gone", &d) {
		t.Error("what was not in a program is described")
	}
}

// Where the folder is refused, recipes are shown as they are on disk, new ones too, with what is wrong.
func TestDescribeRefused(t *testing.T) {
	x := newWorkshop(t)
	files := map[string][]byte{}
	for name, text := range x.engine.Program().Files() {
		files[name] = text
	}
	files["billing/dunning.hcl"] = []byte("trigger \"stripe_charge_failed\" {}\nfilter {\n  condition = trigger.amout > 1\n}\n")
	files["new.hcl"] = []byte("trigger \"stripe_charge_faild\" {}\n")
	p := &project{shown: x.shown, dir: x.dir}
	p.program, p.diags = lang.CompileFiles(files, x.registry)
	if !p.diags.HasErrors() {
		t.Fatal("the folder is sound")
	}
	x.judged.refusedOne(judgement{project: p, diags: p.diags, at: x.m.Clock.Now()})
	for name, line := range map[string]int{"billing/dunning": 3, "new": 1} {
		d := control.RecipeDetail{}
		if !x.Describe(t.Context(), name, "", &d) || d.Draft == nil || d.Draft.Source != string(files[name+".hcl"]) {
			t.Errorf("%s: %+v", name, d)
			continue
		}
		i := slices.IndexFunc(d.Draft.Diagnostics, func(d control.Diagnostic) bool { return d.Severity == "error" })
		if i < 0 || d.Draft.Diagnostics[i].Line != line || d.Draft.Diagnostics[i].Code == "" || d.Draft.Diagnostics[i].Filename != name+".hcl" {
			t.Errorf("%s: %+v", name, d.Draft.Diagnostics)
		}
		if served := name != "new"; served != (d.Source != "") {
			t.Errorf("%s: served %q", name, d.Source)
		}
	}
	x.judged.took(judgement{project: p})
	d := control.RecipeDetail{}
	if x.Describe(t.Context(), "new", "", &d) {
		t.Error("what was mended is still shown as refused")
	}
}

func TestReads(t *testing.T) {
	x := newWorkshop(t)
	want := []control.Read{}
	for _, path := range []string{"amount", "customer", "receipt_email"} {
		want = append(want, control.Read{Path: "data.object." + path, Recipes: []string{"billing/dunning"}})
	}
	if diff := cmp.Diff(want, x.Reads(failedCharge("1"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	updated := failedCharge("1")
	updated.Type = "customer.updated"
	got := x.Reads(updated)
	if !slices.ContainsFunc(got, func(r control.Read) bool { return r.Path == "data.previous_attributes.email" }) {
		t.Errorf("%+v", got)
	}
}

func TestUses(t *testing.T) {
	uses := newWorkshop(t).Uses()
	s, c := uses["stripe"], uses["customerio"]
	if s.Title != "Stripe" || !slices.Equal(s.Listeners, []string{"billing/dunning", "billing/moved"}) || len(s.Callers) != 0 || len(s.Limits) == 0 ||
		!slices.Equal(s.Events, []string{"charge.failed", "customer.updated", "invoice.paid"}) {
		t.Errorf("stripe: %+v", s)
	}
	if !slices.Equal(c.Callers, []string{"billing/dunning", "lib/note"}) || len(c.Listeners) != 0 || c.Limits[0].Class != "" || c.Limits[0].Rate == 0 {
		t.Errorf("customerio: %+v", c)
	}
}

func TestFixtureOfAnEvent(t *testing.T) {
	x := newWorkshop(t)
	f, err := x.Fixture(failedCharge("2000"), nil)
	if err != nil || strings.Contains(string(f.Event), "kim@") || !slices.Contains(f.Replaced, "receipt_email") {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := x.Fixture(failedCharge("2000"), []string{"receipt_email"}); err != nil || !strings.Contains(string(f.Event), "kim@") {
		t.Errorf("%+v, %v", f, err)
	}
	gone := failedCharge("2000")
	gone.Payload = nil
	for name, f := range map[string]func() error{
		"a path without a value": func() error { _, err := x.Fixture(failedCharge("2000"), []string{"nope"}); return err },
		"a payload that is gone": func() error { _, err := x.Fixture(gone, nil); return err },
		"a try of it": func() error {
			_, err := x.Try(t.Context(), gone, nil, control.TryRequest{Recipe: "a", Source: "x"})
			return err
		},
		"a name that can't be": func() error {
			_, err := x.Try(t.Context(), failedCharge("1"), nil, control.TryRequest{Recipe: "../a", Source: "x"})
			return err
		},
		"the project's file": func() error {
			_, err := x.Try(t.Context(), failedCharge("1"), nil, control.TryRequest{Recipe: "flowrun", Source: "x"})
			return err
		},
	} {
		if err := f(); !errors.Is(err, control.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTry(t *testing.T) {
	const on = "trigger \"stripe_charge_failed\" {}\n"
	tell := func(id string) string {
		return "action \"customerio_track\" \"tell\" {\n  id = " + id + "\n  name = \"x\"\n}\n"
	}
	served := strings.TrimPrefix(workshopRecipes["billing/dunning.hcl"], "\n")
	for name, tt := range map[string]struct {
		recipe, source string
		outcome        string
		because        string   // is in it
		calls          []string // step and what is in its input
		gates          []string // name and value
	}{
		"as it is served": {"billing/dunning", served, "would_run", "to its end", []string{`action.tell "charge_failed"`}, []string{`filter "large" true`}},
		"held back": {"billing/dunning", strings.Replace(served, "var.floor", "5000", 1), "held_back", `large`, nil,
			[]string{`filter "large" false`}},
		"a new one":                  {"other/new", on + tell(`"cus_new"`), "would_run", "", []string{`action.tell "cus_new"`}, nil},
		"of another event":           {"billing/dunning", "trigger \"stripe_charge_refunded\" {}\n" + tell(`"a"`), "not_for_it", "no trigger", nil, nil},
		"it does not compile":        {"billing/dunning", on + "filter {\n  condition = trigger.amout > 1\n}\n" + tell(`"a"`), "refused", "compile", nil, nil},
		"a variable without a value": {"billing/dunning", on + "variable \"more\" {\n  type = string\n}\n" + tell("var.more"), "refused", "compile", nil, nil},
		"a look-up that was not made": {"billing/dunning", on + "filter {\n  condition = trigger.customer != null\n}\naction \"stripe_customer_retrieve\" \"who\" {\n  customer = trigger.customer\n}\n" +
			"filter \"known\" {\n  condition = action.who != null\n}\n" + tell(`"a"`), "undecided", "look-up", nil, []string{"filter.1 true"}},
		"a wait": {"billing/dunning", on + "wait \"w\" {\n  event \"stripe_invoice_paid\" {}\n  timeout = \"2d\"\n}\n" + tell(`"a"`), "would_wait", "wait", nil, nil},
		"it only looks": {"billing/dunning", on + "filter {\n  condition = trigger.customer != null\n}\naction \"stripe_customer_retrieve\" \"who\" {\n  customer = trigger.customer\n}\n",
			"would_run", "change nothing", nil, []string{"filter.1 true"}},
		"disabled": {"billing/dunning", "recipe {\n  enabled = false\n}\n" + on + tell(`"a"`), "held_back", "enabled = false", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			x := newWorkshop(t)
			got, err := x.Try(t.Context(), failedCharge("2000"), nil, control.TryRequest{Recipe: tt.recipe, Source: tt.source})
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome != tt.outcome || !strings.Contains(got.Because, tt.because) {
				t.Errorf("%s: %s, want %s: …%s…", got.Outcome, got.Because, tt.outcome, tt.because)
			}
			if len(got.Calls) != len(tt.calls) {
				t.Errorf("calls %+v, want %v", got.Calls, tt.calls)
			}
			for i, c := range got.Calls[:min(len(got.Calls), len(tt.calls))] {
				if step, input, _ := strings.Cut(tt.calls[i], " "); c.Step != step || !strings.Contains(string(c.Input), input) {
					t.Errorf("call %+v %s, want %s", c, c.Input, tt.calls[i])
				}
			}
			var gates []string
			for _, g := range got.Gates {
				gates = append(gates, g.Name+" "+g.Value)
			}
			if !slices.Equal(gates[:min(len(gates), len(tt.gates))], tt.gates) {
				t.Errorf("gates %q, want %q", gates, tt.gates)
			}
			if refused := tt.outcome == "refused"; refused != slices.ContainsFunc(got.Diagnostics, func(d control.Diagnostic) bool { return d.Severity == "error" }) {
				t.Errorf("diagnostics %+v", got.Diagnostics)
			}
		})
	}
}

// Whoever tries a recipe writes its text, and could have it show what it must not: no secret, no file and no variable
// that is sensitive where it is declared comes into it.
func TestTryShowsNoSecrets(t *testing.T) {
	x := newWorkshop(t)
	secretFile := x.dir + "/secret.txt"
	write(t, x.dir, "secret.txt", workshopSecret)
	const on = "trigger \"stripe_charge_failed\" {}\n"
	for name, source := range map[string]string{
		"the variable":               on + "action \"customerio_track\" {\n  id = \"a\"\n  name = \"x\"\n  data = { v = var.password }\n}\n",
		"the variable, as if public": on + "variable \"password\" {\n  type = string\n}\naction \"customerio_track\" {\n  id = var.password\n  name = \"x\"\n}\n",
		"the environment":            on + "connection \"customerio\" {\n  site_id = env(\"FLOWRUN_VAR_password\")\n  api_key = env(\"CUSTOMERIO_API_KEY\")\n}\naction \"customerio_track\" {\n  id = \"a\"\n  name = \"x\"\n}\n",
		"a file":                     on + "locals {\n  f = file(" + string(must(json.Marshal(secretFile))) + ")\n}\naction \"customerio_track\" {\n  id = local.f\n  name = \"x\"\n}\n",
		"a file's default":           on + "variable \"f\" {\n  type = string\n  default = file(" + string(must(json.Marshal(secretFile))) + ")\n}\naction \"customerio_track\" {\n  id = var.f\n  name = \"x\"\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := x.Try(t.Context(), failedCharge("2000"), nil, control.TryRequest{Recipe: "billing/dunning", Source: source})
			if err != nil {
				t.Fatal(err)
			}
			if raw := string(must(json.Marshal(got))); strings.Contains(raw, workshopSecret) {
				t.Errorf("it shows the secret: %s", raw)
			}
		})
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

func TestCatalogue(t *testing.T) {
	x := newWorkshop(t)
	c := newCatalogue(x.registry)
	list := c.List()
	if len(list.Services) != len(x.registry.ServiceNames()) || len(list.Entries) != len(x.registry.TriggerNames())+len(x.registry.ActionNames()) {
		t.Errorf("%d services, %d entries", len(list.Services), len(list.Entries))
	}
	for _, item := range list.Entries {
		e := c.Entry(item.Name, item.Kind, "")
		if e == nil || e.Kind != item.Kind || e.Service != item.Service || e.Title == "" || item.Kind == "action" && (item.Effect == "" || e.Repeat == "") {
			t.Errorf("%+v: %+v", item, e)
		}
		if item.Kind == "trigger" && e.Sample != nil && !json.Valid(e.Sample) {
			t.Errorf("%s: the sample %s is no JSON", item.Name, e.Sample)
		}
	}
	for _, tt := range []struct{ name, path, field string }{
		{"stripe_charge_failed", "", "billing_details"}, {"stripe_charge_failed", "billing_details", "email"}, {"stripe_charge_failed", "billing_details.address", "city"},
		{"stripe_customer_retrieve", "out.address", "city"},
	} {
		e := c.Entry(tt.name, "", tt.path)
		if e == nil || !slices.ContainsFunc(e.Fields, func(f control.CatalogField) bool { return f.Name == tt.field }) {
			t.Errorf("%s %s has no field %s", tt.name, tt.path, tt.field)
		}
	}
	for _, at := range [][2]string{{"nope", ""}, {"stripe_charge_failed", "amount"}, {"stripe_charge_failed", "nope"}, {"customerio_track", "nope"}, {"stripe", "x"}} {
		if e := c.Entry(at[0], "", at[1]); e != nil {
			t.Errorf("%v: %+v", at, e)
		}
	}
	stripe := c.Entry("stripe", "service", "")
	if stripe.Kind != "service" || len(stripe.Settings) == 0 || len(stripe.Limits) == 0 || !slices.ContainsFunc(stripe.Settings, func(f control.CatalogField) bool { return f.Env == "STRIPE_API_KEY" && f.Secret }) {
		t.Errorf("%+v", stripe)
	}
}

func TestPairForThePage(t *testing.T) {
	c := newCatalogue(newWorkshop(t).registry)
	p, err := c.Pair(t.Context(), "stripe_charge_failed", "customerio_track")
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs := invoke(t, t.TempDir(), "new", "stripe_charge_failed", "customerio_track")
	if code != exitOK || p.Recipe != out {
		t.Errorf("the page has\n%s\nand `flowrun new`\n%s%s", p.Recipe, out, errs)
	}
	if p.Title != "When charge failed in Stripe, track in Customer.io" || p.Filename != "stripe_charge_failed_to_customerio_track.hcl" {
		t.Errorf("%+v", p)
	}
	for _, names := range [][2]string{{"nope", "customerio_track"}, {"stripe_charge_failed", "nope"}, {"stripe_event", "customerio_track"}} {
		if _, err := c.Pair(t.Context(), names[0], names[1]); !errors.Is(err, control.ErrRefused) {
			t.Errorf("%v: %v", names, err)
		}
	}
}
