package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/flowrun/flowrun/connectors"
	"github.com/flowrun/flowrun/connectors/all"
	"github.com/flowrun/flowrun/lang"
	"github.com/flowrun/flowrun/runtime"
	"github.com/flowrun/flowrun/runtime/engine"
)

// benchEvents is how many events one round tries: 100,000 through 50 recipes, all of them edited, should take less than
// 30 seconds on two cores.
const benchEvents = 100_000

// BenchmarkBacktest compares 50 recipes with 50 that are edited. In "one in ten" an event meets five of them; in "all" it
// meets all fifty.
func BenchmarkBacktest(b *testing.B) {
	types := []string{"charge_failed", "charge_succeeded", "charge_refunded", "charge_updated", "charge_captured",
		"charge_pending", "charge_expired", "charge_dispute_created", "charge_dispute_closed", "charge_dispute_updated"}
	for _, c := range []struct {
		name  string
		types []string
	}{{"one in ten", types}, {"all", types[:1]}} {
		b.Run(c.name, func(b *testing.B) {
			before, after := map[string][]byte{}, map[string][]byte{}
			for n := range 50 {
				name := fmt.Sprintf("recipe%02d.hcl", n)
				before[name] = []byte(benchRecipe(c.types[n%len(c.types)], n, false))
				after[name] = []byte(benchRecipe(c.types[n%len(c.types)], n, true))
			}
			registry := all.Registry()
			past := benchPast(b, registry, c.types)
			m := &Main{Env: func(string) (string, bool) { return "", false }}
			made := newInventor(registry, m.Env)
			for b.Loop() {
				base, edited := benchTrial(b, m, registry, past, made, before), benchTrial(b, m, registry, past, made, after)
				out, err := compareTrials(b.Context(), past, base, edited, nil)
				if err != nil {
					b.Fatal(err)
				}
				if out.Events != benchEvents || len(out.Changed) == 0 || len(out.Newly) == 0 {
					b.Fatalf("%d events, %d changed, %d newly matched", out.Events, len(out.Changed), len(out.Newly))
				}
			}
			b.ReportMetric(float64(benchEvents*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// benchRecipe tells of one kind of event in a hundred or so; the edited one of a few more, and otherwise.
func benchRecipe(typ string, n int, edited bool) string {
	floor, field := 90+n%5, "amount"
	if edited {
		floor, field = floor-3, "cents"
	}
	object := "trigger.customer"
	if strings.Contains(typ, "dispute") {
		object = "trigger.charge"
	}
	return fmt.Sprintf(`trigger "stripe_%s" {}

filter "large" {
  condition = trigger.amount >= %d && %s != null
}

filter "not a test" {
  condition = !startswith(%s, "test_%d")
}

action "customerio_track" "tell" {
  id   = %s
  name = "seen"
  data = { %s = money(trigger.amount, trigger.currency) }
}
`, typ, floor, object, object, n, object, field)
}

// benchPast makes events of a thousand payloads.
func benchPast(b *testing.B, registry *connectors.Registry, types []string) *engine.Past {
	b.Helper()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	payloads := make([][]byte, 1000)
	kinds := make([]string, len(payloads))
	for n := range payloads {
		trigger := registry.Trigger("stripe_" + types[n%len(types)])
		if trigger == nil {
			b.Fatalf("there is no trigger stripe_%s", types[n%len(types)])
		}
		kinds[n] = trigger.Events[0]
		set := map[string]string{"amount": fmt.Sprint(n / len(types) * 7 % 100)}
		if !strings.Contains(kinds[n], "dispute") {
			set["customer"] = fmt.Sprintf("cus_%d", n)
		}
		sm, err := newSample(registry, kinds[n], set, began)
		if err != nil {
			b.Fatal(err)
		}
		payloads[n] = sm.body
	}
	events := make([]engine.PastEvent, benchEvents)
	for i := range events {
		n := i % len(payloads)
		at := began.Add(time.Duration(i) * time.Second)
		events[i].Event = &runtime.Event{Seq: int64(i + 1), Connection: "stripe", Service: "stripe", ID: fmt.Sprintf("evt_%d", i), Type: kinds[n],
			Time: at, ReceivedAt: at, Payload: payloads[n]}
	}
	return engine.NewPast(events)
}

func benchTrial(b *testing.B, m *Main, registry *connectors.Registry, past *engine.Past, made *inventor, files map[string][]byte) *engine.Trial {
	b.Helper()
	p := &project{}
	if p.program, p.diags = lang.CompileFiles(files, registry); p.diags.HasErrors() {
		b.Fatal(p.diags)
	}
	t, _, err := m.trial(registry, past, p, made, nil)
	if err != nil {
		b.Fatal(err)
	}
	return t
}
