package main

// Every pair of Stripe and Customer.io, and of Stripe and Pics.io, both ways: its recipe is written, checked with all
// others in one program, and run in the sandbox on a sample of its trigger. What it calls must be what it was written for.
// The test that is written with it is run, too, and must show all that the recipe can do.

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/connectors/pair"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/lang/diag"
	"github.com/flowrun/flowrun/lang/schema"
	"github.com/flowrun/flowrun/lang/suite"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
	"github.com/flowrun/flowrun/runtime/memstore"
	"github.com/flowrun/flowrun/runtime/runtimetest"
	"github.com/flowrun/flowrun/runtime/testrun"
)

// written is a pair with its recipe.
type written struct {
	onePair
	*pair.Recipe
	name string
}

// everyPair is how many pairs go by for each that is tried; -pairs 1 tries all.
var everyPair = flag.Int("pairs", 61, "of TestPairs: try each of so many pairs; 1 for all")

func TestPairs(t *testing.T) {
	t.Run("stripe customerio", func(t *testing.T) { tryPairs(t, 40_000, "stripe", "customerio") })
	t.Run("stripe picsio", func(t *testing.T) { tryPairs(t, 2_000, "stripe", "picsio") })
}

// tryPairs tries pairs of two services, of which there are at least so many.
func tryPairs(t *testing.T, least int, services ...string) {
	registry := all.Registry()
	list, err := pairsBetween(registry, services)
	if err != nil {
		t.Fatal(err)
	}
	files, vars := map[string][]byte{}, map[string]string{}
	var recipes []written
	variables, lookUps, guarded := 0, 0, 0
	for i, p := range list {
		if i%*everyPair != 0 {
			continue
		}
		r, err := pair.Write(registry, p.Trigger, p.Action)
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		w := written{p, r, fmt.Sprintf("pairs/%05d", i)}
		files[w.name+".hcl"] = []byte(r.Text)
		recipes = append(recipes, w)
		honest(t, w)
		for _, v := range r.Variables {
			vars[v.Name] = text(v)
		}
		if slices.ContainsFunc(r.Variables, func(v pair.Variable) bool { return !strings.HasPrefix(v.Name, "allow_") }) {
			variables++
		}
		if len(r.LookUps) > 0 {
			lookUps++
		}
		if r.Guarded {
			guarded++
		}
	}
	t.Logf("%d of %d pairs: %d need a variable, %d a look-up, %d are guarded", len(recipes), len(list), variables, lookUps, guarded)
	if len(list) < least {
		t.Errorf("%d pairs: has the catalogue shrunk?", len(list))
	}
	program, diags := lang.CompileFiles(files, registry)
	for i, d := range diags {
		if m, _ := diag.MetaOf(d); i < 5 && m.Code != diag.Circle && m.Code != diag.SameTwice { // pairs side by side make what no project has
			t.Errorf("%v\n%s", d, files[d.Subject.Filename])
		}
	}
	if diags.HasErrors() {
		t.FailNow()
	}
	runPairs(t, program, recipes, vars)
	for chunk := range slices.Chunk(recipes, 500) {
		runWrittenTests(t, registry, chunk)
	}
}

// runWrittenTests runs the tests that were written with recipes. They must pass and show all that the recipes can do.
func runWrittenTests(t *testing.T, registry *connectors.Registry, recipes []written) {
	t.Helper()
	files, tests := map[string][]byte{}, map[string][]byte{}
	for _, w := range recipes {
		files[w.name+".hcl"], tests[w.name+".test.hcl"] = []byte(w.Text), []byte(w.Test)
	}
	program, diags := lang.CompileFiles(files, registry)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	b, err := newBench(&project{dir: t.TempDir(), program: program}, registry)
	if err != nil {
		t.Fatal(err)
	}
	compiled, diags := suite.Compile(tests, b.options())
	for i, d := range diags {
		if i < 5 {
			t.Errorf("%v\n%s\n%s", d, files[strings.TrimSuffix(d.Subject.Filename, ".test.hcl")+".hcl"], tests[d.Subject.Filename])
		}
	}
	if diags.HasErrors() {
		t.FailNow()
	}
	failed := 0
	results := b.runner.Run(t.Context(), compiled)
	for _, res := range results {
		if res.Passed() {
			continue
		}
		if failed++; failed <= 5 {
			t.Errorf("%s: %s: %+v\n%s\n%s", res.Test.Recipe.Name, res.Test.Name, res.Failures, files[res.Test.Recipe.Filename], tests[res.Test.Range.Filename])
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d tests that were written fail", failed, len(results))
	}
	for _, r := range testrun.Cover(program.Recipes(), results).Recipes {
		if r.Covered != len(r.Points) {
			if failed++; failed <= 5 {
				t.Errorf("%s: the test shows %d of %d things that the recipe can do\n%s\n%s", r.Recipe, r.Covered, len(r.Points), files[r.Recipe+".hcl"], tests[r.Recipe+".test.hcl"])
			}
		}
	}
}

// honest tests what no pair may do: use the event's id, or make up a value.
func honest(t *testing.T, w written) {
	t.Helper()
	if strings.Contains(w.Text, "event.id") {
		t.Errorf("%v uses the event's id:\n%s", w.onePair, w.Text)
	}
	body := w.Text[strings.LastIndex(w.Text, "\naction "):]
	for line := range strings.Lines(body) {
		if _, value, ok := strings.Cut(line, " = "); ok && strings.ContainsAny(value, `"0123456789`) && !strings.Contains(value, "var.") {
			t.Errorf("%v makes up a value:%s\n%s", w.onePair, line, w.Text)
		}
	}
	if irreversibleAction(w.Action) && !strings.Contains(w.Text, "condition = var.allow_") {
		t.Errorf("%v can't be undone and has no guard:\n%s", w.onePair, w.Text)
	}
}

func irreversibleAction(name string) bool {
	return strings.Contains(name, "delete") || strings.HasSuffix(name, "_suppress") || strings.Contains(name, "cancel")
}

// text is a value for a variable, as -var takes it.
func text(v pair.Variable) string {
	var s string
	if json.Unmarshal([]byte(v.Example), &s) == nil {
		return s
	}
	switch {
	case v.Example != "":
		return v.Example
	case v.Type == "number":
		return "1"
	case v.Type == "bool":
		return "true"
	}
	return "made-up"
}

func runPairs(t *testing.T, program *lang.Program, recipes []written, vars map[string]string) {
	recorder := &wire{}
	observed, err := recorder.observe()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range observed.ServiceNames() {
		observed.Spec(name).Limits, observed.Spec(name).LimitFor = nil, nil // the clock stands still, and would let no second call through
	}
	p := &project{dir: t.TempDir(), program: program}
	bindings, diags := program.Bind(newInventor(observed, func(string) (string, bool) { return "", false }).inputs(p, vars))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	store, clock := memstore.New(), runtimetest.NewClock(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	defer store.Close()
	e := engine.New(engine.Config{Store: store, Registry: observed, Clock: clock, Client: &http.Client{Transport: recorder}})
	if err := e.Swap(t.Context(), program, bindings); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i, w := range recipes {
		recorder.seen = nil
		run, err := runPair(t.Context(), e, store, observed, w, fmt.Sprintf("evt_%d", i), clock.Now())
		switch {
		case err != nil:
			t.Fatalf("%v: %v\n%s", w.onePair, err, w.Text)
		case run.Status != runtime.RunCompleted || !calledAction(recorder.seen, w.Action) && !(run.StoppedBy == "the look-up found it" && calledAction(recorder.seen, w.LookUps[0])):
			if failed++; failed <= 5 {
				t.Errorf("%v: %v, %v, stopped by %q\n%s", w.onePair, run.Status, run.Error, run.StoppedBy, w.Text)
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d pairs did not make their call", failed, len(recipes))
	}
}

func calledAction(seen []request, action string) bool {
	return slices.ContainsFunc(seen, func(r request) bool { return r.Action == action })
}

// runPair runs a pair's recipe on a sample in which all that it waits for is there.
func runPair(ctx context.Context, e *engine.Engine, store runtime.Store, r *connectors.Registry, w written, id string, now time.Time) (*runtime.Run, error) {
	trigger := r.Trigger(w.Trigger)
	set := map[string]string{}
	for _, s := range w.NotNull {
		set[s.Path.String()] = witness(s)
	}
	typ := w.Trigger
	if trigger.TypesSetting != "" {
		typ = trigger.Events[0]
	}
	sm, err := newSample(r, typ, set, now)
	if err != nil {
		return nil, err
	}
	ev := &runtime.Event{ID: id, Connection: trigger.Service, Service: trigger.Service, Type: sm.eventType, Time: now, ReceivedAt: now, Payload: sm.body}
	if _, err := store.AcceptEvent(ctx, ev); err != nil {
		return nil, err
	}
	return e.Once(ctx, w.name, ev)
}

// witness is a value of a field.
func witness(s pair.Source) string {
	switch {
	case s.Prefix != "":
		return s.Prefix + "123"
	case s.Field.Role == schema.RoleEmail:
		return "kim@example.com"
	case s.Field.Type.Kind == schema.KindNumber:
		return "1750000000"
	case s.Field.Role == schema.RolePhone:
		return "+15555550100"
	}
	return s.Field.Type.Prefix + "123"
}

// TestWrittenTestsCanFail spoils recipes in one way after the other, each of which their tests must notice.
func TestWrittenTestsCanFail(t *testing.T) {
	for _, tt := range []struct {
		trigger, action string
		spoil           map[string][]string
	}{
		{"stripe_charge_failed", "customerio_delete", map[string][]string{
			"somebody else is deleted":       {"id = trigger.customer", "id = trigger.id"},
			"nobody is asked":                {"condition = var.allow_customerio_delete", "condition = var.allow_customerio_delete || trigger.amount >= 0"},
			"a guest is deleted":             {"condition = trigger.customer != null", "condition = trigger.amount >= 0", "id = trigger.customer", `id = coalesce(trigger.customer, "guest")`},
			"nothing is deleted":             {`action "customerio_delete" {`, "action \"customerio_delete\" {\n  when = trigger.amount < 0"},
			"another event starts it":        {`trigger "stripe_charge_failed"`, `trigger "stripe_charge_succeeded"`},
			"the person is deleted by force": {"condition = var.allow_customerio_delete", "condition = !var.allow_customerio_delete"},
		}},
		{"stripe_account_updated", "customerio_person_attributes", map[string][]string{
			"somebody else is looked up":        {"email = trigger.email", `email = "jo@example.com"`},
			"what is found is not used":         {"customer_id = action.found.id", "customer_id = coalesce(trigger.email, \"x\")"},
			"what is not found is called about": {"action.found != null && action.found.id != null", "trigger.email != null", "customer_id = action.found.id", "customer_id = action.found == null ? \"x\" : coalesce(action.found.id, \"x\")"},
		}},
	} {
		spoilPair(t, tt.trigger, tt.action, tt.spoil)
	}
}

func spoilPair(t *testing.T, trigger, action string, spoil map[string][]string) {
	registry := all.Registry()
	p, err := pair.Write(registry, trigger, action)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := provePair(t.Context(), registry, p); err != nil {
		t.Fatal(err)
	}
	for what, change := range spoil {
		spoiled := *p
		spoiled.Text = strings.NewReplacer(change...).Replace(p.Text)
		if spoiled.Text == p.Text {
			t.Errorf("%s: there is nothing to change in\n%s", what, p.Text)
		}
		if _, _, err := provePair(t.Context(), registry, &spoiled); err == nil || !strings.Contains(err.Error(), "test") {
			t.Errorf("%s, and the test passes: %v\n%s", what, err, p.Test)
		}
	}
}
